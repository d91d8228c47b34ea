"""What else can happen to somebody inside: what the draft's exit rules and steps listen for.

Rule: pure. Only what something listens for is offered; everything else would change nothing.
"""

from __future__ import annotations

from typing import get_args

from msgspec import Struct

from flows.document import AnyFlow
from flows.events import (
    ConsentChanged,
    Event,
    FieldChanged,
    Happened,
    LinkClicked,
    ListsChanged,
    ShopHappened,
    ShopKind,
    TagsChanged,
)
from flows.listen import heard
from triggers.shop import Shop

MOST = 12  # buttons


class Happening(Struct, frozen=True):
    """One thing to let happen: its number in the list, and what the button says."""

    number: int
    label: str
    event: Event


def happenings(flow: AnyFlow) -> list[Happening]:
    """Everything that is listened for, once each, exit rules first."""
    wanted: list[tuple[str, str]] = [(rule.on, rule.name) for rule in flow.exit_rules]
    wanted += [(on, name) for step in flow.steps.values() for _, on, name in step.listens()]
    found: list[Happening] = []
    for on, name in dict.fromkeys(wanted):
        event = _event(on, name)
        if event is not None and len(found) < MOST:
            found.append(Happening(len(found), _label(on, name, event), event))
    return found


def _event(on: str, name: str) -> Event | None:
    if on in get_args(ShopKind) and on != "consent.changed":
        return Shop(on=on).sample(0, "")  # type: ignore[arg-type]
    match on:
        case "tag.added":
            return TagsChanged(added=frozenset({name or "vip"}))
        case "tag.removed":
            return TagsChanged(removed=frozenset({name or "vip"}))
        case "list.joined":
            return ListsChanged(joined=frozenset({name or "Newsletter"}))
        case "list.left":
            return ListsChanged(left=frozenset({name or "Newsletter"}))
        case "field.changed":
            return FieldChanged(name or "city", None, "something new")
        case "link.clicked":
            return LinkClicked(name if "://" in name else f"https://shop.example.com/{name}")
        case "custom":
            return Happened(name or "something")
        case "consent.changed":
            return ConsentChanged("yes", "shop")
        case _:
            return None


def _label(on: str, name: str, event: Event) -> str:
    if isinstance(event, ShopHappened):
        return on.replace(".", " ").capitalize()
    said = heard(on, name, event).removeprefix("the ")
    return said[:1].upper() + said[1:]
