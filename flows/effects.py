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


class StartAutomation(Struct, frozen=True, tag="start"):
    """Start another automation for the same contact, beside this one."""

    automation_id: int
    data: dict[str, Any]
    chain: int


class SetConsent(Struct, frozen=True, tag="consent", omit_defaults=True):
    """Remember that the contact does (not) want marketing."""

    consent: Literal["yes", "no"]
    source: str = ""


class ReachGoal(Struct, frozen=True, tag="goal", omit_defaults=True):
    """The run reached what it was made for."""

    goal: str
    value: str = ""


Effect = Send | ChangeTags | SetField | CallWebhook | StartAutomation | SetConsent | ReachGoal
