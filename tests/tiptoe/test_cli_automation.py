"""`tiptoe automation` on a real database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import automations, companies
from store.events import events
from store.ids import new_id
from store.runs import runs
from tests.tiptoe.test_cli_company import House

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FLOW: dict[str, Any] = {
    "spec": 1,
    "name": "Welcome",
    "triggers": {"api": {"type": "api"}},
    "start": "hello",
    "steps": {
        "hello": {"type": "delay", "duration": "1h", "next": {"after": "bye"}},
        "bye": {"type": "end"},
    },
}


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> House:
    made = House(sqlite_url, tmp_path)

    async def furnish(tx: AsyncConnection) -> None:
        company = await companies.create(tx, "Blue Mugs", now=NOW)
        await automations.create(tx, company, FLOW, NOW)

    made.look(furnish)
    return made


def edit(house: House, **steps: Any) -> None:
    document = FLOW | {"steps": FLOW["steps"] | steps}

    async def save(tx: AsyncConnection) -> None:
        await automations.save_draft(tx, 1, 1, document, NOW)

    house.look(save)


def test_publish_compare_and_list(house: House) -> None:
    assert house.made("automation", "publish", "1", "--comment", "first") == {
        "revision": 1,
        "new": True,
        "moved": 0,
        "ended": 0,
    }
    edit(house, hello=FLOW["steps"]["hello"] | {"duration": "3h"})
    told = house.call("automation", "diff", "1")
    assert told.output == "Delay: 1 hour → 3 hours.\n"
    diff = house.made("automation", "diff", "1", "1", "draft")
    assert diff["summary"] == "1 change"
    assert house.call("automation", "diff", "1", "1", "1").output == "Nothing changed.\n"
    assert "Revision 2 is live." in house.call("automation", "publish", "1").output
    listed = house.made("automation", "revisions", "1")["revisions"]
    assert [(one["number"], one["live"], one["comment"]) for one in listed] == [
        (2, True, ""),
        (1, False, "first"),
    ]
    assert "first" in house.call("automation", "revisions", "1").output


def test_a_plan_for_those_inside(house: House) -> None:
    house.made("automation", "publish", "1")

    async def let_in(tx: AsyncConnection) -> None:
        run = {
            "id": new_id(NOW),
            "company_id": 1,
            "automation_id": 1,
            "revision_id": 1,
            "contact_id": 1,
            "status": "waiting",
            "step": "hello",
            "state": {},
            "started_at": NOW,
        }
        await tx.execute(sa.insert(runs).values(run))

    house.look(let_in)
    edit(house, hello=FLOW["steps"]["hello"] | {"duration": "3h"})
    said = house.refused("automation", "publish", "1", "--move", "hello=nowhere")
    assert "/plan/hello/to" in said
    assert "STEP=STEP" in house.refused("automation", "publish", "1", "--move", "hello")
    made = house.made("automation", "publish", "1", "--move", "hello=hello")
    assert (made["revision"], made["moved"]) == (2, 1)

    async def written(tx: AsyncConnection) -> Any:
        return (await tx.execute(sa.select(events.c.data))).scalar_one()

    assert house.look(written)["step"] == "hello"


def test_errors_keep_it_from_being_published(house: House) -> None:
    edit(house, hello={"type": "delay", "duration": "0m", "next": {}})
    result = house.call("automation", "publish", "1")
    assert result.exit_code == 1
    assert "/steps/hello/duration" in result.stderr
    assert "Nothing was published yet." in house.call("automation", "revisions", "1").output


def test_pause_and_resume(house: House) -> None:
    assert "is not paused: it is draft" in house.refused("automation", "pause", "1")
    house.made("automation", "publish", "1")
    assert house.made("automation", "pause", "1") == {"id": "1", "status": "paused"}
    assert house.made("automation", "pause", "1")["status"] == "paused"
    assert house.made("automation", "resume", "1")["status"] == "live"
    assert "does not exist" in house.refused("automation", "pause", "9")
    assert "must be “draft”" in house.refused("automation", "diff", "1", "x")
