"""The trace tells the truth: every run can be lived through again from it, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.kinds import catalog
from engine.past import replay_run
from engine.person import Person
from engine.replay import Replayed, events_of, replay
from engine.scene import Live, Words
from flows.contact import Contact
from flows.document import AnyFlow
from flows.events import (
    ApiCalled,
    ConsentChanged,
    Event,
    HttpAnswered,
    MovedTo,
    Retried,
    ShopHappened,
    TagsChanged,
    TimerDue,
)
from flows.run import Visit
from store import automations, contacts
from store.runs import runs as runs_table
from store.visits import visits as visits_table
from tests.engine.conftest import House
from tests.engine.flows import NOW
from tests.engine.test_properties import EVENTS, FLOWS

SEND = {"type": "send_message", "text": "Hello {{ contact.first_name }}"}
YES = [{"exit": "yes", "label": "Yes", "match": "exact", "words": ["yes"]}]
STORY: dict[str, Any] = {
    "name": "Story",
    "triggers": {
        "api": {"type": "api"},
        "hi": {"type": "customer_message", "rules": [{"match": "exact", "words": ["hi"]}]},
        "order": {"type": "shop", "on": "order.paid"},
    },
    "exit_rules": [{"on": "order.cancelled"}],
    "entry": {"policy": "restart"},
    "start": "greet",
    "steps": {
        "greet": SEND | {"next": {"sent": "reply", "suppressed": "end"}},
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "answers": YES,
            "next": {"yes": "ask", "other": "sort", "no_reply": "pause"},
        },
        "ask": {
            "type": "webhook",
            "method": "GET",
            "url": "https://points.example.com/{{ contact.id }}",
            "save": {"points": "data.points"},
            "next": {"ok": "rich", "failed": "sort"},
        },
        "rich": {
            "type": "if_else",
            "condition": {"type": "is", "value": "answers.ask.points", "to": "7"},
            "next": {"yes": "size", "no": "sort"},
        },
        "size": {"type": "set_field", "field": "size", "value": "L", "next": {"done": "tag"}},
        "tag": {"type": "tag", "add": ["happy"], "next": {"done": "end"}},
        "pause": {"type": "delay", "duration": "2d", "next": {"after": "sort"}},
        "sort": {
            "type": "if_else",
            "condition": {"type": "is", "value": "contact.fields.size", "to": "M"},
            "next": {"yes": "thank", "no": "end"},
        },
        "thank": {"type": "send_message", "text": "M it is", "next": {"sent": "end"}},
        "end": {"type": "end", "goal": "told"},
    },
}


CHILD: dict[str, Any] = {
    "name": "How was it?",
    "triggers": {"api": {"type": "api"}},
    "start": "stars",
    "steps": {
        "stars": {
            "type": "ask",
            "text": "How many stars?",
            "options": [{"id": "one", "label": "1"}, {"id": "five", "label": "5"}],
            "up_to": "1d",
            "next": {"five": "happy", "one": "end", "no_reply": "end", "other": "end"},
        },
        "happy": {"type": "end", "result": "happy", "values": {"stars": "{{ answers.stars }}"}},
        "end": {"type": "end", "result": "sad"},
    },
}


def many_kinds(child: int) -> dict[str, Any]:
    """A flow through every kind that decides, waits for others or changes something."""
    return {
        "name": "Many kinds",
        "triggers": {"api": {"type": "api"}},
        "start": "split",
        "steps": {
            "split": {
                "type": "split",
                "parts": [{"exit": "a", "label": "A"}, {"exit": "b", "label": "B"}],
                "next": {"a": "sort", "b": "size"},
            },
            "size": {"type": "set_field", "field": "size", "value": "L", "next": {"done": "sort"}},
            "sort": {
                "type": "branch",
                "cases": [
                    {
                        "exit": "big",
                        "label": "Big",
                        "condition": {
                            "type": "is",
                            "value": "data.total",
                            "op": "at_least",
                            "to": 50,
                        },
                    }
                ],
                "next": {"big": "event", "else": "event"},
            },
            "event": {
                "type": "wait_for_event",
                "lines": [{"exit": "tagged", "on": "tag.added", "name": "vip"}],
                "up_to": "3d",
                "next": {"tagged": "list", "timeout": "list", "no_event": "list"},
            },
            "list": {"type": "list", "add": ["Newsletter"], "next": {"done": "consent"}},
            "consent": {"type": "consent", "source": "answered", "next": {"done": "note"}},
            "note": {"type": "note", "text": "Total {{ data.total }}", "next": {"done": "child"}},
            "child": {
                "type": "sub_flow",
                "automation": str(child),
                "results": [{"result": "happy"}, {"result": "sad"}],
                "up_to": "5d",
                "next": {"happy": "again", "sad": "stop", "failed": "stop", "timeout": "stop"},
            },
            "again": {"type": "go_to", "at_most": 1, "next": {"to": "child", "enough": "stop"}},
            "stop": {"type": "stop_others", "next": {"done": "assign"}},
            "assign": {"type": "assign", "to": "", "hand_over": True, "next": {"done": "end"}},
            "end": {"type": "end", "goal": "through", "value": "{{ data.total }}"},
        },
    }


async def through_many_kinds(house: House) -> None:
    """Twelve people through all of it: tagged, silent, happy, sad, stopped."""
    child = await house.live(CHILD)
    parent = await house.live(many_kinds(child))
    people = [await house.contact(f"+4477009002{number:02}") for number in range(12)]
    for number, one in enumerate(people):
        await house.start(one, parent, total=number * 10)
    tagged = people[::2]
    async with house.database.write() as tx:
        rows = [(house.company, one, "vip") for one in tagged]
        await contacts.tag_rows(tx, rows, house.now)
    for one in tagged:
        await house.tell(one, TagsChanged(added=frozenset({"vip"})))
    await house.runner.drain()
    for _ in range(3):
        await house.verdicts()
        for number, one in enumerate(people):
            if number % 3 != 2:
                await house.say(one, "5" if number % 3 else "1")
        await house.later(hours=30)
    await house.tell(people[5], ConsentChanged("no", "by hand"))
    await house.runner.drain()
    await house.later(days=4)
    await house.verdicts()
    await house.later(days=2)


async def replays(house: House) -> dict[int, Replayed]:
    async with house.database.read() as tx:
        ids = list((await tx.execute(sa.select(runs_table.c.id))).scalars())
        return {one: await replay_run(tx, one) for one in ids}


async def all_equal(house: House) -> int:
    """How many runs there are; each of them replays to the very same trace."""
    found = await replays(house)
    assert {one.difference for one in found.values()} <= {""}
    return len(found)


async def answered(house: House, contact: int, body: Any) -> None:
    """The webhook that this contact's run waits for has answered."""
    async with house.database.read() as tx:
        query = sa.select(runs_table).where(runs_table.c.contact_id == contact)
        run = (await tx.execute(query)).one()
    await house.tell(contact, HttpAnswered(run.seq, ok=True, status=200, body=body), run=run.id)
    await house.runner.drain()


