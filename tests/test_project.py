"""The project's own files: locks, commands, hooks. What they promise is there."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")


def name_of(requirement: str) -> str:
    """The normalised name of a requirement like `litestar[jinja]>=2`."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def locked(lock: str) -> dict[str, str]:
    """Name to version of a lock file."""
    pins = re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return dict(pins)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_version_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(locked(lock)) > 40
    # One version each, or one for each kind of Python.
    assert {name_of(entry) for entry in entries} == set(locked(lock))
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text
    assert "index-url" not in text


def test_the_locks_hold_what_the_project_names() -> None:
    runtime = {name_of(text) for text in PROJECT["project"]["dependencies"]}
    extras = PROJECT["project"]["optional-dependencies"]
    dev = {name_of(text) for text in (*extras["dev"], *extras["neonize"])} - {"tiptoe"}
    assert runtime <= set(locked(LOCKS[0]))
    assert dev <= set(locked(LOCKS[1]))
    assert locked(LOCKS[0]).items() <= locked(LOCKS[1]).items()


def test_every_rule_is_on_and_every_exception_has_its_reason() -> None:
    assert PROJECT["tool"]["ruff"]["lint"]["select"] == ["ALL"]
    text = (ROOT / "pyproject.toml").read_text()
    ignored = text[text.index("\nignore = [") : text.index("\n[tool.ruff.lint.isort]")]
    lines = [line for line in ignored.splitlines() if re.search(r'"[A-Z]+\d*"', line)]
    assert lines
    for line in lines:
        assert re.search(r"# \w.*\w", line), f"no reason: {line}"


def test_packages_are_listed_and_linted() -> None:
    packages = set(PROJECT["tool"]["setuptools"]["packages"])
    assert packages == set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert len(PROJECT["tool"]["importlinter"]["contracts"]) == 3
    for package in packages:
        assert (ROOT / package / "__init__.py").exists()


def test_help_names_the_commands_of_the_house() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("setup", "run", "test", "check", "bench", "docs", "lock", "clean"):
        assert f"  make {target} " in done.stdout


def test_contributing_speaks_of_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)\b", (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_continuous_integration_is_the_gate() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")


def test_the_hooks_use_tools_of_the_lock() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    programs = {hook["entry"].split()[0] for hook in hooks}
    tools = {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/lint-imports", ".venv/bin/python"}
    assert programs == tools


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["project"]["license"] == "Apache-2.0"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout with just what setting up reads."""
    for path in (".ci/setup", "pyproject.toml", *LOCKS):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def set_up(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / ".ci" / "setup", "runtime"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_setting_up_says_when_python_is_too_old(bare: Path) -> None:
    old = bare / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = set_up(bare, PYTHON=str(old))
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (bare / ".venv").exists()


def test_setting_up_again_does_nothing(bare: Path) -> None:
    """A .venv that says that it was made here from these files is not touched."""
    python = bare / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho touched >&2; exit 1\n")
    python.chmod(0o755)
    files = f"cat {LOCKS[0]} pyproject.toml | cksum"
    state = subprocess.run(
        ["sh", "-c", files], cwd=bare, capture_output=True, text=True, check=True
    )
    (bare / ".venv" / ".installed-runtime").write_text(f"{bare} {state.stdout}")
    done = set_up(bare, PYTHON="/no/python")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
