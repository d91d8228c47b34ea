"""The kinds of step as the add menu lists them.

Rule: all of it comes from the kinds themselves; a new kind is in the menu by being there.
"""

from __future__ import annotations

import inspect
import re
from functools import cache

from msgspec import Struct

from engine.kinds import catalog
from web.builder.cards import GROUPS

TITLES = {
    "messages": "Messages",
    "waiting": "Waiting",
    "logic": "Logic",
    "data": "Data",
    "flow": "Flow",
}
_SENTENCE = re.compile(r"(?<=[.!?])\s")


class Kind(Struct, frozen=True):
    """One kind; `about` is what it does, in a sentence."""

    kind: str
    label: str
    icon: str
    about: str


class Group(Struct, frozen=True):
    """The kinds of one group, by name."""

    id: str
    title: str
    css: str
    kinds: list[Kind]


@cache
def groups() -> list[Group]:
    """Every kind there is, by group."""
    found: dict[str, list[Kind]] = {name: [] for name in TITLES}
    for name, kind in catalog().steps.items():
        about = _SENTENCE.split(inspect.cleandoc(kind.__doc__ or "").replace("\n", " "), maxsplit=1)
        found[kind.group].append(Kind(name, kind.label, kind.icon, about[0]))
    for kinds in found.values():
        kinds.sort(key=lambda one: one.label)
    return [Group(name, TITLES[name], GROUPS[name], kinds) for name, kinds in found.items()]
