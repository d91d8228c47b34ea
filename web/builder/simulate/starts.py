"""How a try-out can begin: by each of the draft's triggers, with what it would hear, or by hand.

Rule: pure. What is told is JSON that people may change; what aims an event at its automation is not
theirs to change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from flows.content import Tap, Text
from flows.document import AnyFlow
from flows.events import Event, Replied, Started

BY_HAND = ""
LONGEST_SAID = 4096
AIM = frozenset(("type", "automation_id", "trigger", "chain", "by", "run_id", "cart_id", "kind"))
"""Parts of an event that say what it is and whom it is for."""


class Way(Struct, frozen=True):
    """One way to begin: the `trigger` it is ("" by hand) and what it is called."""

    trigger: str
    label: str


class WrongStartError(Exception):
    """Why a try-out cannot begin like this, in a sentence."""


def ways(flow: AnyFlow) -> list[Way]:
    """All of them, the triggers first."""
    found = [Way(name, one.summary() or one.label) for name, one in flow.triggers.items()]
    return [*found, Way(BY_HAND, "By hand, without a trigger")]


def usual(flow: AnyFlow, automation_id: int) -> tuple[str, Event]:
    """How a try-out begins unless somebody chooses: by the first trigger."""
    name = next(iter(flow.triggers), BY_HAND)
    return name, sample(flow, automation_id, name)


def sample(flow: AnyFlow | None, automation_id: int, trigger: str) -> Event:
    """The event of this trigger; by hand for one that is not there."""
    found = flow.triggers.get(trigger) if flow is not None else None
    return found.sample(automation_id, trigger) if found is not None else Started()


def said(event: Event) -> str | None:
    """What the customer writes, when that is how it begins."""
    return event.text if isinstance(event, Replied) else None


def payload(event: Event) -> str:
    """What is told, as JSON to be changed; "" when there is nothing."""
    if isinstance(event, Replied):
        return ""
    told = _told(event)
    return json.dumps(told, indent=2, ensure_ascii=False) if told is not None else ""


def with_words(event: Event, text: str) -> Event:
    """The same beginning with other words. Raises WrongStartError for none."""
    text = text.strip()
    if not text:
        raise WrongStartError("Write what the customer says first.")
    if len(text) > LONGEST_SAID:
        raise WrongStartError(f"A message has {LONGEST_SAID:,} characters at most.")
    if isinstance(event, Replied) and isinstance(event.content, Tap) and event.text == text:
        return event
    return Replied(text, Text(text))


def with_payload(event: Event, text: str) -> Event:
    """The same beginning, told something else. Raises WrongStartError."""
    before = _told(event)
    if before is None or not text.strip():
        return event
    try:
        told = json.loads(text)
        msgspec.json.encode(told)
    except (ValueError, OverflowError, RecursionError) as error:
        raise WrongStartError(f"What is told must be JSON: {_where(error)}.") from error
    if not isinstance(told, dict):
        raise WrongStartError("What is told must be a JSON object: { … }.")
    plain = msgspec.to_builtins(event)
    if _carries_data(event):
        plain["data"] = told
    else:
        plain |= {name: value for name, value in told.items() if name not in AIM}
    try:
        changed: Event = msgspec.convert(plain, Event)
    except msgspec.ValidationError as error:
        raise WrongStartError(f"This cannot be told: {error}.") from error
    return changed


def _told(event: Event) -> Mapping[str, Any] | None:
    """What an event brings along; None: it brings nothing that could be changed."""
    if _carries_data(event):
        found: Mapping[str, Any] = event.data  # type: ignore[union-attr]
        return found
    known = {name: getattr(event, name) for name in event.__struct_fields__ if name not in AIM}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(known))
    return plain or None


def _carries_data(event: Event) -> bool:
    return "data" in event.__struct_fields__


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it has a number too long, or half a letter"
