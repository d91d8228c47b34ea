"""Which automations an event starts, and whether each lets this contact in. PURE.

Every answer has its reason in words: "why did this (not) start?" is asked often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.scene import Active, Live, Scene, Start
from flows.conditions import holds
from flows.contact import Contact
from flows.duration import duration_words, parse_duration
from flows.events import ApiCalled, Event, Occasion, ShopHappened
from flows.run import Run
from flows.step import Context
from flows.trigger import WORDS_FIT, Match, Trigger, trigger_kind

TESTED = "is being tested; only chosen contacts may enter"


def starts(
    event: Event, scene: Scene, runs: Sequence[Active], now: datetime, *, exclusive: bool
) -> tuple[tuple[Start, ...], tuple[str, ...]]:
    """The automations `event` starts: all that match, or of exclusive kinds the best that may.

    The best: what fits by its words before what takes any message, there the company's own before
    the house's; then the closest match, the higher priority, the older automation.
    """
    found: list[tuple[tuple[int, ...], int, int, Live, str, Match]] = []
    said: list[str] = []
    for live, triggers in scene.live.hearing(type(event)):
        if isinstance(event, ShopHappened) and event.automation_id not in (0, live.automation_id):
            continue
        try:
            first = _first_match(event, triggers, scene.contact, now)
        except Exception as error:  # noqa: BLE001  a faulty trigger keeps no other from starting
            said.append(f"{live.flow.name}: {_fault(error)}")
            continue
        if first is not None:
            name, match = first
            found.append(
                (_rank(live, match), -live.priority, live.automation_id, live, name, match)
            )
    found.sort(key=lambda one: one[:3] if exclusive else one[1:3])
    chosen: list[Start] = []
    cart_id = event.cart_id if isinstance(event, ShopHappened) else 0
    chain: int = getattr(event, "chain", 0)
    for _, _, _, live, name, match in found:
        allowed, why, instead = may_enter(live, scene, runs, match.data, now)
        said.append(f"{live.flow.name}: {match.why if allowed else why}")
        if allowed:
            chosen.append(Start(live, name, match.data, match.why, chain, instead, cart_id))
            if exclusive:
                break
    return tuple(chosen), tuple(said)


def _rank(live: Live, match: Match) -> tuple[int, ...]:
    by_words = match.rank[0] <= WORDS_FIT
    return (0 if by_words else match.rank[0], live.of_house, *match.rank)


def asked_for(event: ApiCalled, scene: Scene, now: datetime) -> tuple[Start | None, str]:
    """The start somebody asked for by name, or None; and why."""
    live = scene.live.find(event.automation_id)
    if live is None:
        return None, f"automation {event.automation_id} is not live"
    trigger = next(
        (key for key, one in live.flow.triggers.items() if trigger_kind(one) == "api"), ""
    )
    data = event.data if event.by == "automation" else {"data": event.data}
    allowed, why, instead = may_enter(live, scene, scene.runs, data, now)
    if not allowed:
        return None, why
    why = f"started by {event.by}"
    return Start(live, trigger, data, why, event.chain, instead), why


def occasion(event: Occasion, scene: Scene, now: datetime) -> tuple[Start | None, str]:
    """The start of an occasion that has come, or None; and why."""
    live = scene.live.find(event.automation_id)
    trigger = live.flow.triggers.get(event.trigger) if live else None
    if live is None or trigger is None:
        return None, f"automation {event.automation_id} is not live with that trigger"
    try:
        match = trigger.matches(event, scene.contact, now)
    except Exception as error:  # noqa: BLE001  a faulty trigger keeps no other from starting
        return None, f"{live.flow.name}: {_fault(error)}"
    if match is None:
        return None, f"{live.flow.name}: its trigger “{event.trigger}” is another one by now"
    allowed, why, instead = may_enter(live, scene, scene.runs, match.data, now)
    if not allowed:
        return None, why
    return Start(live, event.trigger, match.data, match.why, 0, instead), match.why


def may_enter(
    live: Live, scene: Scene, runs: Sequence[Active], data: Mapping[str, Any], now: datetime
) -> tuple[bool, str, tuple[int, ...]]:
    """Whether the entry policy lets this contact in, why (not), and which runs end for it."""
    entry = live.flow.entry
    inside = tuple(one.run.id for one in runs if one.automation_id == live.automation_id)
    last = scene.entered.get(live.automation_id)
    if not may_test(live, scene.contact.id):
        return False, TESTED, ()
    if live.test_contacts is not None:
        return True, "", inside  # who tests wants to see it from the start each time
    if entry.policy == "once_ever" and last is not None:
        return False, f"was in this automation on {last:%Y-%m-%d}; once ever", ()
    if entry.policy == "once_at_a_time" and inside:
        return False, "is in this automation already; one at a time", ()
    if entry.not_again_within and last is not None:
        gap = parse_duration(entry.not_again_within)
        if now - last < gap:
            return False, f"was in this automation less than {duration_words(gap)} ago", ()
    if entry.condition is not None:
        try:
            held, why = holds(entry.condition, _values(scene.contact, data, now))
        except Exception as error:  # noqa: BLE001  the same for a condition nobody can answer
            return False, _fault(error), ()
        if not held:
            return False, why, ()
    return True, "", inside if entry.policy == "restart" else ()


def may_test(live: Live, contact_id: int) -> bool:
    """Whether it is open for everybody, or this contact was chosen to test it."""
    return live.test_contacts is None or contact_id in live.test_contacts


def _first_match(
    event: Event, triggers: Sequence[tuple[str, Trigger]], contact: Contact, now: datetime
) -> tuple[str, Match] | None:
    for name, trigger in triggers:
        match = trigger.matches(event, contact, now)
        if match is not None:
            return name, match
    return None


def _values(contact: Contact, data: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """What a condition may name: the same as in the steps of the run that would begin."""
    return Context(Run(0, variables=dict(data)), "", 0, contact, now, 0).values


def _fault(error: Exception) -> str:
    return f"internal fault: {type(error).__name__}: {error}"
