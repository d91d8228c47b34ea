"""Forgetting: in small pieces, by each company's own time, and never what still matters."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from engine.jobs.upkeep import upkeep
from engine.retention import CALLS_KEPT, LINKS_KEPT, Forgotten, Retention
from engine.telling import Teller
from flows.events import ApiCalled, Stopped
from flows.run import Run
from store import companies, events, runs, visits
from store.companies import CompanySettings
from store.events import events as events_table
from store.http_calls import http_calls as calls_table
from store.ids import first_id_at, new_id
from store.links import links
from store.messages import messages
from store.runs import runs as runs_table
from store.visits import step_counts
from store.visits import visits as visits_table
from tests.engine.conftest import House
from tests.engine.flows import NOW

pytestmark = pytest.mark.anyio
GREETING: dict[str, Any] = {
    "name": "Greeting",
    "triggers": {"api": {"type": "api"}},
    "start": "greet",
    "steps": {
        "greet": {"type": "send_message", "text": "Hello", "next": {"sent": "wait"}},
        "wait": {"type": "delay", "duration": "2d", "next": {"after": "end"}},
        "end": {"type": "end", "goal": "greeted", "value": "1"},
    },
}
YEAR = timedelta(days=365)
SOMEBODY_ELSE = 999_999  # a contact's id that no contact has


def broom(house: House, piece: int = 5_000) -> Retention:
    return Retention(house.database, piece=piece, pause_s=0)


async def count(house: House, table: sa.Table) -> int:
    async with house.database.read() as tx:
        return int(await tx.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def keep(house: House, company: int, **values: Any) -> None:
    async with house.database.write() as tx:
        await companies.set_settings(tx, company, CompanySettings(**values))


async def finished(house: House, number: str = "+447700900123") -> int:
    """A run that went its whole way."""
    contact = await house.contact(number)
    automation = await house.live(GREETING)
    await house.start(contact, automation, name="Ada")
    await house.verdicts()
    await house.later(days=2)
    row = await house.run()
    assert row.status == "done"
    return int(row.id)


async def test_a_finished_run_loses_trace_and_variables_but_not_itself(house: House) -> None:
    run_id = await finished(house)
    before = {
        "runs": await count(house, runs_table),
        "messages": await count(house, messages),
        "counts": sorted(await house.all(sa.select(step_counts.c.n))),
    }
    sweep = broom(house)
    assert (await sweep.work(house.now + YEAR - timedelta(hours=1))).traces == 0
    done = await sweep.work(house.now + YEAR + timedelta(hours=1))
    assert done.traces > 0
    assert await count(house, visits_table) == 0
    assert before == {
        "runs": await count(house, runs_table),
        "messages": await count(house, messages),
        "counts": sorted(await house.all(sa.select(step_counts.c.n))),
    }
    row = await house.run()
    assert row.id == run_id
    assert row.state["goal"] == "greeted"
    assert row.state["forgotten_at"]
    assert "variables" not in row.state
    assert msgspec.convert(row.state, Run).status == "done"


async def test_a_run_that_waits_is_never_touched(house: House) -> None:
    contact = await house.contact()
    automation = await house.live(GREETING)
    await house.start(contact, automation, name="Ada")
    row, trace = await house.run(), await house.trace()
    done = await broom(house).work(house.now + 10 * YEAR)
    assert done.traces == 0
    assert (await house.run()).state == row.state
    assert await house.trace() == trace


async def test_a_run_that_ends_late_is_kept_from_its_end(house: House) -> None:
    await finished(house)  # it ended two days after its first line
    assert (await broom(house).work(NOW + YEAR + timedelta(days=1))).traces == 0
    assert (await broom(house).work(NOW + YEAR + timedelta(days=3))).traces > 0


async def test_each_company_has_its_own_time(house: House) -> None:
    await finished(house)
    other = House(house.database)
    await other.open()
    await finished(other, "+447700900999")
    await keep(other, other.company, keep_traces_days=7, keep_events_days=7)
    mine = sa.select(visits_table.c.company_id).distinct()
    events_of = sa.select(events_table.c.company_id).distinct()
    done = await broom(house).work(house.now + timedelta(days=8))
    assert done.traces > 0
    assert done.events > 0
    assert await house.all(mine) == [house.company]
    assert await house.all(events_of) == [house.company]


async def test_events_nobody_handled_stay_and_a_source_id_is_known_for_a_week(house: House) -> None:
    contact = await house.contact()
    await keep(house, house.company, keep_events_days=7)
    await house.tell(contact, ApiCalled(1), source="told once")
    await house.runner.drain()
    await house.tell(contact, Stopped(), source="never handled")
    sweep = broom(house)
    await sweep.work(house.now + timedelta(days=6))
    assert await house.tell(contact, ApiCalled(1), source="told once") == 0
    await sweep.work(house.now + timedelta(days=8))
    left = await house.all(sa.select(events_table.c.source_id))
    assert left == ["never handled"]


async def test_old_calls_and_links_go(house: House) -> None:
    def call(number: int, state: str, done: bool) -> dict[str, Any]:
        return {
            "id": first_id_at(NOW) + number,
            "company_id": house.company,
            "contact_id": 1,
            "run_id": number,
            "seq": 1,
            "state": state,
            "request": {},
            "due_at": None,
            "created_at": NOW,
            "done_at": NOW if done else None,
        }

    link = {
        "company_id": house.company,
        "contact_id": 1,
        "run_id": 1,
        "automation_id": 1,
        "step": "greet",
        "url": "https://example.com",
        "clicks": 3,
    }
    async with house.database.write() as tx:
        rows = [call(1, "done", True), call(2, "failed", True), call(3, "calling", False)]
        await tx.execute(sa.insert(calls_table), rows)
        await tx.execute(
            sa.insert(links),
            [
                link | {"token": "old", "created_at": NOW},
                link | {"token": "new", "created_at": NOW + timedelta(days=1)},
            ],
        )
    hour = timedelta(hours=1)
    assert await broom(house).work(NOW + CALLS_KEPT - hour) == Forgotten()
    assert (await broom(house).work(NOW + CALLS_KEPT + hour)).calls == 2
    assert (await broom(house).work(NOW + LINKS_KEPT + hour)).links == 1
    assert await house.all(sa.select(links.c.token)) == ["new"]
    assert await house.all(sa.select(calls_table.c.run_id)) == [3]


async def fill(house: House, how_many: int, lines: int) -> tuple[int, int]:
    """`how_many` finished runs of `lines` lines each: the id of one that waits; events written."""
    ids = [new_id(NOW) for _ in range(how_many)]
    waiting = ids[how_many // 2]
    row = {
        "company_id": house.company,
        "automation_id": 1,
        "revision_id": 1,
        "contact_id": SOMEBODY_ELSE,
        "started_at": NOW,
        "trigger": "",
        "reason": "",
        "seq": 1,
        "cart_id": None,
        "step": "greet",
        "wait_until": None,
    }
    line = {
        "company_id": house.company,
        "automation_id": 1,
        "step": "greet",
        "kind": "send_message",
        "seq": 1,
        "at": NOW,
        "did": "left",
        "exit": "sent",
        "why": "",
        "data": {"saw": {"cart.total": 1}},
    }
    event = {
        "company_id": house.company,
        "contact_id": SOMEBODY_ELSE,
        "kind": "api",
        "data": {},
        "at": NOW,
        "created_at": NOW,
        "handled_at": NOW,
    }
    async with house.database.write() as tx:
        await runs.insert_many(
            tx,
            [
                row
                | {
                    "id": one,
                    "status": "waiting" if one == waiting else "done",
                    "ended_at": None if one == waiting else NOW,
                    "state": {"id": one, "step": "greet", "variables": {"name": "Ada"}},
                }
                for one in ids
            ],
        )
        for first in range(0, how_many, 500):
            some = ids[first : first + 500]
            await visits.insert_many(tx, [line | {"run_id": one} for one in some] * lines)
        for _ in range(how_many * lines // 10_000):
            await tx.execute(sa.insert(events_table), [event] * 2_500)
    return waiting, how_many * lines // 10_000 * 2_500


async def test_a_hundred_thousand_lines_go_in_pieces_while_others_write(house: House) -> None:
    waiting, told = await fill(house, 5_000, 20)
    sweep = broom(house)
    later = NOW + YEAR + timedelta(days=1)
    first = await sweep.work(later)
    assert 0 < first.traces <= 50_000
    assert first.events == min(told, 50_000)

    async def others() -> int:
        """Somebody who wants to write all the time gets a turn between the pieces."""
        turns = 0
        while not over.is_set():
            async with house.database.write() as tx:
                await events.mark_handled(tx, [], later)
            turns += 1
            await asyncio.sleep(0)
        return turns

    over = asyncio.Event()
    writer = asyncio.create_task(others())
    total = first.traces
    while (done := await sweep.work(later)).traces:
        assert done.traces <= 50_000
        total += done.traces
    over.set()
    assert await writer > 10
    assert total == 100_000 - 20
    assert await house.all(sa.select(visits_table.c.run_id).distinct()) == [waiting]
    kept = sa.select(runs_table.c.id).where(runs_table.c.status == "waiting")
    assert await house.all(kept) == [waiting]
    states = await house.all(sa.select(runs_table.c.state))
    assert sum("variables" in state for state in states) == 1
    assert await count(house, runs_table) == 5_000
    assert await sweep.work(later) == Forgotten()  # it rests
    again = await broom(house).work(later)
    assert again == Forgotten()


async def test_the_walk_goes_past_what_others_keep(house: House) -> None:
    await fill(house, 500, 20)
    other = House(house.database)
    await other.open()
    await finished(other, "+447700900999")
    await keep(other, other.company, keep_traces_days=7)
    sweep = broom(house, piece=1_000)
    done = await sweep.work(NOW + timedelta(days=30))
    assert done.traces > 0
    assert await count(house, visits_table) == 10_000


async def test_the_minutely_job_forgets_as_well(house: House) -> None:
    await finished(house)
    house.now += YEAR + timedelta(days=1)
    teller = Teller(house.database, house.at, allow_private=False)
    await upkeep({"runner": house.runner, "retention": broom(house), "teller": teller})
    await teller.close()
    assert await count(house, visits_table) == 0
    assert await count(house, events_table) == 0
