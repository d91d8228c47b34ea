"""Going back a few times, and no more: with a person in the loop and without one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.kinds import catalog
from engine.simulator import Pretend, simulate
from engine.transcript import Transcript
from flows.contact import Contact
from flows.events import Started
from flows.scenario import Scripted

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def play(steps: dict[str, Any], *replies: str) -> Transcript:
    triggers = {"api": {"type": "api"}}
    document = {"name": "x", "triggers": triggers, "start": next(iter(steps)), "steps": steps}
    flow, problems = catalog().check(document)
    assert flow is not None
    assert [one for one in problems if one.severity == "error"] == []
    script = [Scripted(after=f"{n}m", say=text) for n, text in enumerate(replies, 1)]
    world = Pretend(contact=Contact(id=1, last_inbound_at=NOW), start=NOW)
    return simulate(flow, Started("api"), script, world)


@pytest.mark.parametrize(
    ("replies", "asked", "said"),
    [(["blue"], 1, "Thanks"), (["?", "blue"], 2, "Thanks"), (["?", "?", "?"], 3, "Bye")],
)
def test_a_question_is_asked_again_a_few_times(replies: list[str], asked: int, said: str) -> None:
    told = play(
        {
            "ask": {"type": "send_message", "text": "Which colour?", "next": {"sent": "wait"}},
            "wait": {
                "type": "wait_for_reply",
                "answers": [{"exit": "blue", "words": ["blue"]}],
                "next": {"blue": "thanks", "other": "again", "no_reply": "end"},
            },
            "again": {"type": "go_to", "at_most": 2, "next": {"to": "ask", "enough": "bye"}},
            "thanks": {"type": "send_message", "text": "Thanks", "next": {"sent": "end"}},
            "bye": {"type": "send_message", "text": "Bye", "next": {"sent": "end"}},
            "end": {"type": "end"},
        },
        *replies,
    )
    texts = [getattr(one, "body", "") for one in told.messages]
    assert texts == ["Which colour?"] * asked + [said]
    assert told.status == "done"


def test_a_loop_that_waits_for_nobody_ends_as_well() -> None:
    told = play(
        {
            "tag": {"type": "tag", "add": ["round"], "next": {"done": "again"}},
            "again": {"type": "go_to", "at_most": 100, "next": {"to": "tag", "enough": "end"}},
            "end": {"type": "end"},
        }
    )
    assert told.status == "done"
    assert sum(line.step == "tag" for line in told.trace) == 101
