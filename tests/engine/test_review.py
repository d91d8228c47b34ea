"""What could double a message, lose a stop or never end: corners of runs that meet one another."""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from engine import webhooks
from engine.asked import Moved
from engine.occasions import Occasions
from engine.person import Person
from engine.scene import Lineup, Live, Words
from engine.webhooks import Caller
from flows.contact import Contact
from flows.content import Text
from flows.document import AnyFlow
from flows.events import ApiCalled, MovedTo, Replied, ShopHappened, TagsChanged
from store import automations, campaigns, erasure, events, moves, runs
from store.contacts import contacts
from store.http_calls import http_calls
from tests.engine.conftest import House
from tests.engine.flows import NOW, SEND, flow

END: dict[str, Any] = {"type": "end"}
WAITS: dict[str, Any] = {"type": "delay", "duration": "1d", "next": {"after": "end"}}
GREET: dict[str, Any] = {"greet": SEND | {"next": {"sent": "end"}}, "end": END}
ON_VIP: dict[str, Any] = {"triggers": {"tag": {"type": "tag_added", "tag": "vip"}}}
API: dict[str, Any] = {"triggers": {"api": {"type": "api"}}}
GREETING: dict[str, Any] = {"name": "Greeting", "start": "greet", "steps": GREET, **API}


def call(automation: int, **ways: str) -> dict[str, Any]:
    return {"type": "sub_flow", "automation": str(automation), "next": ways}


def starts(automation: int, then: str = "end") -> dict[str, Any]:
    return {"type": "start_automation", "automation": str(automation), "next": {"done": then}}


def person(*flows: AnyFlow, **more: Any) -> Person:
    live = [Live(number, number, one) for number, one in enumerate(flows, 1)]
    ids = itertools.count(100)
    return Person(Contact(id=1), [], Lineup(live), {}, Words(), lambda: next(ids), **more)


def of(somebody: Person, automation_id: int) -> list[Moved]:
    return [one for one in somebody.moved.values() if one.active.automation_id == automation_id]


# --- started twice -----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["once_at_a_time", "once_ever", "restart"])
def test_started_by_a_neighbour_and_by_the_event_itself_it_writes_once(policy: str) -> None:
    neighbour = flow({"start": starts(2), "end": END}, **ON_VIP)
    greeting = flow(
        GREET,
        entry={"policy": policy},
        triggers=ON_VIP["triggers"] | API["triggers"],
    )
    ada = person(neighbour, greeting)
    ada.happen(TagsChanged(frozenset({"vip"})), NOW)
    assert len(ada.sends) == 1


# --- turns without an end ----------------------------------------------------------------------


def waits_for_tag(name: str, then: str, other: str) -> AnyFlow:
    """Waits for a tag, puts another on and off again, and waits once more."""
    return flow(
        {
            "wait": {
                "type": "wait_for_event",
                "lines": [{"exit": "there", "on": "tag.added", "name": name}],
                "up_to": "1d",
                "next": {"there": "off", "timeout": "end"},
            },
            "off": {"type": "tag", "remove": [name, other], "next": {"done": "on"}},
            "on": {"type": "tag", "add": [then], "next": {"done": "wait"}},
            "end": END,
        }
    )


def test_two_runs_that_wake_each_other_come_to_an_end() -> None:
    ada = person(waits_for_tag("a", "b", "b"), waits_for_tag("b", "a", "a"))
    ada.happen(ApiCalled(1), NOW)
    ada.happen(ApiCalled(2), NOW)
    ada.happen(TagsChanged(frozenset({"a"})), NOW)
    assert {one.active.run.status for one in ada.moved.values()} == {"waiting"}


def test_a_run_that_is_woken_by_what_it_starts_comes_to_an_end() -> None:
    first = flow(
        {
            "wait": {
                "type": "wait_for_event",
                "lines": [{"exit": "there", "on": "tag.added", "name": "a"}],
                "up_to": "1d",
                "next": {"there": "off", "timeout": "end"},
            },
            "off": {"type": "tag", "remove": ["a"], "next": {"done": "start"}},
            "start": starts(2, "wait"),
            "end": END,
        }
    )
    second = flow(
        {"on": {"type": "tag", "add": ["a"], "next": {"done": "greet"}}, **GREET},
        entry={"policy": "parallel"},
    )
    ada = person(first, second)
    ada.happen(ApiCalled(1), NOW)
    ada.happen(TagsChanged(frozenset({"a"})), NOW)
    assert 1 <= len(ada.sends) <= 5


