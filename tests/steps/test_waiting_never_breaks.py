"""Whatever the settings, the contact and the events: a waiting kind waits, leaves or fails in
words, and never by a fault of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.advance import advance
from engine.kinds import catalog
from flows.contact import Contact
from flows.events import Event, Started
from flows.run import Run

NOW = datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
TEXTS = (
    "",
    "yes",
    "2",
    "1.500,00",
    "29/2",
    "29 febbraio 2027",
    "morgen um 15 Uhr",
    "9999-12-31T23:59",
    "0001-01-01",
    "+39 333 123 4567",
    "ada@example.com",
    "Thank you for contacting us",
    "👍",
    "a" * 5000,
)
durations = st.sampled_from(["0s", "1s", "10s", "1h", "9999d", "400d"])
clocks = st.sampled_from(["00:00", "02:30", "23:59"])
days = st.lists(st.sampled_from(["mon", "thu", "sun"]), unique=True)
options = st.lists(
    st.sampled_from(["yes", "no", "stop", "two"]).map(lambda one: {"id": one, "label": one}),
    max_size=4,
)
patience = {
    "up_to": durations,
    "until_time": st.none() | clocks,
    "until_days": days,
    "gather": st.none() | durations,
    "automatic": st.sampled_from(["as_reply", "leave", "ignore"]),
    "tries": st.integers(1, 3),
    "help": st.sampled_from(["", "Please!", "{{ contact.name }}"]),
    "save_to": st.none()
    | st.sampled_from(["a_number", "a_day", "a_moment", "agreed", "email", "x"]),
}
sorts = ["text", "number", "date", "moment", "yes_no", "email", "phone", "media"]
matches = ["option", "exact", "regex", "yes", "no", "number", "date", "phone", "email", "media"]
ask = st.fixed_dictionaries(
    {"type": st.just("ask"), "text": st.sampled_from(["", "Q?", "{{ data.x }}"])},
    optional={"options": options, "expects": st.sampled_from(sorts), **patience},
)
answers = st.lists(
    st.fixed_dictionaries(
        {"exit": st.sampled_from("abc"), "match": st.sampled_from([*matches, "any", "any_media"])},
        optional={
            "words": st.lists(st.sampled_from(["yes", "(a+)+$", "(", ""]), max_size=3),
            "step": st.sampled_from(["ask", "nobody"]),
            "at_least": st.floats(-5, 5),
            "media": st.just(["image", "location"]),
        },
    ),
    max_size=4,
)
wait = st.fixed_dictionaries(
    {"type": st.just("wait_for_reply")}, optional={"answers": answers, **patience}
)
only = st.fixed_dictionaries(
    {}, optional={"start": clocks, "end": clocks, "days": days, "not_on_holidays": st.booleans()}
)
delay = st.fixed_dictionaries(
    {"type": st.just("delay"), "mode": st.sampled_from(["duration", "date", "weekday", "field"])},
    optional={
        "duration": durations,
        "date": st.sampled_from([*TEXTS[:9], "{{ data.x }}"]),
        "weekdays": days,
        "field": st.sampled_from(["", "a_day", "a_moment", "created", "odd"]),
        "when": st.sampled_from(["before", "on", "after"]),
        "by": durations,
        "yearly": st.booleans(),
        "time": st.none() | clocks,
        "zone": st.sampled_from(["contact", "company", "Europe/Rome", "Nowhere/At_all"]),
        "only": st.none() | only,
        "too_late": st.sampled_from(["go_on", "leave"]),
        "drop_if_later": st.none() | durations,
    },
)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "exit": st.sampled_from("abc"),
            "on": st.sampled_from(["replied", "tag.added", "custom", "link.clicked"]),
        },
        optional={
            "name": st.sampled_from(["", "x"]),
            "step": st.just("ask"),
            "condition": st.just({"type": "is", "value": "event.x", "op": "more_than", "to": 1}),
        },
    ),
    max_size=4,
)
event_wait = st.fixed_dictionaries(
    {"type": st.just("wait_for_event"), "lines": lines}, optional={"up_to": durations}
)
contacts = st.fixed_dictionaries(
    {},
    optional={
        "zone": st.sampled_from(["Europe/Rome", "America/Havana", "nowhere"]),
        "language": st.sampled_from(["it", "en_US", "xx"]),
        "country": st.sampled_from(["IT", "US", "ZZ"]),
        "last_outbound_at": st.just("2028-02-29T23:29:59Z"),
        "created_at": st.just("2027-02-28T00:00:00Z"),
        "fields": st.just({"a_day": "1992-02-29", "a_moment": "2028-03-26T01:30Z", "odd": [1]}),
        "company": st.just(
            {
                "holidays_of": "IT",
                "fields": {
                    "a_number": "number",
                    "a_day": "date",
                    "a_moment": "moment",
                    "agreed": "yes_no",
                },
            }
        ),
    },
)
contents = st.sampled_from(
    [
        {"type": "tap", "payload": "r7.it.yes", "label": "Yes"},
        {"type": "tap", "payload": "r7.ask.yes", "label": "Yes"},
        {"type": "media", "media": "image"},
        {"type": "location", "latitude": 0.0, "longitude": 0.0},
        {"type": "reaction", "to": "x", "emoji": "❤️"},
        {"type": "other", "kind": "contacts"},
    ]
)
texts = st.sampled_from(TEXTS)
happenings = st.lists(
    st.one_of(
        texts.map(
            lambda text: {
                "type": "replied",
                "text": text,
                "content": {"type": "text", "body": text},
            }
        ),
        st.builds(
            lambda text, what: {"type": "replied", "text": text, "content": what}, texts, contents
        ),
        st.sampled_from(["sent", "failed", "expired"]).map(
            lambda state: {"type": "verdict", "seq": 0, "state": state}
        ),
        st.just({"type": "timer_due", "seq": 0}),
        st.just({"type": "happened", "name": "x", "data": {"x": 2}}),
        st.just({"type": "tags_changed", "added": ["x"]}),
        st.just({"type": "moved_to", "step": "it"}),
    ),
    max_size=8,
)


@given(
    st.one_of(ask, wait, delay, event_wait),
    contacts,
    texts,
    happenings,
    st.lists(st.integers(0, 100_000), min_size=8, max_size=8),
)
def test_no_fault_of_its_own(
    step: dict[str, Any],
    contact: dict[str, Any],
    value: str,
    events: list[dict[str, Any]],
    pauses: list[int],
) -> None:
    steps = {"it": step, "ask": {"type": "send_message", "text": "Q", "options": [{"id": "yes"}]}}
    flow = catalog().decode({"spec": 1, "name": "any", "start": "it", "steps": steps})
    kind: Any = flow.steps["it"]
    offered = {one.name for one in kind.exits()}
    assert len(offered) == len(kind.exits()) or list(kind.problems())
    assert isinstance(kind.summary(), str)
    assert all(kind.passes(name) is None or kind.passes(name) >= timedelta(0) for name in offered)
    person = msgspec.convert(contact, Contact)
    now = NOW
    run = Run(7, variables={"data": {"x": value}})
    result = advance(flow, run, Started(), contact=person, now=now)
    for raw, pause in zip(events, pauses, strict=False):
        now += timedelta(seconds=pause)
        stored = msgspec.json.decode(msgspec.json.encode(result.run), type=Run)
        happening = {**raw, "seq": stored.seq} if "seq" in raw else raw
        event: Any = msgspec.convert(happening, Event)
        result = advance(flow, stored, event, contact=result.contact, now=now)
        assert "internal fault" not in result.run.reason
        left = [line.exit for line in result.trace if line.did == "left" and line.step == "it"]
        assert set(left) <= offered | {"", "expired", "no_date"}
    assert "internal fault" not in result.run.reason
