"""Any document and any events end, wait or fail with a reason; and a run survives storage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.advance import advance
from engine.kinds import catalog
from flows.contact import Contact
from flows.content import Tap, Text
from flows.events import Event, HttpAnswered, Replied, Started, Stopped, TimerDue, Verdict
from flows.run import Run
from tests.engine.flows import NOW

IDS = ["a", "b", "c", "d", "gone"]
WORDS = st.sampled_from(["yes", "no", "STOP", "", "{{ contact.name }}", "{% for", "🙂", "1"])
TARGET = st.sampled_from(IDS)


def step(kind: str, exits: list[str], **settings: Any) -> st.SearchStrategy[dict[str, Any]]:
    lines = st.dictionaries(st.sampled_from(exits), TARGET) if exits else st.just({})
    return st.builds(
        lambda next_, filled: {"type": kind, "next": next_, **filled},
        lines,
        st.fixed_dictionaries(settings),
    )


SENT = ["sent", "failed", "suppressed", "expired"]
STEPS = st.one_of(
    step("send_message", SENT, text=WORDS),
    step("send_template", SENT, template=st.just("t"), body=st.lists(WORDS, max_size=2)),
    step(
        "wait_for_reply",
        ["yes", "other", "no_reply"],
        up_to=st.sampled_from(["1m", "24h", "0s"]),
        answers=st.just([{"exit": "yes", "label": "Yes", "match": "exact", "words": ["yes"]}]),
    ),
    step("delay", ["after"], duration=st.sampled_from(["0s", "1m", "2d"])),
    step(
        "if_else",
        ["yes", "no"],
        condition=st.builds(
            lambda value, to: {"type": "is", "value": value, "to": to},
            st.sampled_from(["contact.tags", "answers.a", "nothing", "contact.fields.x"]),
            WORDS,
        ),
    ),
    step("tag", ["done"], add=st.lists(st.sampled_from(["x", "y"]), max_size=2)),
    step("set_field", ["done"], field=st.sampled_from(["x", "name"]), value=WORDS),
    step("webhook", ["ok", "failed"], method=st.just("POST"), url=st.just("https://example.com")),
    step("start_automation", ["done"], automation=st.just("2")),
    step("end", []),
)
FLOWS = st.dictionaries(st.sampled_from(IDS[:-1]), STEPS, min_size=1, max_size=4)
SEQ = st.integers(min_value=0, max_value=6)
EVENTS = st.one_of(
    st.builds(Verdict, SEQ, st.sampled_from(SENT)),
    st.builds(TimerDue, SEQ),
    st.builds(HttpAnswered, SEQ, st.booleans(), body=st.just({"x": 1})),
    st.builds(lambda text: Replied(text, Text(text)), WORDS),
    st.builds(lambda text: Replied(text, Tap(f"r1.a.{text}", text)), WORDS),
    st.builds(Stopped, WORDS),
)


@given(FLOWS, st.lists(EVENTS, max_size=8))
def test_any_flow_and_any_events_end_wait_or_fail_with_a_reason(
    steps: dict[str, Any], events: list[Event]
) -> None:
    flow = catalog().decode({"name": "any", "start": next(iter(steps)), "steps": steps})
    run, contact, now = Run(1), Contact(id=1, name="Ada"), NOW
    for event in [Started("", {"x": 1}), *events]:
        result = advance(flow, run, event, contact=contact, now=now)
        again = advance(flow, run, event, contact=contact, now=now)
        assert result == again
        run, contact, now = result.run, result.contact, now + timedelta(hours=13)
        if run.status == "waiting":
            assert run.wait is not None
            assert run.step in steps
        else:
            assert run.wait is None
        if run.status == "failed":
            assert run.reason
        assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "steps", "triggers", "type", "next", "start", "x", "entry"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_in_words(raw: Any) -> None:
    flow, problems = catalog().check(raw)
    if flow is None:
        assert any(problem.severity == "error" for problem in problems)
    assert all(problem.sentence for problem in problems)


@given(FLOWS)
def test_a_checked_document_decodes_to_the_same_flow(steps: dict[str, Any]) -> None:
    document = {"name": "any", "start": next(iter(steps)), "steps": steps}
    flow, _ = catalog().check(document)
    if flow is not None:
        stored = msgspec.json.decode(msgspec.json.encode(flow))
        assert catalog().decode(stored) == flow
