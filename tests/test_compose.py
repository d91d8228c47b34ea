"""docker-compose.yml, Dockerfile and .env.example agree with the command line and the settings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tiptoe.cli import main
from tiptoe.settings import SETTINGS, load_settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "tiptoe"}
NAMES = {setting.name for setting in SETTINGS}
COMPOSES_OWN = {"POSTGRES_PASSWORD", "TIPTOE_PUBLISH_ON"}


def filled(text: str) -> str:
    """What compose makes of `${NAME:-default}` and `${NAME:?message}` without the defaults."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "password", text)


def environment(name: str) -> dict[str, str]:
    return {key: filled(str(value)) for key, value in OURS[name]["environment"].items()}


def test_every_process_has_a_service() -> None:
    assert set(OURS) == {"migrate", "web", "engine", "gateway", "sandbox"}
    assert OURS["engine"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_a_command_that_exists_with_settings_that_are_read(name: str) -> None:
    assert OURS[name]["command"] == [name]
    assert name in main.commands
    assert set(OURS[name]["environment"]) <= NAMES
    settings = load_settings(environment(name) | {"TIPTOE_DATA": "/"})
    assert settings.database_url.startswith("postgresql://")
    assert settings.redis_url is not None
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize(("name", "field"), [("web", "port"), ("sandbox", "sandbox_port")])
def test_published_and_checked_ports_are_those_listened_on(name: str, field: str) -> None:
    settings = load_settings(environment(name) | {"TIPTOE_DATA": "/"})
    port = getattr(settings, field)
    (published,) = (filled(text) for text in OURS[name]["ports"])
    assert published.startswith("127.0.0.1:"), "opening it to the network is a decision"
    assert published.endswith(f":{port}")
    assert f"http://127.0.0.1:{port}/" in OURS[name]["healthcheck"]["test"][-1]
    assert f"{port}" in exposed()


def test_services_reach_each_other_by_name() -> None:
    settings = load_settings(environment("gateway") | {"TIPTOE_DATA": "/"})
    assert settings.sandbox_url == f"http://sandbox:{settings.sandbox_port}"
    default_hook = load_settings({}).sandbox_webhook_url
    assert settings.sandbox_webhook_url == default_hook.replace("127.0.0.1", "web")
    assert "@postgres:" in settings.database_url
    assert "//redis:" in str(settings.redis_url)


def test_nothing_starts_before_what_it_needs() -> None:
    for name, service in OURS.items():
        for needed in service["depends_on"]:
            assert needed in SERVICES, name
        if name != "migrate":
            assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    for name in ("postgres", "redis", "web", "sandbox"):
        assert "test" in SERVICES[name]["healthcheck"]


def test_data_lasts() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    assert all("data:/data" in service["volumes"] for service in OURS.values())


def test_what_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked <= NAMES | COMPOSES_OWN
    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert COMPOSES_OWN <= example <= asked


def exposed() -> list[str]:
    found = re.search(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_the_image_runs_as_nobody_special_from_the_lock_file() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert text.index("USER tiptoe") < text.index("ENTRYPOINT")
    assert '\nENTRYPOINT ["tiptoe"]\nCMD ["up"]\n' in text
    variables = set(re.findall(r"\b(TIPTOE_\w+)=", text))
    assert variables == {"TIPTOE_DATA", "TIPTOE_HOST"}
    assert variables <= NAMES
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".env", ".venv", "var"} <= set(ignored)
