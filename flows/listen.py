"""What a run can listen to besides replies: the words shared by exit rules and `wait_for_event`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from flows.events import (
    SHOP_WORDS,
    ConsentChanged,
    Event,
    FieldChanged,
    Happened,
    LinkClicked,
    ListsChanged,
    Replied,
    ShopHappened,
    ShopKind,
    TagsChanged,
)
from flows.words import normal

Listened = (
    ShopKind
    | Literal[
        "replied",
        "tag.added",
        "tag.removed",
        "list.joined",
        "list.left",
        "field.changed",
        "link.clicked",
        "custom",
    ]
)
Name = Annotated[str, Meta(max_length=120)]
NAMED = (
    *("tag.added", "tag.removed", "list.joined", "list.left", "field.changed", "link.clicked"),
    "custom",
)
"""What can be narrowed by a name."""
LISTENED_WORDS: dict[str, str] = {
    "replied": "They reply",
    "link.clicked": "They open a link",
    "tag.added": "A tag is added",
    "tag.removed": "A tag is taken off",
    "list.joined": "They come onto a list",
    "list.left": "They leave a list",
    "field.changed": "A field changes",
    "consent.changed": "Their consent changes",
    "custom": "An event of your own",
    **SHOP_WORDS,
}
"""What can be listened to, for forms and in their order."""
_CONSENT = "consent.changed"


def heard(on: str, name: str, event: Event) -> str:
    """Why `event` is what was listened for (`on`, narrowed to `name`), in words; empty: it is not.

    A `name` is a tag, list, field, part of a link's address, or the company's own event.
    """
    match event:
        case ShopHappened(kind=kind) if kind == on:
            return f"the shop reported “{kind.replace('.', ' ')}”"
        case Replied() if on == "replied":
            return "the contact replied"
        case ConsentChanged(consent=consent) if on == _CONSENT:
            return f"their consent is now “{consent}”"
        case TagsChanged(added=added, removed=removed) if on in ("tag.added", "tag.removed"):
            found = _among(name, added if on == "tag.added" else removed)
            return f"the tag “{found}” was {on.partition('.')[2]}" if found else ""
        case ListsChanged(joined=joined, left=left) if on in ("list.joined", "list.left"):
            found = _among(name, joined if on == "list.joined" else left)
            return f"they {on.partition('.')[2]} the list “{found}”" if found else ""
        case FieldChanged(name=field) if on == "field.changed" and name in ("", field):
            return f"the field “{field}” changed"
        case LinkClicked(url=url) if on == "link.clicked" and name.lower() in url.lower():
            return f"they opened {url}"
        case Happened(name=event_name) if on == "custom" and name in ("", event_name):
            return f"“{event_name}” happened"
        case _:
            return ""


def told(event: Event) -> Any:
    """What an event brings along, for `answers.<step id>` of whoever waited for it."""
    match event:
        case ShopHappened(data=data) | Happened(data=data):
            return data
        case Replied(text=text):
            return text
        case FieldChanged(new=new):
            return new
        case LinkClicked(url=url):
            return url
        case TagsChanged(added=added, removed=removed):
            return sorted(added or removed)
        case ListsChanged(joined=joined, left=left):
            return sorted(joined or left)
        case ConsentChanged(consent=consent):
            return consent
        case _:
            return None


def _among(name: str, names: frozenset[str]) -> str:
    if not name:
        return min(names, default="")
    return next((one for one in sorted(names) if normal(one) == normal(name)), "")
