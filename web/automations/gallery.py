"""The gallery of ready-made flows: what each is for, what it needs, how it looks.

Rule: read once per process; the library's files do not change while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from engine.kinds import catalog
from flows import library
from flows.contact import BUILT_IN_FIELDS
from flows.document import AnyFlow
from flows.library import Goal
from store.templates import Template
from web.automations.view import starts_by
from web.builder.picture import Picture, picture
from web.templates.view import STATES, Preview, preview

NEWCOMERS = ("welcome", "abandoned_cart", "order_shipped")
FIELD = re.compile(r"contact\.fields\.([A-Za-z]\w*)")


class Ready(Struct, frozen=True):
    """One ready-made flow. `needs` are fields without a value of which it starts nobody, `keeps`
    those it fills in or looks at; `notes` say what to put one's own into.
    """

    key: str
    goal: Goal
    name: str
    sentence: str
    starts_by: str
    steps: int
    templates: tuple[str, ...]
    needs: tuple[str, ...]
    keeps: tuple[str, ...]
    notes: tuple[str, ...]
    picture: Picture

    @property
    def goal_words(self) -> str:
        """What the goal is called."""
        return library.GOALS[self.goal]


class Wanted(Struct, frozen=True):
    """A template that a flow sends, and how it stands with it here."""

    name: str
    category: str
    preview: Preview
    state: str
    tone: str
    there: bool


@cache
def shelves() -> tuple[Ready, ...]:
    """All ready-made flows, by goal, the usual ones first."""
    return tuple(_ready(key, goal) for goal, keys in library.SHELVES.items() for key in keys)


def find(key: str) -> Ready | None:
    """One of them by its file's name; None when there is none."""
    return next((one for one in shelves() if one.key == key), None)


def for_newcomers() -> list[Ready]:
    """The three a company without automations is shown."""
    return [one for key in NEWCOMERS if (one := find(key)) is not None]


def flow_of(key: str) -> AnyFlow:
    """The flow itself."""
    return catalog().decode(library.document(key))


def templates_of(ready: Ready, known: Sequence[Template]) -> list[Wanted]:
    """The templates it sends, in their order, and which of them this company has."""
    here = {(one.name, one.language): one for one in known}
    found = []
    for name in ready.templates:
        body = shipped()[name]
        mine = here.get((name, str(body["language"])))
        state, tone = "Not there yet", "warn"
        if mine is not None:
            state, tone, _ = STATES.get(mine.status, (mine.status.capitalize(), "", ""))
        found.append(
            Wanted(
                name, body["category"], preview(body["components"]), state, tone, mine is not None
            )
        )
    return found


@cache
def shipped() -> Mapping[str, dict[str, Any]]:
    """The library's templates by name, as WhatsApp takes them."""
    return {one["name"]: one for one in library.templates()}


def _ready(key: str, goal: Goal) -> Ready:
    document = library.document(key)
    flow = catalog().decode(document)
    needs = {one.name for trigger in flow.triggers.values() for one in trigger.references()}
    texts = [text for step in flow.steps.values() for _, text in step.texts()]
    looks = [path for step in flow.steps.values() for _, path in step.looks_at()]
    keeps = {name for text in texts + looks for name in FIELD.findall(text)}
    for step in flow.steps.values():
        keeps |= {one.name for one in step.references() if one.what == "field"}
        keeps |= {str(getattr(step, "save_to", None) or "")}
    return Ready(
        key=key,
        goal=goal,
        name=flow.name,
        sentence=flow.description,
        starts_by=starts_by(flow),
        steps=len(flow.steps),
        templates=tuple(
            dict.fromkeys(
                one.name
                for step in flow.steps.values()
                for one in step.references()
                if one.what == "template"
            )
        ),
        needs=tuple(sorted(needs)),
        keeps=tuple(sorted(keeps - needs - set(BUILT_IN_FIELDS) - {""})),
        notes=tuple(step.note for step in flow.steps.values() if step.note),
        picture=picture(flow),
    )
