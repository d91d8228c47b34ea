"""Everything that can happen to a contact. A closed union: what is not here cannot start,
resume or end a run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from flows.content import Content

VerdictState = Literal["sent", "failed", "suppressed", "expired"]
ShopKind = Literal[
    "cart.updated",
    "cart.abandoned",
    "cart.recovered",
    "order.created",
    "order.paid",
    "order.fulfilled",
    "order.delivered",
    "order.cancelled",
    "order.refunded",
    "customer.created",
    "customer.updated",
    "consent.changed",
]


class Started(Struct, frozen=True, tag="started", omit_defaults=True):
    """A run begins; `data` becomes its variables (`cart`, `order`, `data`, `message` …)."""

    trigger: str = ""
    data: dict[str, Any] = {}


class Replied(Struct, frozen=True, tag="replied", omit_defaults=True):
    """The customer wrote, tapped or sent something. `text` is its plain form for matching."""

    text: str
    content: Content
    message_id: int = 0
    quoted: str = ""


class Verdict(Struct, frozen=True, tag="verdict", omit_defaults=True):
    """What became of the message the run waits for; `seq` is the wait it answers."""

    seq: int
    state: VerdictState
    reason: str = ""


class TimerDue(Struct, frozen=True, tag="timer_due"):
    """The time a run waited for has come; `seq` is the wait it answers."""

    seq: int


class HttpAnswered(Struct, frozen=True, tag="http_answered", omit_defaults=True):
    """A webhook call of this run ended; `body` is decoded JSON or text."""

    seq: int
    ok: bool
    status: int = 0
    body: Any = None
    reason: str = ""


class ShopHappened(Struct, frozen=True, tag="shop", omit_defaults=True):
    """A shop told us something. `automation_id` narrows it to one (an abandoned cart's timer)."""

    kind: ShopKind
    data: dict[str, Any] = {}
    shop: str = ""
    automation_id: int = 0
    cart_id: int = 0


class ApiCalled(Struct, frozen=True, tag="api", omit_defaults=True):
    """Somebody asked by API, by hand or from another automation to start this one."""

    automation_id: int
    data: dict[str, Any] = {}
    by: str = "api"
    chain: int = 0


class ConsentChanged(Struct, frozen=True, tag="consent", omit_defaults=True):
    """WhatsApp or a person told us that marketing is (not) wanted any more."""

    consent: Literal["yes", "no"]
    source: str = ""


class Stopped(Struct, frozen=True, tag="stopped", omit_defaults=True):
    """A person ended this run by hand."""

    reason: str = ""


Event = (
    Started
    | Replied
    | Verdict
    | TimerDue
    | HttpAnswered
    | ShopHappened
    | ApiCalled
    | ConsentChanged
    | Stopped
)


class Happening(Struct, frozen=True):
    """An event with its time of arrival, as it waits in line for one contact."""

    at: datetime
    event: Event
