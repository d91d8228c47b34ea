"""Saved tests: what they say when something comes out differently; and past runs as tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine import scenarios
from engine.copies import CannotCopyError, copy
from engine.kinds import catalog
from engine.past import flows_of, replay_run
from engine.person import Person
from engine.replay import replay
from engine.scene import Live, Words
from flows.contact import Contact
from flows.document import AnyFlow
from flows.events import ApiCalled, Event, MovedTo, Started, TimerDue
from flows.run import Visit
from flows.scenario import Answer, Expected, Other, Scenario, Scripted
from store.runs import runs as runs_table
from tests.engine.conftest import House
from tests.engine.flows import NOW, SEND, flow, greeting
from tests.engine.test_properties import EVENTS, FLOWS
from tests.engine.test_replay import STORY, busy, through_many_kinds

read = catalog().decode
POINTS = {
    "ask": {
        "type": "webhook",
        "url": "https://points.example.com",
        "next": {"ok": "rich", "failed": "sorry"},
    },
    "rich": {
        "type": "if_else",
        "name": "Rich?",
        "condition": {"type": "is", "value": "answers.ask.points", "to": "7"},
        "next": {"yes": "more", "no": "end"},
    },
    "more": {"type": "tag", "add": ["rich"], "next": {"done": "end"}},
    "sorry": SEND | {"text": "Sorry", "next": {"sent": "end"}},
    "end": {"type": "end", "goal": "asked"},
}


def expecting(expect: Expected, **more: Any) -> Scenario:
    return Scenario(name="Test", first=more.pop("first", ApiCalled(1)), expect=expect, **more)


def said(tested: AnyFlow, scenario: Scenario) -> list[str]:
    again = msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario)
    assert again == scenario
    return scenarios.run(tested, again, read).differences


YES = (Scripted(on_message=1, after="5m", say="yes"),)


@pytest.mark.parametrize(
    ("expect", "script", "wanted"),
    [
        (Expected(exits=["greet.sent", "reply.yes"]), YES, []),
        (Expected(exits=["reply.yes"], messages=["Thank"], status="done"), YES, []),
        (
            Expected(exits=["reply.yes"]),
            (),
            ["“Wait for reply” went to “No reply”, expected “Yes”"],
        ),
        (Expected(exits=["greet.sent", "reply.yes", "thank.sent"], exactly=True), YES, None),
        (
            Expected(exits=["greet.sent"], messages=["Hello", "Thank"], exactly=True),
            YES,
            ["“Wait for reply” went to “Yes”, where nothing more was expected"],
        ),
        (
            Expected(messages=["Thank you", "Hello"]),
            YES,
            ["message 2 did not come, expected “Hello”"],
        ),
        (
            Expected(messages=["Hello", "Still"]),
            YES,
            ["message 2 is “Thank you”, expected “Still”"],
        ),
        (Expected(status="waiting"), YES, ["is “done” at the end, expected “waiting”"]),
        (Expected(goal="sold"), YES, ["reached no goal, expected “sold”"]),
        (
            Expected(tags=["new"], without_tags=["old"], fields={"size": "L", "name": None}),
            YES,
            [
                "the contact has no tag “new”",
                "the contact has the tag “old”, expected not to",
                "the field “size” is “M”, expected “L”",
            ],
        ),
        (
            Expected(exits=["remind.sent"]),
            YES,
            ["never came to “Send message”, expected “Sent”"],
        ),
    ],
)
def test_differences_are_told_in_words(
    expect: Expected, script: tuple[Scripted, ...], wanted: list[str] | None
) -> None:
    contact = Contact(id=1, first_name="Ada", tags=frozenset({"old"}), fields={"size": "M"})
    found = said(greeting(), expecting(expect, script=list(script), contact=contact))
    if wanted is None:
        assert found == ["one message too many: “Hello Ada”"]
    else:
        assert found == wanted


def test_where_a_run_still_waits_or_never_came_is_said() -> None:
    soon = expecting(Expected(exits=["reply.yes"]), lasts="1h")
    [still] = said(greeting(), soon)
    assert still.startswith("“Wait for reply” still waits (")
    [never] = said(greeting(), expecting(Expected(exits=["gone.done"])))
    assert never == "never came to “gone”, expected “done”"
    stopped = expecting(Expected(exits=["reply.yes"]), script=[Scripted(on_message=1, say="STOP")])
    [ended] = said(greeting(), stopped)
    assert "ended (the contact said stop)" in ended
    nobody = expecting(Expected(status="done"), contact=Contact(id=1, blocked=True))
    assert said(greeting(), nobody) == [
        "is “not started” at the end (the contact does not want messages), expected “done”"
    ]


@pytest.mark.parametrize(
    ("answers", "exits"),
    [
        ([], ["ask.ok", "rich.no"]),
        ([Answer(body={"points": 7})], ["ask.ok", "rich.yes"]),
        ([Answer(body={"points": 7}), Answer(step="ask", body={"points": 1})], ["rich.no"]),
        ([Answer(call=2, body={"points": 7})], ["rich.no"]),
        ([Answer(step="ask", status=500)], ["ask.failed", "sorry.sent"]),
        ([Answer(status=0, reason="timed out", after="10s")], ["ask.failed"]),
    ],
)
def test_webhooks_answer_what_the_test_says(answers: list[Answer], exits: list[str]) -> None:
    assert said(flow(POINTS), expecting(Expected(exits=exits), answers=answers)) == []


def test_other_automations_take_part() -> None:
    other = {
        "name": "Other",
        "triggers": {"api": {"type": "api"}},
        "start": "tag",
        "steps": {"tag": {"type": "tag", "add": ["other"], "next": {}}},
    }
    steps = {
        "go": {"type": "start_automation", "automation": "7", "next": {"done": "end"}},
        "end": {"type": "end"},
    }
    with_it = expecting(
        Expected(tags=["other"], status="done"), others=[Other(automation="7", flow=other)]
    )
    assert said(flow(steps), with_it) == []
    assert said(flow(steps), expecting(Expected(tags=["other"]))) != []
    broken = expecting(Expected(status="done"), others=[Other(automation="7", flow={"x": 1})])
    assert "cannot be read" in said(flow(steps), broken)[0]


def test_a_run_begun_by_started_asks_nobody_and_a_change_of_the_contact_is_seen() -> None:
    steps = {
        "wait": {"type": "delay", "duration": "1d", "next": {"after": "who"}},
        "who": {
            "type": "if_else",
            "condition": {"type": "is", "value": "contact.tags", "op": "contains", "to": "vip"},
            "next": {"yes": "end", "no": "end"},
        },
        "end": {"type": "end"},
    }
    becomes = [Scripted(after="2h", contact={"tags": ["vip"]})]
    tested = flow(steps, triggers={})
    expect = Expected(exits=["wait.after", "who.yes"], exactly=True)
    assert said(tested, expecting(expect, first=Started("gone"), script=becomes)) == []
    assert said(tested, expecting(expect, first=Started("gone"))) == [
        "“If / else” went to “Else”, expected “Yes”"
    ]
    odd = expecting(expect, first=Started(), script=[Scripted(contact={"tags": 3})])
    assert "cannot be played" in said(tested, odd)[0]


@pytest.mark.anyio
async def test_every_past_run_is_a_test_that_passes_at_once(house: House) -> None:
    await busy(house)
    async with house.database.read() as tx:
        rows = (await tx.execute(sa.select(runs_table.c.id, runs_table.c.revision_id))).all()
        for run_id, revision_id in rows:
            tested = (await flows_of(tx, [revision_id]))[revision_id]
            scenario = copy(await replay_run(tx, run_id), "Copy")
            assert said(tested, scenario) == []
            assert not scenario.expect.empty
    changed = STORY["steps"] | {"size": STORY["steps"]["size"] | {"value": "XL"}}
    different = catalog().decode(STORY | {"steps": changed})
    found: list[str] = []
    async with house.database.read() as tx:
        for run_id, _ in rows:
            found += said(different, copy(await replay_run(tx, run_id), "Copy"))
    assert found == ["the field “size” is “XL”, expected “L”"]


@pytest.mark.anyio
async def test_runs_through_many_kinds_are_tests_that_pass_too(house: House) -> None:
    await through_many_kinds(house)
    async with house.database.read() as tx:
        rows = (await tx.execute(sa.select(runs_table.c.id, runs_table.c.revision_id))).all()
        assert len(rows) == 20
        for run_id, revision_id in rows:
            tested = (await flows_of(tx, [revision_id]))[revision_id]
            assert said(tested, copy(await replay_run(tx, run_id), "Copy")) == []


@given(FLOWS, st.lists(EVENTS, max_size=6))
def test_any_run_copied_is_a_test_that_passes(steps: dict[str, Any], events: list[Event]) -> None:
    document = {"name": "any", "start": next(iter(steps)), "steps": steps}
    tested = catalog().decode(document | {"triggers": {"api": {"type": "api"}}})
    run_id, trace = journey(tested, events)
    scenario = copy(replay(run_id, trace, {5: tested}), "Copy")
    assert said(tested, scenario) == []


def journey(tested: AnyFlow, events: Sequence[Event]) -> tuple[int, list[Visit]]:
    """A run's trace when its timers ring on time, whatever else happens every thirteen hours."""
    ids = iter(range(77, 1000))
    person = Person(
        Contact(id=1, name="Ada"), [], [Live(1, 5, tested)], {}, Words(), lambda: next(ids)
    )
    now = NOW
    trace: list[Visit] = []
    todo: list[Event] = [ApiCalled(1, {"x": 1}), *events]
    while todo:
        timer = person.next_timer()
        if timer is not None and timer[0] <= now and len(trace) < 200:
            person.happen(TimerDue(timer[2]), max(timer[0], now - timedelta(hours=13)), timer[1])
        else:
            person.happen(todo.pop(0), now, 77)
            now += timedelta(hours=13)
        moved = person.moved.pop(77, None)
        trace += moved.trace if moved else []
        person.moved = {}
    stored: list[Visit] = msgspec.json.decode(msgspec.json.encode(trace), type=list[Visit])
    return 77, stored


def test_a_run_that_changed_its_revision_is_no_test_of_one() -> None:
    one, other = greeting(), greeting(name="Other")
    person = Person(
        Contact(id=1), [], [Live(1, 5, one)], {}, Words(), lambda: 77, revisions={6: other}
    )
    person.happen(ApiCalled(1), NOW)
    person.happen(MovedTo("remind", revision_id=6), NOW, 77)
    trace = msgspec.json.decode(msgspec.json.encode(person.moved[77].trace), type=list[Visit])
    replayed = replay(77, trace, {5: one, 6: other})
    assert replayed.same
    with pytest.raises(CannotCopyError, match="another revision"):
        copy(replayed, "Copy")
    with pytest.raises(CannotCopyError, match="revision 6"):
        copy(replay(77, trace, {5: one}), "Copy")
