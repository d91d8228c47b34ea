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
    "payment.succeeded",
    "payment.failed",
    "catalogue.order",
    "product.question",
]
SHOP_WORDS: dict[str, str] = {
    "cart.abandoned": "A cart is left behind",
    "cart.updated": "A cart changes",
    "cart.recovered": "A cart becomes an order",
    "order.created": "An order is placed",
    "order.paid": "An order is paid",
    "order.fulfilled": "An order is shipped",
    "order.delivered": "An order is delivered",
    "order.cancelled": "An order is cancelled",
    "order.refunded": "An order is refunded",
    "payment.succeeded": "A payment succeeds",
    "payment.failed": "A payment fails",
    "customer.created": "A new customer",
    "customer.updated": "A customer's data change",
    "consent.changed": "Their consent changes",
    "catalogue.order": "An order from the WhatsApp catalogue",
    "product.question": "A question about a product",
}
"""What a shop reports, for forms and in their order."""
OccasionKind = Literal["schedule", "date_field", "campaign", "webhook"]


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


class Occasion(Struct, frozen=True, tag="occasion", omit_defaults=True):
    """A trigger's own time has come for this contact: a date, a schedule, a campaign, a webhook.
    It is aimed at one trigger of one automation; `data` becomes the run's variables.
    """

    kind: OccasionKind
    automation_id: int
    trigger: str
    data: dict[str, Any] = {}
    why: str = ""


class ConsentChanged(Struct, frozen=True, tag="consent", omit_defaults=True):
    """WhatsApp, a person or the run `run_id` told us that marketing is (not) wanted any more."""

    consent: Literal["yes", "no"]
    source: str = ""
    run_id: int = 0
    chain: int = 0


class TagsChanged(Struct, frozen=True, tag="tags_changed", omit_defaults=True):
    """Tags that the contact has newly got, or lost. `chain`: automations that led to it."""

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    chain: int = 0


class ListsChanged(Struct, frozen=True, tag="lists_changed", omit_defaults=True):
    """Lists the contact has newly joined, or left."""

    joined: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    chain: int = 0


class FieldChanged(Struct, frozen=True, tag="field_changed", omit_defaults=True):
    """A field of the contact got another value; None is empty."""

    name: str
    old: Any = None
    new: Any = None
    chain: int = 0


class LinkClicked(Struct, frozen=True, tag="link_clicked", omit_defaults=True):
    """The contact opened a link of ours; `run_id` and `step` say in which message it was."""

    url: str
    run_id: int = 0
    step: str = ""


class Happened(Struct, frozen=True, tag="happened", omit_defaults=True):
    """Something of the company's own, by name, told through the API: `booking.made`."""

    name: str
    data: dict[str, Any] = {}


class SubFlowEnded(Struct, frozen=True, tag="sub_flow_ended", omit_defaults=True):
    """The automation that a run waits for has come to its end. `result` is that of its End step;
    `failed`: it could not start, was stopped or failed, and `reason` says why.
    """

    seq: int
    result: str = ""
    values: dict[str, Any] = {}
    failed: bool = False
    reason: str = ""


class Stopped(Struct, frozen=True, tag="stopped", omit_defaults=True):
    """A person ended this run by hand. With `from_step` only if it is still there."""

    reason: str = ""
    from_step: str = ""


class MovedTo(Struct, frozen=True, tag="moved_to", omit_defaults=True):
    """A person, or the plan of a new revision, puts this run on another step.

    `revision_id` 0 keeps the run's own. Moved to the step it waits in, the run goes on waiting and
    only what follows is new. What the run has sent at `step` is not sent again, unless `again`.
    With `from_step` only a run that is still there is moved. `left` (the engine's own): a message
    of the step it leaves may have gone out.
    """

    step: str
    from_step: str = ""
    left: bool = False
    revision_id: int = 0
    why: str = ""
    again: bool = False


class Retried(Struct, frozen=True, tag="retried", omit_defaults=True):
    """A person lets a failed run try the step again at which it failed."""

    why: str = ""


Event = (
    Started
    | Replied
    | Verdict
    | TimerDue
    | HttpAnswered
    | ShopHappened
    | ApiCalled
    | Occasion
    | ConsentChanged
    | TagsChanged
    | ListsChanged
    | FieldChanged
    | LinkClicked
    | Happened
    | SubFlowEnded
    | Stopped
    | MovedTo
    | Retried
)
AIMED = (Verdict, TimerDue, HttpAnswered, SubFlowEnded, Stopped, MovedTo, Retried)
"""Events that mean one run and nothing else; all others are routed."""


class Happening(Struct, frozen=True):
    """An event with its time of arrival, as it waits in line for one contact."""

    at: datetime
    event: Event
