"""Documents to begin with: an empty one, and the copy of another. Pure.

Rule: nothing that begins here starts anybody by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

NEW = "New automation"
ROOM_FOR_NAME = 108  # of the 120 letters a name may have, so that “ (copy) 99” fits behind


def fresh_document(language: str, taken: Collection[str]) -> dict[str, Any]:
    """A flow without steps that can be started by hand, called as none of `taken` is."""
    return {
        "spec": 1,
        "name": free_name(NEW, taken),
        "language": language,
        "triggers": {"by_hand": {"type": "api"}},
        "steps": {},
    }


def copied(document: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """The same flow, called a copy."""
    name = str(document.get("name") or "Without a name")[:ROOM_FOR_NAME]
    return {**document, "name": free_name(f"{name} (copy)", taken)}


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, with a number behind it when it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name
