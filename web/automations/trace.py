"""A run's trace in words: what happened at which step, why, where it went on, what was sent.

Rule: pure; a step that the flow no longer has is shown by its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from flows.document import AnyFlow
from store.visits import Line
from web.automations.outline import title
from web.messages.bubbles import Bubble

LONGEST_VALUE = 200  # characters of a value; more hides the decision it led to
MARKS = {"left": "check", "waits": "hourglass", "failed": "circle-alert", "ended": "flag"}


class Told(Struct):
    """One line of the page."""

    at: datetime
    did: str
    icon: str
    step: str
    title: str
    then: str
    why: str
    saw: list[tuple[str, str]] = []
    bubbles: list[Bubble] = []


def tell(flow: AnyFlow | None, lines: Sequence[Line], bubbles: Sequence[Bubble]) -> list[Told]:
    """The lines of a trace, each with the messages its step asked for."""
    told: list[Told] = []
    sent: dict[tuple[str, int], Told] = {}
    for line in lines:
        one = Told(
            at=line.at,
            did=line.did,
            icon=MARKS.get(line.did, "info"),
            step=line.step,
            title=step_title(flow, line.step, line.kind),
            then=_then(flow, line),
            why=line.why,
            saw=saw_in_words(line.data),
        )
        told.append(one)
        sent.setdefault((line.step, line.seq), one)
    for bubble in bubbles:
        place = sent.get((bubble.step, bubble.seq)) or next(
            (one for one in told if one.step == bubble.step), told[-1] if told else None
        )
        if place is not None:
            place.bubbles.append(bubble)
    return told


def saw_in_words(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`(name, value)` of all that a decision looked at, as people read values."""
    saw = data.get("saw", {})
    return [(str(name), _value(value)) for name, value in saw.items()]


def step_title(flow: AnyFlow | None, step_id: str, kind: str = "") -> str:
    """What people call the step, as far as we know it."""
    step = flow.steps.get(step_id) if flow else None
    if step is not None:
        return title(step)
    return step_id or kind.replace("_", " ").capitalize() or "The run"


def _then(flow: AnyFlow | None, line: Line) -> str:
    match line.did:
        case "left":
            return _exit(flow, line)
        case "waits":
            return "Waits"
        case "failed":
            return "Failed"
        case "ended":
            return "The run ended"
        case _:
            return ""


def _exit(flow: AnyFlow | None, line: Line) -> str:
    step = flow.steps.get(line.step) if flow else None
    if step is None:
        return f"Left by “{line.exit}”" if line.exit else ""
    label = next((one.label for one in step.exits() if one.name == line.exit), line.exit or "")
    target = step.next.get(line.exit or "")
    goal = f"on to “{step_title(flow, target)}”" if target else "which ends the run"
    return f"{label}, {goal}" if label else ""


def _value(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return "empty"
        case bool():
            return "yes" if value else "no"
        case str():
            return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
        case list() if not any(isinstance(one, list | dict) for one in value):
            return _value(", ".join(_value(one) for one in value))
        case list() | dict():
            return _value(json.dumps(value, ensure_ascii=False))
        case _:
            return str(value)
