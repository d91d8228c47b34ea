"""Everything a flow can ask for. The word is here, its deed in `engine/effects.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from flows.content import Content


class Send(Struct, frozen=True, tag="send", omit_defaults=True):
    """Queue a message. `expires_at`: not worth sending any more after this moment."""

    step: str
    seq: int
    content: Content
    expires_at: datetime | None = None
    track_links: bool = False


class ChangeTags(Struct, frozen=True, tag="tags", omit_defaults=True):
    """Put tags on the contact and take others off."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


class SetField(Struct, frozen=True, tag="field"):
    """Set a field of the contact; None empties it."""

    name: str
    value: Any


class CallWebhook(Struct, frozen=True, tag="webhook", omit_defaults=True):
    """Call an address of the outside world; its answer comes back as an event."""

    step: str
    seq: int
    method: str
    url: str
    headers: dict[str, str] = {}
    body: str = ""
    timeout_s: int = 10
    tries: int = 3
    sign: bool = False


class StartAutomation(Struct, frozen=True, tag="start"):
    """Start another automation for the same contact, beside this one."""

    automation_id: int
    data: dict[str, Any]
    chain: int


class StartSubFlow(Struct, frozen=True, tag="sub_flow"):
    """Start another automation for the same contact and wait for it; `seq` is the wait that
    `SubFlowEnded` answers.
    """

    step: str
    seq: int
    automation_id: int
    data: dict[str, Any]
    chain: int


class StopOthers(Struct, frozen=True, tag="stop_others", omit_defaults=True):
    """End the contact's other runs: those of `automations`, or all when there are none named.
    A run never ends itself, nor the one that waits for it.
    """

    automations: frozenset[int] = frozenset()
    reason: str = ""


class Return(Struct, frozen=True, tag="return", omit_defaults=True):
    """What the automation that waits for this one gets: a result by name, and values."""

    result: str = ""
    values: dict[str, Any] = {}


class ChangeLists(Struct, frozen=True, tag="lists", omit_defaults=True):
    """Put the contact on lists, by name, and take it off others."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


class AddNote(Struct, frozen=True, tag="note"):
    """Write a note for colleagues beside the chat."""

    text: str


class Block(Struct, frozen=True, tag="block"):
    """Send the contact nothing at all any more, or let them be written to again."""

    blocked: bool


class Assign(Struct, frozen=True, tag="assign", omit_defaults=True):
    """Give the chat to a colleague (by e-mail; empty: to nobody in particular, None: as it is).
    Handed over, automations keep silent for the contact, except the run that did it.
    """

    to: str | None = None
    hand_over: bool = False


class SetConsent(Struct, frozen=True, tag="consent", omit_defaults=True):
    """Remember that the contact does (not) want marketing."""

    consent: Literal["yes", "no"]
    source: str = ""


class ReachGoal(Struct, frozen=True, tag="goal", omit_defaults=True):
    """The run reached what it was made for."""

    goal: str
    value: str = ""


Effect = (
    Send
    | ChangeTags
    | ChangeLists
    | SetField
    | AddNote
    | Block
    | Assign
    | CallWebhook
    | StartAutomation
    | StartSubFlow
    | StopOthers
    | Return
    | SetConsent
    | ReachGoal
)