@pytest.mark.parametrize("callee", [None, flow({"end": END})])
def test_a_sub_flow_called_round_and_round_ends_with_the_reason(callee: AnyFlow | None) -> None:
    caller = flow({"call": call(2, done="call", failed="call")})
    ada = person(caller, *([callee] if callee else []))
    ada.happen(ApiCalled(1), NOW)
    [run] = [one.active.run for one in of(ada, 1)]
    assert run.status != "waiting"
    assert "round" in run.reason


# --- stopped in the middle ---------------------------------------------------------------------


def test_a_run_that_is_stopped_by_what_it_starts_asks_for_nothing_more() -> None:
    stops = flow({"stop": {"type": "stop_others", "next": {"done": "end"}}, "end": END})
    first = flow({"start": starts(2, "call"), "call": call(3, done="end"), "end": END})
    hook = {"type": "webhook", "url": "https://example.com/", "next": {"ok": "end"}}
    second = flow({"start": starts(2, "hook"), "hook": hook, "end": END})
    third = flow({"start": starts(2, "greet"), **GREET})
    ada = person(first, stops, flow(GREET), second, third)
    for number in (1, 4, 5):
        ada.happen(ApiCalled(number), NOW)
    assert {one.active.run.status for one in (*of(ada, 1), *of(ada, 4))} == {"stopped"}
    assert (ada.sends, ada.calls, of(ada, 3)) == ([], [], [])


def test_moved_away_from_a_sub_flow_it_does_not_go_on_behind_ones_back() -> None:
    caller = flow({"call": call(2, done="end"), "wait": WAITS, "end": END})
    greets = flow({"wait": WAITS | {"next": {"after": "greet"}}, **GREET})
    ada = person(caller, greets)
    ada.happen(ApiCalled(1), NOW)
    parent = of(ada, 1)[0].active.run.id
    ada.happen(MovedTo("call", again=True), NOW, parent)
    assert [one.active.run.status for one in of(ada, 2)] == ["stopped", "waiting"]
    ada.happen(MovedTo("wait"), NOW, parent)
    assert [one.active.run.status for one in of(ada, 2)] == ["stopped", "stopped"]


def test_what_is_being_tested_is_no_sub_flow_for_everybody() -> None:
    ada = person(flow({"call": call(2, failed="bad"), "bad": END}))
    ada.live = Lineup([*ada.live, Live(2, 2, flow(GREET), test_contacts=frozenset({7}))])
    ada.happen(ApiCalled(1), NOW)
    assert (ada.sends, of(ada, 1)[0].active.run.step) == ([], "bad")


# --- with a database ---------------------------------------------------------------------------

ASKING: dict[str, Any] = {
    "name": "Asking",
    "triggers": {"api": {"type": "api"}},
    "exit_rules": [{"on": "order.paid"}],
    "start": "greet",
    "steps": GREET,
}


async def failed(house: House) -> tuple[int, int]:
    """`(contact, run)`: a run that failed."""
    ada = await house.contact()
    await house.start(ada, await house.live(ASKING | {"steps": {**GREET, "greet": SEND}}))
    run = await house.run()
    state = {"id": run.id, "status": "failed", "step": "greet", "seq": 1}
    async with house.database.write() as tx:
        await tx.execute(sa.update(runs.runs).values(status="failed", state=state))
    return ada, run.id


async def retry(house: House, run_id: int) -> None:
    async with house.database.write() as tx:
        place = await moves.place(tx, house.company, run_id)
        assert await moves.retry(tx, place, "by hand", house.now)


@pytest.mark.anyio
async def test_an_order_before_the_retry_still_ends_the_run(house: House) -> None:
    ada, run_id = await failed(house)
    before = len(await house.texts())
    await house.tell(ada, ShopHappened("order.paid"))
    await retry(house, run_id)
    await house.runner.drain()
    assert (await house.run()).status == "stopped"
    assert len(await house.texts()) <= before


