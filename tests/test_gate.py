"""The gate's verdict: nothing counts that did not really run."""

import json

import pytest

from tests import gate


def report(passed: int, *databases: str, failed: int = 0) -> str:
    ran_on = dict.fromkeys(databases, passed)
    return json.dumps({"outcomes": {"passed": passed, "failed": failed}, "ran_on": ran_on})


def verdict(
    capsys: pytest.CaptureFixture[str], lines: list[str], failed: list[str], *, quick: bool = False
) -> tuple[int, list[str]]:
    code = gate.conclude(lines, failed, 12.5, quick=quick)
    return code, capsys.readouterr().out.splitlines()


def test_open_when_all_ran_on_both(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verdict(capsys, [report(10, "SQLite"), report(4, "PostgreSQL")], [])
    assert code == 0
    assert said[0] == "Databases that really ran: SQLite 10 tests, PostgreSQL 4 tests."
    assert said[-1].strip("= ") == "14 passed in 12.50s"


@pytest.mark.parametrize("ran", ["SQLite", "PostgreSQL"])
def test_closed_when_a_database_did_not_run(capsys: pytest.CaptureFixture[str], ran: str) -> None:
    code, said = verdict(capsys, [report(10, ran)], [])
    assert code == 1
    assert "no test ran on" in said[1]


def test_closed_when_a_step_failed(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verdict(capsys, [report(9, "SQLite", failed=1)], ["fast tests"], quick=True)
    assert code == 1
    assert said[0] == "The gate is closed: fast tests."
    assert said[-1].strip("= ") == "1 failed, 9 passed in 12.50s"


def test_closed_when_nothing_ran(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verdict(capsys, [], [])
    assert code == 1
    assert "no tests ran" in said[-1]


def test_a_step_shows_its_output_only_when_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert gate.passes("quiet", ["sh", "-c", "echo words"])
    assert not gate.passes("loud", ["sh", "-c", "echo words; exit 1"])
    said = capsys.readouterr().out
    assert said.count("words") == 1
    assert "FAILED  loud" in said
