"""Try-outs: a list of happenings played up to its moment, and one step back is one step shorter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine import simulator
from engine.as_test import as_test
from engine.asked import Sent
from engine.kinds import catalog
from engine.rehearsal import Rehearsal, rehearse
from engine.scenarios import run
from engine.stand_in import Leaving
from engine.tryout import (
    NoSessionError,
    Session,
    answered,
    choose,
    forget_beyond,
    goes,
    read_session,
    write_session,
)
from flows.contact import Contact
from flows.content import Tap, Text, plain
from flows.document import AnyFlow
from flows.events import ApiCalled, Replied, ShopHappened, Started, TagsChanged, TimerDue

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LIBRARY = Path(__file__).parents[2] / "flows" / "library"


def flow_of(steps: dict[str, Any], start: str = "a", **more: Any) -> AnyFlow:
    document = {"spec": 1, "name": "Try", "start": start, "steps": steps, **more}
    return catalog().decode(document)


def says(text: str) -> Replied:
    return Replied(text, Text(text))


def welcome() -> AnyFlow:
    return catalog().decode(json.loads((LIBRARY / "welcome.json").read_text()))


def hello(**more: Any) -> Session:
    return Session(start=START, first=says("Hello"), trigger="hello", **more)


def play(flow: AnyFlow, session: Session, **more: Any) -> Rehearsal:
    return rehearse(flow, session, session.contact, **more)


def tap(came: Rehearsal, label: str) -> Replied:
    """The newest button of that name, tapped."""
    for bubble in reversed(came.talk):
        for option in getattr(bubble.content, "options", ()):
            if option.label == label:
                return Replied(label, Tap(option.payload, label))
    raise AssertionError(label)


def test_it_stops_where_the_run_waits_and_says_for_what() -> None:
    came = play(welcome(), hello())

    assert [(one.out, plain(one.content)[:8]) for one in came.talk] == [
        (False, "Hello"),
        (True, "Hi Ada, "),
    ]
    assert came.run is not None
    assert came.run.step == "wait_choice"
    assert came.waits == "waits up to 12 hours for a reply"
    assert came.ahead == START + timedelta(hours=12)
    assert came.passed == [("greet", "sent")]
    assert came.now == START


def test_a_tap_goes_on_and_a_step_back_takes_it_back() -> None:
    flow, session = welcome(), hello()
    first = play(flow, session)

    further = session.then(tap(first, "Show me offers"))
    came = play(flow, further)

    assert came.passed[-2:] == [("wait_choice", "offers"), ("interest", "sent")]
    assert [one.act for one in came.talk if not one.out] == [-1, 0]
    assert further.back() == session
    assert play(flow, further.back()) == first


def test_time_passes_up_to_what_is_due() -> None:
    flow, session = welcome(), hello()
    ahead = play(flow, session).ahead
    assert ahead is not None

    came = play(flow, session.until(ahead))

    assert came.run is not None
    assert (came.run.status, came.run.step) == ("done", "end_silent")
    assert came.passed[-1] == ("wait_choice", "no_reply")
    [passed] = [one for one in came.told if one.who == "time"]
    assert (passed.at, passed.text, passed.act) == (START, "43200", 0)
    assert came.ahead is None


def test_ten_years_of_a_loop_come_to_an_end() -> None:
    flow = flow_of(
        {
            "a": {"type": "delay", "duration": "1s", "next": {"after": "b"}},
            "b": {"type": "tag", "add": ["round"], "next": {"done": "a"}},
        }
    )
    came = play(flow, Session(start=START).until(START + timedelta(days=3650)))
    assert "10,000 things have happened" in came.told[-1].text


def test_a_loop_of_many_steps_comes_to_an_end_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "VISITS_LIMIT", 500)
    steps = {
        f"s{n}": {"type": "tag", "add": ["round"], "next": {"done": f"s{n + 1}"}} for n in range(99)
    }
    steps["s99"] = {"type": "delay", "duration": "1s", "next": {"after": "s0"}}
    came = play(flow_of(steps, "s0"), Session(start=START).until(START + timedelta(days=1)))
    assert "500 steps were taken" in came.told[-1].text
    assert came.now == START + timedelta(days=1)


def test_time_never_goes_back() -> None:
    session = hello().until(START + timedelta(hours=1)).until(START)
    assert session.now == START + timedelta(hours=1)


def test_who_is_heard_by_nobody_is_told_why() -> None:
    came = play(welcome(), structs.replace(hello(), first=says("something else")))
    assert came.run is None
    assert [one.text for one in came.told if one.who == "nobody"] == ["no keyword fits"]


def test_a_chosen_verdict_is_of_that_message_only() -> None:
    flow = flow_of(
        {
            "a": {
                "type": "send_template",
                "template": "x",
                "language": "en",
                "next": {"sent": "b", "failed": "b"},
            },
            "b": {"type": "send_message", "text": "Two", "next": {}},
        }
    )
    session = choose(Session(start=START), 1, "failed", "the number has no WhatsApp")

    came = play(flow, session)

    assert [(one.number, one.fate) for one in came.talk] == [(1, "failed"), (2, "sent")]
    assert came.talk[0].reason == "the number has no WhatsApp"
    assert came.passed == [("a", "failed"), ("b", "sent")]
    assert choose(session, 1, "usual") == Session(start=START)
    assert forget_beyond(choose(session, 3, "expired"), 2) == session


def test_webhooks_answer_what_was_chosen_and_splits_go_where_they_are_told() -> None:
    flow = flow_of(
        {
            "a": {
                "type": "webhook",
                "url": "https://shop.example/api",
                "next": {"ok": "b", "failed": "b"},
            },
            "b": {
                "type": "split",
                "parts": [
                    {"exit": "one", "label": "One", "weight": 50},
                    {"exit": "two", "label": "Two", "weight": 50},
                ],
                "next": {},
            },
        }
    )
    session = Session(start=START)
    assert play(flow, session).passed[0] == ("a", "ok")

    session = answered(session, "a", {"status": 500, "body": {"error": "no"}})
    assert play(flow, session).passed[0] == ("a", "failed")
    assert play(flow, answered(session, "a", None)).passed[0] == ("a", "ok")
    for way in ("one", "two"):
        assert play(flow, goes(session, "b", way)).passed[1] == ("b", way)
    assert goes(goes(session, "b", "one"), "b", "") == session


def test_a_message_that_the_post_keeps_leaves_later_and_nobody_answers_it_before() -> None:
    flow = flow_of(
        {
            "a": {"type": "send_message", "text": "Good morning", "next": {"sent": "b"}},
            "b": {"type": "wait_for_reply", "up_to": "1h", "next": {}},
        }
    )
    opens = START + timedelta(hours=6)

    def post(sent: Sent, contact: Contact, now: datetime) -> Leaving:
        del sent, contact
        return Leaving(max(now, opens), why=("It is outside the sending hours.",))

    session = Session(start=START, first=Started())
    early = play(flow, session.then(says("hm?")), post=post)
    assert early.held is not None
    assert early.held.at == opens == early.ahead
    assert early.held.why == ("It is outside the sending hours.",)
    assert [one.fate for one in early.talk if one.out] == ["queued"]
    assert early.passed == []

    later = play(flow, session.until(opens), post=post)
    assert later.held is None
    assert [(one.fate, one.at) for one in later.talk] == [("sent", opens)]
    assert later.run is not None
    assert later.run.step == "b"


def test_what_will_expire_in_the_queue_says_so_and_does() -> None:
    flow = flow_of(
        {
            "a": {"type": "send_message", "text": "Hi", "next": {"expired": "b"}},
            "b": {"type": "end"},
        }
    )
    ends = START + timedelta(hours=2)

    def post(sent: Sent, contact: Contact, now: datetime) -> Leaving:
        del sent, contact, now
        return Leaving(ends, "expired", "expired", ("It was not worth sending any more by now.",))

    session = Session(start=START)
    came = play(flow, session, post=post)
    assert came.held is not None
    assert (came.held.fate, came.held.coming, came.held.at) == ("queued", "expired", ends)
    made = as_test(session, session.contact, came, "Not yet")
    assert [(one.after, one.verdict) for one in made.script] == [("2h", "expired")]
    assert run(flow, made, catalog().decode).passed

    later = play(flow, session.until(ends), post=post)
    assert [one.fate for one in later.talk] == ["expired"]
    assert later.passed == [("a", "expired")]


def test_a_run_that_is_stopped_takes_its_queued_message_back() -> None:
    flow = flow_of(
        {"a": {"type": "send_message", "text": "Your cart", "next": {}}},
        exit_rules=[{"on": "order.created"}],
    )

    def post(sent: Sent, contact: Contact, now: datetime) -> Leaving:
        del sent, contact
        return Leaving(now + timedelta(hours=1))

    session = Session(start=START).then(ShopHappened("order.created"))
    came = play(flow, session, post=post)

    assert [one.fate for one in came.talk] == ["recalled"]
    assert came.run is not None
    assert came.run.status == "stopped"
    made = as_test(session, session.contact, came, "Bought")
    assert run(flow, made, catalog().decode).passed
    assert made.expect.messages == []


ACTS = st.lists(
    st.one_of(
        st.sampled_from(["Show me offers", "2", "A present", "1001", "", "STOP", "hello"]).map(
            lambda text: ("say", text)
        ),
        st.integers(0, 200_000).map(lambda seconds: ("wait", seconds)),
    ),
    max_size=8,
)


@given(acts=ACTS)
def test_back_and_forth_is_the_same(acts: list[tuple[str, Any]]) -> None:
    flow, session = welcome(), hello()
    seen = [(session, play(flow, session))]
    for what, value in acts:
        if what == "say":
            session = session.then(says(value))
        else:
            session = session.until(session.now + timedelta(seconds=value))
        seen.append((session, play(flow, session)))
    assert read_session(write_session(session)) == session
    for length, (before, came) in enumerate(seen):
        assert session.up_to(length) == before
        assert play(flow, session.up_to(length)) == came


@given(acts=ACTS)
def test_what_is_kept_as_a_test_passes(acts: list[tuple[str, Any]]) -> None:
    flow, session = welcome(), hello()
    for what, value in acts:
        if what == "say":
            session = session.then(says(value))
        else:
            session = session.until(session.now + timedelta(seconds=value))
    made = as_test(session, session.contact, play(flow, session), "Kept")
    assert run(flow, made, catalog().decode).differences == []


def test_a_test_is_written_as_people_would_and_knows_what_was_chosen() -> None:
    flow, session = welcome(), hello()
    session = session.until(START + timedelta(hours=1))
    session = session.then(tap(play(flow, session), "Show me offers"))
    came = play(flow, session)

    made = as_test(session, session.contact, came, "Offers", ("exits", "messages"))

    assert [(one.tap, one.after, one.on_message) for one in made.script] == [
        ("greet.offers", "1h5s", 1)
    ]
    assert made.expect.exits == ["greet.sent", "wait_choice.offers", "interest.sent"]
    assert made.expect.status is None
    assert not made.expect.exactly
    with pytest.raises(ValueError, match="at least one"):
        as_test(session, session.contact, came, "Nothing", ())


def test_a_delay_of_the_post_and_a_chosen_fate_are_in_the_test() -> None:
    flow = flow_of(
        {
            "a": {
                "type": "send_template",
                "template": "x",
                "language": "en",
                "next": {"sent": "b"},
            },
            "b": {"type": "delay", "duration": "1h", "next": {"after": "c"}},
            "c": {
                "type": "send_template",
                "template": "x",
                "language": "en",
                "next": {},
            },
        }
    )

    def post(sent: Sent, contact: Contact, now: datetime) -> Leaving:
        del sent, contact
        return Leaving(now + timedelta(minutes=7))

    session = choose(Session(start=START), 2, "failed").until(START + timedelta(days=1))
    came = play(flow, session, post=post)
    made = as_test(session, session.contact, came, "Late")

    assert [(one.on_message, one.after, one.verdict) for one in made.script] == [
        (1, "7m", "sent"),
        (2, "7m", "failed"),
    ]
    assert run(flow, made, catalog().decode).passed


def test_a_tag_that_somebody_puts_on_is_on_and_is_so_in_the_test() -> None:
    flow = flow_of(
        {
            "a": {
                "type": "wait_for_event",
                "lines": [{"exit": "tagged", "on": "tag.added", "name": "vip"}],
                "up_to": "7d",
                "next": {"tagged": "b"},
            },
            "b": {"type": "send_message", "text": "{{ contact.tags }}", "next": {}},
        }
    )
    session = Session(start=START).then(TagsChanged(added=frozenset({"vip"})))

    came = play(flow, session)
    made = as_test(session, session.contact, came, "Tagged")

    assert plain(came.talk[-1].content) == "vip"
    assert made.script[0].contact == {"tags": ["vip"]}
    assert run(flow, made, catalog().decode).passed

    begins = structs.replace(session, first=TagsChanged(added=frozenset({"new"})), acts=[])
    assert play(flow, begins).transcript.contact.tags == {"new"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"start": "2026-03-02T10:00:00"}',
        '{"start": "1980-03-02T10:00:00Z"}',
        '{"start": "2026-03-02T10:00:00Z", "more": 1}',
        '{"start": "2026-03-02T10:00:00Z", "acts": [{"at": 5}, {"at": 4}]}',
        '{"start": "2026-03-02T10:00:00Z", "acts": [{"at": -1}]}',
        '{"start": "2026-03-02T10:00:00Z", "contact": {"zone": "Atlantis"}}',
        '{"start": "2026-03-02T10:00:00Z", "contact": {"last_inbound_at": "2026-03-02T10:00:00"}}',
        "[" * 90_000,
        " " * 100_001,
    ],
)
def test_what_is_no_session_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(NoSessionError, match="Start it again"):
        read_session(text)


def test_events_of_the_simulator_itself_are_no_happenings() -> None:
    aimed = Session(start=START, first=TimerDue(1))
    with pytest.raises(NoSessionError):
        read_session(write_session(aimed))
    inside = Session(start=START, first=ApiCalled(0)).then(TimerDue(1))
    with pytest.raises(NoSessionError):
        read_session(write_session(inside))