@pytest.mark.anyio
async def test_a_contact_erased_right_after_a_retry_leaves_nobody_waiting(house: House) -> None:
    ada, run_id = await failed(house)
    await retry(house, run_id)
    async with house.database.write() as tx:
        await erasure.erase(tx, [ada], house.now)
    await house.runner.drain()
    assert (await house.run()).status == "stopped"


@pytest.mark.anyio
async def test_who_waits_for_a_run_that_cannot_be_read_goes_on(house: House) -> None:
    ada = await house.contact()
    child = await house.live(
        {"name": "Child", "start": "wait", **API} | {"steps": {"wait": WAITS, "end": END}}
    )
    parent = await house.live(
        {"name": "Parent", "start": "call", **API}
        | {"steps": {"call": call(child, done="end", failed="greet"), **GREET}}
    )
    await house.start(ada, parent)
    async with house.database.write() as tx:
        await tx.execute(
            sa.update(runs.runs).where(runs.runs.c.automation_id == child).values(state={"id": "?"})
        )
    await house.say(ada, "hello")
    await house.runner.drain()
    assert len(await house.texts(ada)) == 1


@pytest.mark.anyio
async def test_what_the_database_refuses_does_not_take_the_stop_behind_it_along(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    automation = await house.live(GREETING)
    real = runs.insert_many

    async def refuses(tx: Any, rows: Any) -> None:
        if rows:
            raise OverflowError("too big")
        await real(tx, rows)

    monkeypatch.setattr(runs, "insert_many", refuses)
    await house.tell(ada, ApiCalled(automation))
    await house.tell(ada, Replied("stop", Text("stop")))
    await house.runner.drain()
    [said] = await house.all(sa.select(contacts.c.consent).where(contacts.c.id == ada))
    assert said == "no"
    faults = await house.all(sa.select(events.events.c.fault).order_by(events.events.c.id))
    assert [bool(fault) for fault in faults] == [True, False]


@pytest.mark.anyio
async def test_a_value_too_long_for_an_index_sets_only_its_contact_aside(house: House) -> None:
    noise = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))
    fills = {"type": "set_field", "field": "email", "value": "{{ data.it }}@x.com"}
    long = await house.live(
        {"name": "Long", "start": "set", **API}
        | {"steps": {"set": fills | {"next": {"done": "end", "unfit": "end"}}, "end": END}}
    )
    greeting = await house.live(GREETING)
    ada, bob = await house.contact(), await house.contact("+447700900124")
    await house.tell(ada, ApiCalled(long, {"it": noise}))
    await house.tell(bob, ApiCalled(greeting))
    await house.runner.drain()
    assert len(await house.texts(bob)) == 1


@pytest.mark.anyio
async def test_those_who_answer_and_are_refused_do_not_hold_up_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    people_ = [await house.contact(f"+44770090012{number}") for number in range(3)]
    word = {"word": {"type": "customer_message", "rules": [{"words": ["hi"]}]}}
    await house.live(GREETING | {"triggers": word})
    greeting = await house.live(GREETING)
    real = runs.insert_many

    async def refuses(tx: Any, rows: Any) -> None:
        if any(row.contact_id in people_[:2] for row in rows):
            raise OverflowError("too big")
        await real(tx, rows)

    monkeypatch.setattr(runs, "insert_many", refuses)
    for one in people_[:2]:
        await house.tell(one, Replied("hi", Text("hi")))
    await house.tell(people_[2], ApiCalled(greeting))
    for _ in range(3):
        try:
            await house.runner.drain()
        except OverflowError:
            continue
    assert len(await house.texts(people_[2])) == 1


@pytest.mark.anyio
async def test_those_who_answer_leave_turns_for_the_others(house: House) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(GREETING)
    await house.tell(bob, ApiCalled(automation))
    for _ in range(2):
        await house.tell(ada, Replied("hello", Text("hello")))
        await house.runner.batch()
    assert len(await house.texts(bob)) == 1


async def pause(house: House, automation: int) -> None:
    async with house.database.write() as tx:
        await automations.pause(tx, house.company, automation, house.now)
        await campaigns.take_back(tx, house.company, automation)


