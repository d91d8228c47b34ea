"""What happens rarely and must end well: clocks put back, zones changed, answers given twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Replied, TagsChanged, Verdict
from store import companies, events, runs
from store.doorbell import Doorbell
from tests.engine.conftest import House
from tests.engine.flows import NOW, SEND

pytestmark = pytest.mark.anyio

END: dict[str, Any] = {"type": "end"}


def document(steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {"name": "Edge", "triggers": {"api": {"type": "api"}}, "start": next(iter(steps))}
    return usual | {"steps": steps} | more


QUESTION = document(
    {
        "ask": SEND | {"text": "Coming?", "next": {"sent": "wait"}},
        "wait": {
            "type": "wait_for_reply",
            "answers": [{"exit": "yes", "match": "exact", "words": ["yes"]}],
            "next": {"yes": "thank", "no_reply": "end"},
        },
        "thank": SEND | {"text": "See you", "next": {"sent": "end"}},
        "end": END,
    }
)
REMINDER = document(
    {
        "wait": {"type": "delay", "duration": "1h", "next": {"after": "remind"}},
        "remind": SEND | {"text": "It is time", "next": {"sent": "end"}},
        "end": END,
    }
)


async def test_a_clock_put_back_an_hour_rings_nothing_twice_and_loses_nothing(
    house: House,
) -> None:
    ada, eve = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(REMINDER)
    await house.start(ada, automation)
    await house.later(minutes=61)
    assert await house.texts() == ["It is time"]
    house.now = NOW + timedelta(minutes=1)
    await house.runner.drain()
    await house.start(eve, automation)
    assert await house.texts() == ["It is time"]
    await house.verdicts()
    assert (await house.run()).status == "waiting"
    await house.later(minutes=61)
    assert await house.texts() == ["It is time", "It is time"]


async def test_a_reply_given_twice_is_answered_once(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(QUESTION))
    await house.verdicts()
    await house.tell(ada, Replied("yes", Text("yes")), Replied("yes", Text("yes")))
    await house.runner.drain()
    assert await house.texts() == ["Coming?", "See you"]


async def test_a_reply_before_the_verdict_and_the_verdict_after_it(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(QUESTION))
    run = await house.run()
    async with house.database.write() as tx:
        await tx.execute(sa.text("UPDATE messages SET state = 'sending'"))
    await house.say(ada, "yes")
    await house.tell(ada, Verdict(1, "sent"), run=run.id)
    await house.runner.drain()
    assert await house.texts() == ["Coming?", "See you"]


async def test_who_waits_goes_on_as_planned_when_the_company_moves_to_another_zone(
    house: House,
) -> None:
    ada = await house.contact()
    wait = {"type": "delay", "mode": "weekday", "time": "18:00", "zone": "company"}
    steps = {"wait": wait | {"next": {"after": "end"}}, "end": END}
    await house.start(ada, await house.live(document(steps)))
    planned = (await house.run()).wait_until
    async with house.database.write() as tx:
        await companies.change(tx, house.company, zone="America/New_York")
    await house.runner.drain()
    assert (await house.run()).wait_until == planned
    await house.later(hours=24)
    assert (await house.run()).status == "done"


async def test_two_workers_given_the_same_events_do_each_once(house: House) -> None:
    people = [await house.contact(f"+4477009{number:05}") for number in range(40)]
    automation = await house.live(QUESTION)
    for one in people:
        await house.tell(one, ApiCalled(automation), source=f"start:{one}")
        assert await house.tell(one, ApiCalled(automation), source=f"start:{one}") == 0
    workers = [
        Runner(house.database, house.at, Doorbell(None), 7),
        Runner(house.database, house.at, Doorbell(None), 7),
    ]
    for _ in range(20):
        await asyncio.gather(*(worker.drain() for worker in workers))
        waiting = sa.select(events.events.c.id).where(events.events.c.handled_at.is_(None))
        if not await house.all(waiting):
            break
    assert len(await house.texts()) == len(people)
    assert len(await house.all(sa.select(runs.runs.c.id))) == len(people)


async def test_a_loop_that_was_forced_in_fails_with_its_reason(house: House) -> None:
    ada = await house.contact()
    steps = {
        "one": {"type": "tag", "add": ["a"], "next": {"done": "two"}},
        "two": {"type": "go_to", "next": {"to": "one"}},
    }
    await house.start(ada, await house.live(document(steps)))
    run = await house.run()
    assert run.status == "failed"
    assert "goes round in a loop" in run.reason


async def test_a_text_that_explodes_fails_its_run_and_nobody_elses(house: House) -> None:
    ada, eve = await house.contact(), await house.contact("+447700900124")
    bomb = "{% for a in (1..9999) %}{% for b in (1..9999) %}xxxxxxxx{% endfor %}{% endfor %}"
    explodes = await house.live(document({"send": SEND | {"text": bomb}}))
    fine = await house.live(REMINDER)
    await house.tell(ada, ApiCalled(explodes))
    await house.tell(eve, ApiCalled(fine))
    await house.runner.drain()
    states = await house.all(sa.select(runs.runs.c.status).order_by(runs.runs.c.automation_id))
    assert states == ["failed", "waiting"]


async def test_tags_from_outside_start_what_listens_to_them(house: House) -> None:
    ada = await house.contact()
    await house.live(REMINDER | {"triggers": {"vip": {"type": "tag_added", "tag": "vip"}}})
    await house.tell(ada, TagsChanged(frozenset({"vip"})))
    await house.runner.drain()
    assert (await house.run()).status == "waiting"
