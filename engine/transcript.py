"""What a simulation tells: lines in order, and everything that came of it. PURE."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from flows.contact import Contact
from flows.content import Content
from flows.events import (
    ApiCalled,
    ConsentChanged,
    Event,
    MovedTo,
    Occasion,
    Retried,
    ShopHappened,
    Started,
    Stopped,
)
from flows.run import Visit


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of the transcript."""

    at: datetime
    who: Literal["flow", "message", "customer", "event", "end"]
    text: str
    step: str = ""


class Transcript(Struct, frozen=True):
    """What happened, in order; `messages` is what the customer's phone got. `trace` is of all runs,
    `passage` of the one that is watched: the first, whose end is `status`, `reason` and `goal`.
    """

    lines: list[Line]
    messages: list[Content]
    trace: list[Visit]
    status: str
    reason: str
    waits_until: datetime | None
    contact: Contact
    passage: list[Visit] = []
    goal: str = ""


def event_words(event: Event) -> str:
    """What happened from outside, in a few words; "" for what the trace itself tells."""
    match event:
        case ShopHappened(kind=kind):
            return kind
        case ApiCalled(by=by):
            return f"started by {by}"
        case Started(trigger=trigger):
            return f"started by {trigger or 'the test'}"
        case ConsentChanged(consent=consent):
            return f"consent: {consent}"
        case Occasion() | MovedTo() | Retried() | Stopped():
            return str(event.__struct_config__.tag).replace("_", " ")
        case _:
            return ""


def visit_words(visit: Visit) -> str:
    """A line of the trace in a few words."""
    match visit.did:
        case "left":
            said = f"left by {visit.exit}" if visit.exit else "the end"
        case "waits":
            return visit.why or "waits"
        case _:
            said = visit.did
    return f"{said}: {visit.why}" if visit.why else said
