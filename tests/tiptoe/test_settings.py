"""Reading settings: defaults, wrong values, and the way to child processes."""

from pathlib import Path

import pytest

from tiptoe.settings import (
    SETTINGS,
    Settings,
    SettingsError,
    environment_of,
    load_settings,
    settings_page,
)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.sandbox_port) == ("127.0.0.1", 8000, 8001)
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.sandbox_url == settings.sandbox_page_url == "http://127.0.0.1:8001"
    assert settings.sandbox_webhook_url == "http://127.0.0.1:8000/hooks/cloud-api"
    assert settings.data == Path.cwd() / "var"
    assert settings.database_url == f"sqlite:///{Path.cwd()}/var/tiptoe.db"
    assert settings.redis_url is None
    assert settings.secret is None
    assert settings.clock is None
    assert settings.allow_private_webhooks is False


def test_what_follows_from_others_follows() -> None:
    settings = load_settings({"TIPTOE_HOST": "0.0.0.0", "TIPTOE_PORT": "9000", "TIPTOE_DATA": "/d"})
    assert settings.base_url == "http://127.0.0.1:9000"
    assert settings.database_url == "sqlite:////d/tiptoe.db"
    assert load_settings({"TIPTOE_HOST": "::1"}).base_url == "http://[::1]:8000"


def test_an_empty_variable_is_not_set() -> None:
    assert load_settings({"TIPTOE_PORT": " ", "REDIS_URL": ""}) == load_settings({})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("TIPTOE_PORT", "0", "1 to 65535"),
        ("TIPTOE_PORT", "80a", "1 to 65535"),
        ("TIPTOE_PORT", "65536", "1 to 65535"),
        ("TIPTOE_SANDBOX_PORT", "-1", "1 to 65535"),
        ("TIPTOE_BASE_URL", "example.com", "http://"),
        ("TIPTOE_BASE_URL", "http://[", "http://"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("DATABASE_URL", "sqlite://", "sqlite:///path"),
        ("DATABASE_URL", "nonsense", "postgresql://"),
        ("REDIS_URL", "http://x", "redis://"),
        ("TIPTOE_CLOUD_API_VERSION", "23", "v23.0"),
        ("TIPTOE_ALLOW_PRIVATE_WEBHOOKS", "maybe", "true"),
        ("TIPTOE_LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("TIPTOE_LOG_FORMAT", "xml", "text, json"),
        ("TIPTOE_DATA", __file__, "folder"),
        ("TIPTOE_CLOCK", "/", "file"),
        ("TIPTOE_PRICES", "/no/such/prices.json", "no such file"),
        ("TIPTOE_MAIL_FROM", "Tiptoe", "tiptoe@example.com"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({name: value})
    message = str(raised.value)
    assert message.startswith(f"{name}={value!r} cannot be used")
    assert allowed in message
    assert "\n" not in message


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIPTOE_PORT": "x", "REDIS_URL": "y"})
    assert [line.split("=")[0] for line in str(raised.value).splitlines()] == [
        "TIPTOE_PORT",
        "REDIS_URL",
    ]


@pytest.mark.parametrize("value", ["https://ada:hush@mail.test", "smtp://:hush@", "hush"])
def test_a_wrong_mail_server_is_refused_and_its_password_not_shown(value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIPTOE_SMTP_URL": value})
    assert "hush" not in str(raised.value)
    assert "smtp://host:587" in str(raised.value)


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIPTOE_SECRET": "hush"})
    assert "hush" not in str(raised.value)
    assert "at least 32" in str(raised.value)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {
            "TIPTOE_HOST": "::1",
            "TIPTOE_DATA": "some/where",
            "TIPTOE_CLOCK": "clock",
            "TIPTOE_SECRET": "s" * 32,
            "REDIS_URL": "unix:///r.sock",
            "TIPTOE_ALLOW_PRIVATE_WEBHOOKS": "yes",
            "TIPTOE_CLOUD_API_VERIFY_TOKEN": "word",
            "TIPTOE_SMTP_URL": "smtps://ada:hush@mail.test",
            "TIPTOE_PRICES": __file__,
        },
    ],
)
def test_another_process_reads_the_same_settings(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    assert load_settings(environment_of(settings)) == settings


def test_the_table_and_the_struct_have_the_same_fields() -> None:
    fields = [setting.field for setting in SETTINGS]
    assert sorted(fields) == sorted(Settings.__struct_fields__)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_the_page_has_a_row_for_each() -> None:
    page = settings_page()
    for setting in SETTINGS:
        assert f"| `{setting.name}` |" in page
