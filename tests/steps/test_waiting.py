"""Waiting over more than one event: clocks that change or jump, moves, and replies in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.advance import Advance, advance
from engine.kinds import catalog
from flows.calendar import Allowed, is_allowed
from flows.contact import Company, Contact
from flows.content import Tap, Text, payload
from flows.document import AnyFlow
from flows.events import Event, MovedTo, Replied, Started, TimerDue, Verdict
from flows.run import Run

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ROME = Contact(id=1, first_name="Ada", zone="Europe/Rome", company=Company(zone="Europe/Rome"))
ASK = {
    "type": "ask",
    "text": "Which?",
    "options": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}],
    "next": {"yes": "done", "no": "done", "no_reply": "done"},
}


def flow_of(**steps: Any) -> AnyFlow:
    everything = {**steps, "done": {"type": "end"}}
    start = next(iter(steps))
    return catalog().decode({"spec": 1, "name": "waiting", "start": start, "steps": everything})


class Story:
    """One run, moved by events at times that may lie anyhow."""

    def __init__(self, flow: AnyFlow, contact: Contact = ROME, now: datetime = NOW) -> None:
        self.flow = flow
        self.contact = contact
        self.run = Run(7)
        self.last = self.happen(Started(), now)

    def happen(self, event: Event, now: datetime) -> Advance:
        stored = msgspec.json.decode(msgspec.json.encode(self.run), type=Run)
        self.last = advance(self.flow, stored, event, contact=self.contact, now=now)
        self.run = self.last.run
        return self.last

    def ring(self, now: datetime) -> Advance:
        return self.happen(TimerDue(self.run.seq), now)

    def reply(self, text: str, now: datetime = NOW) -> Advance:
        return self.happen(Replied(text, Text(text)), now)

    @property
    def until(self) -> datetime | None:
        return self.run.wait.until if self.run.wait is not None else None

    def exits(self) -> list[str]:
        return [line.exit for line in self.last.trace if line.did == "left"]


@pytest.mark.parametrize(
    ("before", "half_past_two"),
    [
        (datetime(2026, 3, 29, 0, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_half_past_two_on_the_days_clocks_change(before: datetime, half_past_two: datetime) -> None:
    day = f"{half_past_two:%Y-%m-%d}"
    for settings in (
        {"mode": "date", "date": f"{day}T02:30"},
        {"mode": "date", "date": day, "time": "02:30"},
        {"mode": "weekday", "time": "02:30"},
    ):
        story = Story(
            flow_of(it={"type": "delay", "next": {"after": "done"}, **settings}), now=before
        )
        assert story.until == half_past_two
        story.ring(half_past_two - timedelta(seconds=1))
        assert story.run.status == "waiting"
        story.ring(half_past_two)
        assert story.exits() == ["after", ""]


def test_a_zone_changed_while_waiting_moves_nobody() -> None:
    story = Story(
        flow_of(
            it={
                "type": "delay",
                "mode": "weekday",
                "time": "18:00",
                "zone": "company",
                "only": {"start": "09:00", "end": "19:00"},
                "next": {"after": "done"},
            }
        )
    )
    assert story.until == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
    story.contact = Contact(zone="Asia/Tokyo", company=Company(zone="Asia/Tokyo"))
    story.ring(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    assert story.exits() == ["after", ""]


def test_a_clock_that_jumps_back_rings_once() -> None:
    story = Story(
        flow_of(
            it={"type": "delay", "duration": "2h", "next": {"after": "then"}},
            then={"type": "delay", "duration": "1h", "next": {"after": "done"}},
        )
    )
    first = story.run.seq
    story.ring(NOW + timedelta(hours=1))  # the clock was put back an hour just before
    assert story.run.step == "it"
    story.ring(NOW + timedelta(hours=2))
    assert story.run.step == "then"
    story.happen(TimerDue(first), NOW + timedelta(hours=3))
    assert story.run.step == "then"
    story.ring(NOW + timedelta(hours=3))
    assert story.run.status == "done"


def test_a_question_that_has_left_is_not_asked_again_by_a_move() -> None:
    story = Story(flow_of(hi={"type": "delay", "next": {"after": "ask"}}, ask=ASK))
    story.happen(MovedTo("ask"), NOW)
    assert len(story.last.effects) == 1
    story.happen(Verdict(story.run.seq, "sent"), NOW)
    story.happen(MovedTo("hi"), NOW)
    story.happen(MovedTo("ask"), NOW)
    assert story.last.effects == []
    assert story.run.wait is not None
    assert story.run.wait.for_ == {"reply", "time"}
    story.happen(Replied("Yes", Tap(payload(7, "ask", "yes"), "Yes")), NOW)
    assert story.exits() == ["yes", ""]


def test_a_question_is_asked_again_when_that_is_wanted() -> None:
    story = Story(flow_of(ask=ASK))
    story.happen(Verdict(story.run.seq, "sent"), NOW)
    story.happen(MovedTo("ask", again=True), NOW)
    assert len(story.last.effects) == 1


def test_a_wait_that_has_helped_can_be_moved_to() -> None:
    wait = {
        "type": "wait_for_reply",
        "answers": [{"exit": "yes", "match": "yes"}],
        "tries": 2,
        "help": "Yes?",
        "next": {"yes": "hi", "no_reply": "done"},
    }
    story = Story(flow_of(it=wait, hi={"type": "delay", "next": {"after": "done"}}))
    story.reply("hm")
    story.happen(Verdict(story.run.seq, "sent"), NOW)
    story.reply("yes")
    assert story.run.step == "hi"
    story.happen(MovedTo("it"), NOW)
    assert story.run.status == "waiting"
    assert story.run.step == "it"


def test_every_reply_while_the_help_is_on_its_way_counts_once() -> None:
    wait = {
        "type": "wait_for_reply",
        "answers": [{"exit": "yes", "match": "yes"}],
        "tries": 3,
        "help": "Yes?",
        "next": {"yes": "done", "no_reply": "done", "other": "done"},
    }
    story = Story(flow_of(it=wait))
    for text, tried in (("hm", 1), ("well", 2)):
        story.reply(text)
        assert story.run.wait is not None
        assert story.run.wait.note == {"tried": tried}
    story.reply("yes")
    assert story.exits() == ["yes", ""]


def test_a_long_wait_for_an_event_is_not_moved_by_what_is_nothing_to_it() -> None:
    wait = {
        "type": "wait_for_event",
        "lines": [{"exit": "paid", "on": "order.paid"}],
        "next": {"paid": "done", "timeout": "done"},
    }
    story = Story(flow_of(it=wait))
    before = story.run
    for raw in (
        {"type": "tags_changed", "added": ["a"]},
        {"type": "shop", "kind": "order.created"},
        {"type": "field_changed", "name": "x"},
    ):
        result = story.happen(msgspec.convert(raw, Event), NOW)
        assert result.run == before
        assert result.trace == []
    story.ring(NOW + timedelta(days=7))
    assert story.exits() == ["timeout", ""]


days = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), unique=True)
hours = st.sampled_from(
    [("09:00", "18:00"), ("22:00", "06:00"), ("02:10", "02:50"), ("00:00", "01:00")]
)


@given(
    days,
    hours,
    st.sampled_from(["Europe/Rome", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 366 * 24 * 60),
    st.integers(1, 5000),
    st.integers(0, 3000),
)
def test_a_delay_never_ends_in_a_forbidden_minute(
    on: list[Any], between: tuple[str, str], zone: str, start: int, length: int, late: int
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    only = {"start": between[0], "end": between[1], "days": on, "not_on_holidays": True}
    company = Company(holidays_of="IT")
    delay = {"type": "delay", "duration": f"{length}m", "only": only, "next": {"after": "done"}}
    story = Story(flow_of(it=delay), Contact(zone=zone, company=company), now)
    rules = Allowed(tuple(on), between, not_on_holidays=True)
    assert story.until is not None
    assert story.until >= now + timedelta(minutes=length)
    assert is_allowed(rules, company, story.until, zone)
    rung = story.until + timedelta(minutes=late)
    story.ring(rung)
    if story.run.status == "waiting":
        assert not is_allowed(rules, company, rung, zone)
        assert is_allowed(rules, company, story.until, zone)
    else:
        assert is_allowed(rules, company, rung, zone) or late <= 5


def test_a_document_with_names_that_lead_nowhere_is_told() -> None:
    line = {"exit": "a", "match": "option", "words": ["yes", "perhaps"], "step": "ask"}
    lost = {"exit": "b", "match": "option", "words": ["yes"], "step": "nobody"}
    document = {
        "spec": 1,
        "name": "names",
        "start": "ask",
        "steps": {
            "ask": {**ASK, "type": "ask", "next": {"yes": "it", "no": "it", "no_reply": "it"}},
            "it": {
                "type": "wait_for_reply",
                "answers": [line, lost],
                "next": {"a": "done", "b": "done", "no_reply": "done"},
            },
            "done": {"type": "end"},
        },
    }
    _, problems = catalog().check(document)
    errors = {problem.field: str(problem) for problem in problems if problem.severity == "error"}
    assert "perhaps" in errors["/steps/it/answers/0/words/1"]
    assert "nobody" in errors["/steps/it/answers/1/step"]
    assert len(errors) == 2