async def busy(house: House) -> None:
    """Nine runs of eight people: answers, webhooks, stops, exit rules, timers, changes by hand."""
    story = await house.live(STORY)
    people = [
        await house.contact(f"+4477009001{number:02}", first_name="Ada") for number in range(8)
    ]
    rich, poor, quiet, paid, stop, cancelled, twice, late = people
    for one in (rich, poor, quiet, stop, cancelled, twice):
        await house.start(one, story, cart={"total": "49.90", "items": [1, {"name": "Mug"}]})
    await house.say(late, "hi")
    await house.tell(paid, ShopHappened("order.paid", {"order": {"total": 12}}, "shop"))
    await house.runner.drain()
    await house.verdicts()
    for one in (rich, poor):
        await house.say(one, "yes")
    await answered(house, rich, {"data": {"points": 7}})
    await house.say(stop, "STOP")
    await house.tell(cancelled, ShopHappened("order.cancelled", {}, "shop"))
    await house.start(twice, story)
    async with house.database.write() as tx:  # somebody changes them by hand
        await contacts.update_rows(tx, {quiet: {"fields": {"size": "M"}}}, house.now)
    await house.later(hours=25)
    await house.later(days=2)
    await house.verdicts()
    await house.tell(late, ConsentChanged("no", "by hand"))
    await house.runner.drain()


@pytest.mark.anyio
async def test_every_run_of_a_busy_house_replays_to_the_same_trace(house: House) -> None:
    await busy(house)
    assert await all_equal(house) == 9


@pytest.mark.anyio
async def test_a_run_that_was_moved_and_one_tried_again_replay_as_well(house: House) -> None:
    story = await house.live(STORY)
    ada, ben = await house.contact(), await house.contact("+447700900124")
    await house.start(ada, story)
    await house.verdicts()
    run = await house.run()
    second = STORY | {"steps": STORY["steps"] | {"new": SEND | {"text": "New", "next": {}}}}
    async with house.database.write() as tx:
        await automations.save_draft(tx, house.company, story, second, NOW)
        await automations.publish(tx, house.company, story, None, "", NOW)
        revision = (await automations.get(tx, house.company, story)).live_revision_id
    await house.tell(
        ada, MovedTo("new", revision_id=revision or 0, why="published again"), run=run.id
    )
    await house.runner.drain()
    await house.verdicts()
    broken = await house.live(
        {
            "name": "Broken",
            "triggers": {"api": {"type": "api"}},
            "start": "say",
            "steps": {"say": SEND | {"text": "{{ order.total | money: }}"}},
        }
    )
    await house.start(ben, broken)
    failed = await house.run()
    if failed.status == "failed":
        async with house.database.write() as tx:
            await tx.execute(
                sa.update(runs_table).where(runs_table.c.id == failed.id).values(status="waiting")
            )
        await house.tell(ben, Retried("once more"), run=failed.id)
        await house.runner.drain()
    assert await all_equal(house) == 2


