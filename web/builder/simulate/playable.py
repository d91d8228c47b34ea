"""A draft made ready to be played, however unfinished it is.

Rule: pure. A step that cannot be read fails the run that comes to it, in words; everything else of
the draft is played as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from engine.flowcache import Unreadable
from engine.kinds import catalog
from flows.document import AnyFlow
from flows.migrations import UnknownSpecError
from flows.problems import Problem
from flows.step import Step
from web.automations.check import errors_in

SECTIONS = ("steps", "triggers")
NO_START = "There is nothing to play yet: no step comes after Start. Add a step there first."
UNREADABLE = "The draft cannot be played, because its form is wrong: {why}"


class Playable(Struct, frozen=True):
    """What can be played of a draft. `flow` is None when nothing can, and `why` says so; `shown`
    is the flow without stand-ins for steps that cannot be read. `errors`: what publishing would
    refuse.
    """

    flow: AnyFlow | None
    shown: AnyFlow | None
    errors: list[Problem]
    why: str = ""


def playable(document: Mapping[str, Any]) -> Playable:
    """As much of `document` as can be played."""
    flow, problems = catalog().check(document)
    errors = errors_in(problems)
    broken: dict[str, str] = {}
    if flow is None:
        flow, broken = _rest(document, errors)
    if flow is None:
        why = errors[0].sentence if errors else "nobody knows why."
        return Playable(None, None, errors, UNREADABLE.format(why=why))
    if flow.start is None or flow.start not in (flow.steps.keys() | broken.keys()):
        return Playable(None, flow, errors, NO_START)
    steps: dict[str, Step] = {
        **flow.steps,
        **{
            step: Unreadable(why=f"this step cannot be read: {why}") for step, why in broken.items()
        },
    }
    return Playable(structs.replace(flow, steps=steps), flow, errors)


def _rest(
    document: Mapping[str, Any], errors: list[Problem]
) -> tuple[AnyFlow | None, dict[str, str]]:
    """The flow of everything that can be read, and what is wrong with each step that cannot."""
    wrong: dict[tuple[str, str], str] = {}
    for one in errors:
        section, _, rest = one.field.lstrip("/").partition("/")
        if section in SECTIONS and rest:
            wrong.setdefault((section, one.step), one.sentence)
    left: dict[str, Any] = dict(document)
    for section in SECTIONS:
        entries = document.get(section)
        if isinstance(entries, dict):
            left[section] = {
                name: entry for name, entry in entries.items() if (section, name) not in wrong
            }
    try:
        flow = catalog().decode(left)
    except (msgspec.ValidationError, UnknownSpecError, TypeError, ValueError):
        return None, {}
    return flow, {name: why for (section, name), why in wrong.items() if section == "steps"}