async def resume(house: House, automation: int) -> None:
    async with house.database.write() as tx:
        await automations.resume(tx, house.company, automation, house.now)


@pytest.mark.anyio
async def test_who_stands_in_line_when_a_campaign_is_paused_is_started_when_it_goes_on(
    house: House,
) -> None:
    for number in range(3):
        await house.contact(f"+44770090012{number}")
    made = await campaign(house, greeting_of("campaign"))
    automation = made.automation_id
    worker = Occasions(house.database, house.runner.flows, house.at, house.runner.batch)
    assert await worker.campaigns.fill_piece(made) == 3
    await pause(house, automation)
    await house.runner.drain()
    assert await house.texts() == []
    await resume(house, automation)
    assert await worker.campaigns.fill() == 3
    await house.runner.drain()
    assert len(await house.texts()) == 3
    async with house.database.read() as tx:
        assert (await campaigns.get(tx, house.company, made.id)).started == 3


@pytest.mark.anyio
async def test_who_was_started_before_the_pause_is_not_started_again(house: House) -> None:
    await house.contact()
    made = await campaign(house, greeting_of("campaign"))
    worker = Occasions(house.database, house.runner.flows, house.at, house.runner.batch)
    assert await worker.campaigns.fill_piece(made) == 1
    await house.runner.drain()
    await pause(house, made.automation_id)
    await resume(house, made.automation_id)
    await worker.ring()
    await house.runner.drain()
    assert len(await house.texts()) == 1


@pytest.mark.anyio
async def test_a_piece_that_was_found_before_the_pause_is_not_put_in_line(house: House) -> None:
    await house.contact()
    made = await campaign(house, greeting_of("campaign"))
    worker = Occasions(house.database, house.runner.flows, house.at, house.runner.batch)
    await pause(house, made.automation_id)
    assert await worker.campaigns.fill_piece(made) is None
    await resume(house, made.automation_id)
    assert await worker.campaigns.fill() == 1


def greeting_of(trigger: str) -> dict[str, Any]:
    return GREETING | {"triggers": {"it": {"type": trigger}}}


async def campaign(house: House, document: dict[str, Any]) -> campaigns.Campaign:
    automation = await house.live(document)
    async with house.database.write() as tx:
        made = await campaigns.create(
            tx,
            company_id=house.company,
            automation_id=automation,
            trigger="it",
            kind="campaign",
            audience={"everybody": True},
            occurrence="1",
            now=house.now,
        )
        assert made is not None
        return await campaigns.get(tx, house.company, made)


@pytest.mark.anyio
async def test_a_call_is_not_tried_again_for_a_run_that_ended_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    hook = {"type": "webhook", "url": "https://example.com/", "next": {"ok": "end"}}
    steps = {"hook": hook, "end": END}
    await house.start(ada, await house.live(GREETING | {"start": "hook", "steps": steps}))
    caller = Caller(house.database, house.at, allow_private=True)
    asked = 0

    async def breaks(*_: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:  # it says stop while we wait for an answer
            await house.say(ada, "stop")
        raise httpx.ConnectError("nobody is there")

    monkeypatch.setattr(webhooks, "ask", breaks)
    assert await caller.call_due() == 1
    await house.later(minutes=5)
    assert await caller.call_due() == 0
    await caller.close()
    assert asked == 1
    [error] = await house.all(sa.select(http_calls.c.error))
    assert error == "recalled: the run ended"


@pytest.mark.anyio
async def test_all_are_ended_even_if_those_at_one_step_were_asked_to_go_before(
    house: House,
) -> None:
    ada = await house.contact()
    wait = {"type": "wait_for_reply", "up_to": "1d", "next": {"other": "rest", "no_reply": "end"}}
    steps = {"wait": wait, "rest": WAITS, "end": END}
    automation = await house.live(GREETING | {"start": "wait", "steps": steps})
    await house.start(ada, automation)
    await house.tell(ada, Replied("hello", Text("hello")))
    for step in ("wait", ""):
        async with house.database.write() as tx:
            ended = moves.end_of_automation
            assert await ended(tx, house.company, automation, "enough", house.now, step=step) == 1
    await house.runner.drain()
    assert (await house.run()).status == "stopped"
