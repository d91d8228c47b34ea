"""A run's trace in words: what happened at which step, why, where it went on, what was sent.

Rule: pure; a step that the flow no longer has is shown by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from flows.document import AnyFlow
from store.visits import Line
from web.automations.outline import title
from web.messages.bubbles import Bubble

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
