"""The command line: help that helps, mistakes without tracebacks."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tiptoe.cli import main

COMMANDS = ["engine", "gateway", "migrate", "sandbox", "up", "web"]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("tiptoe.logs.configure_logs", lambda *_: None)  # logging is pytest's here
    return CliRunner(env={"TIPTOE_DATA": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""})


def test_help_names_every_command(runner: CliRunner) -> None:
    result = runner.invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help(runner: CliRunner, name: str) -> None:
    result = runner.invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert (main.commands[name].help or "").strip()


def test_migrate_makes_the_database(runner: CliRunner, tmp_path: Path) -> None:
    first = runner.invoke(main, ["migrate"])
    assert (first.exit_code, first.stderr) == (0, "")
    assert (tmp_path / "tiptoe.db").exists()
    second = runner.invoke(main, ["migrate", "--json"])
    assert json.loads(second.stdout)["revision"] in first.stdout


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["fly"], {}, "No such command"),
        (["migrate", "--loudly"], {}, "No such option"),
        (["migrate"], {"DATABASE_URL": "oracle://x"}, "DATABASE_URL='oracle://x' cannot be used"),
        (["web"], {"TIPTOE_PORT": "x"}, "TIPTOE_PORT"),
        (["engine"], {}, "needs REDIS_URL"),
        (["gateway"], {"TIPTOE_CLOUD_API_VERSION": "9"}, "TIPTOE_CLOUD_API_VERSION"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    runner: CliRunner, arguments: list[str], environ: dict[str, str], words: str
) -> None:
    result = runner.invoke(main, arguments, env=environ)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
