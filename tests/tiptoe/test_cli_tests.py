"""`tiptoe flow test` and `tiptoe run replay`: from files, and out of a database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from engine.runner import Runner
from flows import library
from flows.events import ApiCalled
from store import automations, companies, events, resolve, scenarios
from store.addresses import Address
from store.database import Database
from store.doorbell import Doorbell
from store.runs import runs
from store.visits import visits
from tests.engine.flows import NOW
from tiptoe.cli import main

HELLO: dict[str, Any] = {
    "name": "Hello",
    "triggers": {"api": {"type": "api"}},
    "start": "greet",
    "steps": {
        "greet": {"type": "send_message", "text": "Hello", "next": {"sent": "end"}},
        "end": {"type": "end"},
    },
}
GREETS: dict[str, Any] = {
    "name": "Greets",
    "first": {"type": "api", "automation_id": 1},
    "expect": {"messages": ["Hello"], "status": "done"},
}


def call(*arguments: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(main, list(arguments))


def written(folder: Path, name: str, content: object) -> str:
    path = folder / name
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.parametrize("name", library.names())
def test_the_library_passes_from_its_files(name: str) -> None:
    folder = Path(library.__file__).parent
    result = call(
        "flow", "test", str(folder / f"{name}.json"), "--tests", str(folder / f"tests/{name}.json")
    )
    assert result.exit_code == 0, result.output
    assert result.output.count("✓") == len(library.scenarios(name))


def test_what_fails_is_told_in_words_and_as_json(tmp_path: Path) -> None:
    flow = written(tmp_path, "flow.json", HELLO)
    silent = GREETS | {"name": "Is silent", "expect": {"messages": ["Goodbye"]}}
    tests = written(tmp_path, "tests.json", [GREETS, silent])
    result = call("flow", "test", flow, "--tests", tests)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "✓ Greets",
        "✗ Is silent",
        "    message 1 is “Hello”, expected “Goodbye”",
        "1 of 2 passed.",
    ]
    told = json.loads(call("flow", "test", flow, "--tests", tests, "--json").output)
    assert (told["ok"], [one["passed"] for one in told["tests"]]) == (False, [True, False])


def test_mistakes_are_told_with_exit_code_2(tmp_path: Path) -> None:
    flow = written(tmp_path, "flow.json", HELLO)
    wrong = written(tmp_path, "wrong.json", GREETS | {"expect": {}})
    for arguments, words in (
        (["--tests", wrong], "Give FILE with --tests"),
        ([flow], "Give FILE with --tests"),
        ([flow, "--tests", wrong], "test “Greets”: expect: say at least one thing"),
        ([wrong, "--tests", wrong], "has errors"),
    ):
        result = call("flow", "test", *arguments)
        assert result.exit_code == 2, result.output
        assert words in result.stderr


async def _played(url: str) -> tuple[int, int]:
    """An automation with a test, and a run of it."""
    database = Database(url)
    async with database.write() as tx:
        company = await companies.create(tx, "Mugs", now=NOW)
        automation = await automations.create(tx, company, HELLO, NOW)
        await automations.publish(tx, company, automation, None, "", NOW)
        await scenarios.create(tx, company, automation, GREETS, NOW)
        contact = await resolve.resolve(tx, company, [Address("phone", "+447700900123")], now=NOW)
        row = {
            "company_id": company,
            "contact_id": contact,
            "kind": "api",
            "data": ApiCalled(automation),
            "at": NOW,
            "created_at": NOW,
        }
        await events.insert_many(tx, [row])
    await Runner(database, lambda: NOW, Doorbell(None)).drain()
    async with database.read() as tx:
        run_id = int(await tx.scalar(sa.select(runs.c.id)) or 0)
    await database.close()
    return automation, run_id


async def _lie(url: str) -> None:
    database = Database(url)
    async with database.write() as tx:
        await tx.execute(sa.update(visits).where(visits.c.step == "greet").values(why="luck"))
    await database.close()


def test_a_stored_automation_is_tested_and_its_run_replayed(database_url: str) -> None:
    automation, run_id = asyncio.run(_played(database_url))
    here = {"DATABASE_URL": database_url}
    result = call("flow", "test", "--automation", str(automation), **here)
    assert (result.exit_code, result.output) == (0, "✓ Greets\n1 of 1 passed.\n")
    assert call("flow", "test", "--automation", "999", **here).exit_code == 2
    missing = call("flow", "test", "--automation", str(automation), "--revision", "7", **here)
    assert missing.exit_code == 2
    replayed = call("run", "replay", str(run_id), **here)
    assert replayed.exit_code == 0, replayed.output
    assert "the same decisions" in replayed.output
    asyncio.run(_lie(database_url))
    told = call("run", "replay", str(run_id), "--json", **here)
    assert told.exit_code == 1
    assert "then it was “luck”" in json.loads(told.output)["difference"]
    assert call("run", "replay", "12345", **here).exit_code == 1