@pytest.mark.anyio
async def test_a_trace_that_lies_is_found_out(house: House) -> None:
    story = await house.live(STORY)
    ada = await house.contact(first_name="Ada")
    await house.start(ada, story)
    await house.verdicts()
    await house.say(ada, "yes")
    await answered(house, ada, {"data": {"points": 7}})
    run = await house.run()
    assert await all_equal(house) == 1

    async def lie(step: str, **values: Any) -> str:
        async with house.database.write() as tx:
            query = sa.update(visits_table).where(visits_table.c.step == step)
            await tx.execute(query.where(visits_table.c.did == "left").values(values))
            return (await replay_run(tx, run.id)).difference

    assert "step “tag” by exit “done”, then it was “sent”" in await lie("tag", exit="sent")
    assert "step “rich” because “" in await lie("rich", why="the moon is full")
    async with house.database.write() as tx:
        await tx.execute(sa.delete(visits_table).where(visits_table.c.step == "end"))
        await tx.execute(sa.delete(visits_table).where(visits_table.c.step == "tag"))
        await tx.execute(sa.delete(visits_table).where(visits_table.c.kind == "start"))
        assert "its beginning is missing" in (await replay_run(tx, run.id)).difference


def lived(flow: AnyFlow, events: Sequence[Event]) -> tuple[int, list[Visit]]:
    """A run's trace as it is stored, after `events` to somebody who changes all the time."""
    ids = iter(range(77, 1000))
    live = [Live(1, 5, flow)]
    person = Person(Contact(id=1, name="Ada"), [], live, {}, Words(), lambda: next(ids))
    now = NOW
    trace: list[Visit] = []
    for number, drawn in enumerate([ApiCalled(1, {"x": 1}), *events]):
        if number % 3 == 2:
            person.contact = person.contact.with_field("n", number)
        timer = person.next_timer()
        if isinstance(drawn, TimerDue) and timer is not None:
            now = max(now, timer[0])
            person.happen(TimerDue(timer[2]), now, 77)
        else:
            person.happen(drawn, now, 77)
        moved = person.moved.pop(77, None)
        trace += moved.trace if moved else []
        person.moved = {}
        now += timedelta(hours=13)
    stored: list[Visit] = msgspec.json.decode(msgspec.json.encode(trace), type=list[Visit])
    return 77, stored


@given(FLOWS, st.lists(EVENTS | st.just(TimerDue(0)), max_size=8))
def test_any_run_of_any_flow_replays_to_the_same_trace(
    steps: dict[str, Any], events: list[Event]
) -> None:
    document = {
        "name": "any",
        "triggers": {"api": {"type": "api"}},
        "start": next(iter(steps)),
        "steps": steps,
    }
    flow = catalog().decode(document)
    run_id, trace = lived(flow, events)
    result = replay(run_id, trace, {5: flow})
    assert result.difference == ""
    assert result.lines == len(trace)
    assert result.events == len(list(events_of(trace)))


def test_an_older_trace_says_that_it_cannot_be_replayed() -> None:
    line = Visit("", "start", 0, datetime.fromisoformat("2026-03-02T10:00:00Z"), "noted")
    older = replay(1, [line], {})
    assert "an older version wrote it" in older.difference
    assert not older.possible
    assert "beginning is missing" in replay(1, [], {}).difference
    told = structs.replace(line, data={"event": {"type": "started"}, "revision": 9})
    assert "revision 9" in replay(1, [told], {}).difference
    odd = structs.replace(line, data={"event": 3})
    assert "cannot be replayed" in replay(1, [odd], {}).difference


@pytest.mark.anyio
async def test_runs_through_many_kinds_and_their_sub_flows_replay_as_well(house: House) -> None:
    await through_many_kinds(house)
    assert await all_equal(house) == 20
    async with house.database.read() as tx:
        query = sa.select(visits_table.c.kind).distinct()
        kinds = set((await tx.execute(query)).scalars())
    wanted = {"split", "branch", "wait_for_event", "list", "consent", "note", "sub_flow", "ask"}
    assert kinds >= wanted | {"go_to", "stop_others", "assign", "end", "start"}
