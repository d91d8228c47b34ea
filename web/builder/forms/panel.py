"""What the panel shows of a step or of the start card, put together for its templates.

Rule: it only reads; the same words serve the first drawing and every answer to a change.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.kinds import catalog
from flows.editing import START_STEP
from flows.problems import pointer
from flows.step import Exit, Step
from flows.trigger import Trigger, trigger_kind
from web.builder.cards import GROUPS
from web.builder.forms import template
from web.builder.forms.around import Around
from web.builder.forms.example import Bubble, Example, example_of
from web.builder.forms.form import (
    Form,
    Read,
    Section,
    example_values,
    read_document,
    start_form,
    step_form,
)
from web.builder.forms.part import Part, parts_of
from web.builder.forms.view import View
from web.builder.kinds import groups
from web.templates.view import preview

OWN = ("name", "note")
NOTHING_SET = frozenset(("type", "name", "next", "at", "note"))
ARCHIVED = "It is in the archive, so it cannot be changed."
ONLY_LOOKS = "You may look at it, but not change it."
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_SIGNS = {"shop": "shopping-cart", "customer_message": "message-circle"}


class Way(Struct, frozen=True):
    """One exit and where it leads, "" for nowhere."""

    exit: str
    label: str
    to: str
    required: bool


class Reason(Struct, frozen=True):
    """One trigger on the start card; `removal` is the change that takes it away."""

    id: str
    icon: str
    label: str
    about: str
    summary: str
    section: Section | None
    removal: str
    address: str
    open: bool


class Settings(Struct, kw_only=True):
    """A form with all around it. `own` are name and note, `step` is what can be read of it."""

    form: Form
    read: Read
    own: list[Part] = []
    step: Step | None = None

    @property
    def ways(self) -> list[Way]:
        """The exits as the panel lists them."""
        return ways_of(self)


def settings_of(document: Mapping[str, Any], step: str, around: Around) -> Settings | None:
    """The form of a step or of `@start`; None where there is none to draw."""
    read = read_document(document, around)
    if step == START_STEP:
        return Settings(form=start_form(document, around, read), read=read)
    form = step_form(document, step, around, read)
    if form is None:
        return None
    section = form.sections[""]
    kind = catalog().steps[str(section.raw["type"])]
    others = frozenset(catalog().kind_schema(kind)["$defs"][kind.__name__]["properties"]) - {*OWN}
    own = parts_of(catalog().kind_schema(kind), section.raw, others)
    return Settings(form=form, read=read, own=own, step=read.steps.get(step))


def ways_of(settings: Settings) -> list[Way]:
    """The exits of a step, or the one of the start card."""
    form = settings.form
    known = settings.read.titles
    if form.step == START_STEP:
        to = form.sections[""].raw.get("start")
        return [Way("start", "First step", to if to in known else "", required=True)]
    if settings.step is None:
        return []
    ways = form.sections[""].raw.get("next")
    led = ways if isinstance(ways, dict) else {}
    exits: tuple[Exit, ...] = settings.step.exits()
    return [
        Way(one.name, one.label, to if (to := led.get(one.name)) in known else "", one.required)
        for one in exits
    ]


def example_for(settings: Settings, now: datetime) -> Example:
    """What the step does for an example contact, or how the chosen template looks unfilled."""
    form = settings.form
    if settings.step is None:
        return Example()
    made = example_of(
        settings.step,
        form.step,
        settings.read.steps,
        form.around.somebody,
        example_values(settings.read),
        now,
        form.around.templates,
        form.language,
    )
    wanted = template.chosen(form.sections[""].raw, form.sections[""].parts)
    found = form.around.find_template(*wanted) if wanted is not None else None
    if made.bubble is not None or found is None:
        return Example() if wanted is not None and not wanted[0] else made
    shown = preview(found.components)
    bubble = Bubble(shown.body, shown.media, shown.header, shown.footer, shown.buttons)
    return Example(bubble, "Its variables are not filled in yet.")


def step_values(settings: Settings, view: View, now: datetime) -> dict[str, Any]:
    """What the panel of a step shows besides the frame that its route knows."""
    form = settings.form
    section = form.sections[""]
    kind = catalog().steps[str(section.raw["type"])]
    return {
        "f": view,
        "step": form.step,
        "title": settings.read.titles.get(form.step, kind.label),
        "kind": kind,
        "group": GROUPS[kind.group],
        "about": _SENTENCE.split(_about(kind), maxsplit=1),
        "own": settings.own,
        "settings": section.parts,
        "ways": settings.ways,
        "kinds": groups(),
        "example": example_for(settings, now),
        "fresh": not section.raw.keys() - NOTHING_SET,
        "has_note": bool(section.raw.get("note")),
        "trial": any(one.schema.get("x-try") for one in section.parts),
    }


def start_values(settings: Settings, view: View, addresses: Mapping[str, str]) -> dict[str, Any]:
    """The same of the start card."""
    form = settings.form
    return {
        "f": view,
        "step": START_STEP,
        "settings": form.sections[""].parts,
        "triggers": list(_reasons(settings, addresses)),
        "trigger_kinds": [
            (name, kind.label, _about(kind)) for name, kind in catalog().triggers.items()
        ],
        "ways": settings.ways,
        "kinds": groups(),
    }


def trigger_summary(settings: Settings, name: str) -> str:
    """One trigger in words, "" for one that cannot be read."""
    found = settings.read.triggers.get(name)
    said = found.summary() if found else ""
    return "" if found is not None and said == found.label else said


def _reasons(settings: Settings, addresses: Mapping[str, str]) -> list[Reason]:
    form = settings.form
    raw = form.sections[""].raw.get("triggers")
    found = raw if isinstance(raw, dict) else {}
    made = []
    for name, entry in found.items():
        kind_name = str(entry.get("type")) if isinstance(entry, dict) else ""
        kind: type[Trigger] | None = catalog().triggers.get(kind_name)
        bare = isinstance(entry, dict) and not entry.keys() - {"type"}
        base = pointer("triggers", name)
        made.append(
            Reason(
                id=name,
                icon=_SIGNS.get(kind_name, "zap"),
                label=kind.label if kind else kind_name or name,
                about=_about(kind) if kind else "",
                summary=trigger_summary(settings, name),
                section=form.sections.get(name),
                removal=json.dumps([{"do": "delete_trigger", "trigger": name}]),
                address=addresses.get(name, ""),
                open=len(found) == 1 or bare or any(at.startswith(base) for at in form.errors),
            )
        )
    return made


def webhooks_in(settings: Settings) -> list[str]:
    """The triggers that have an address of their own."""
    return [name for name, one in settings.read.triggers.items() if trigger_kind(one) == "webhook"]


def _about(kind: type) -> str:
    """What a kind does, in its own words."""
    return " ".join((inspect.getdoc(kind) or "").replace("`", "").split())
