"""What an imported document names and this company does not have, and what to put in its place.

Rule: pure; nothing is guessed. What nobody chose stays as it was, and is told as a problem.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from flows.document import AnyFlow
from flows.issues import Known
from flows.problems import pointer
from flows.step import Reference
from flows.words import normal
from web.automations.outline import title

Choices = Mapping[str, Sequence[tuple[str, str]]]
"""By what it is: `(value, what people call it)` of those there are."""
WORDS = {
    "template": "Template",
    "automation": "Automation",
    "list": "List",
    "field": "Field",
    "user": "Colleague",
}
LEFT = {
    "template": "Leave it; it has to be made before this can be published",
    "automation": "Leave it empty for now",
    "list": "Make a new list of this name when it is first used",
    "field": "Keep the name; it can hold anything",
    "user": "Leave it; it has to be chosen before this can be published",
}
PICK = "pick/"


class Missing(Struct, frozen=True):
    """Something that is not here. `places` are JSON pointers into the document, `used_by` the
    names of the steps and triggers they lie in.
    """

    what: str
    name: str
    language: str
    used_by: tuple[str, ...]
    places: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """Under which the form tells what was picked."""
        return f"{PICK}{self.what}/{self.name}/{self.language}"

    @property
    def words(self) -> str:
        """What it is, for people."""
        return WORDS[self.what]

    @property
    def left(self) -> str:
        """What happens when nothing is picked."""
        return LEFT[self.what]


def missing_in(flow: AnyFlow, known: Known, choices: Choices) -> list[Missing]:
    """Everything outside that the document names and that is not here, each once.

    Automations are named by numbers, which mean something else in another company: every one of
    them is asked about.
    """
    found: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for place, called, one in _named(flow):
        if _is_here(one, known):
            continue
        used_by, places = found.setdefault((one.what, one.name, one.language), ([], []))
        used_by.append(called)
        places.append(place + one.field)
    order = list(WORDS)
    return [
        Missing(
            *key,
            used_by=tuple(dict.fromkeys(used_by)),
            places=tuple(places),
            choices=tuple(choices.get(key[0], ())),
        )
        for key, (used_by, places) in sorted(
            found.items(), key=lambda one: (order.index(one[0][0]), one[0][1])
        )
    ]


def replaced(
    document: Mapping[str, Any], missing: Sequence[Missing], picks: Mapping[str, str]
) -> dict[str, Any]:
    """The document with what was picked in the places of what is missing. A pick that is none of
    the choices counts as nothing; an automation nobody picked is emptied.
    """
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for one in missing:
        picked = picks.get(one.key, "")
        if picked not in {value for value, _ in one.choices}:
            picked = ""
        if not picked and one.what != "automation":
            continue
        for place in one.places:
            _put(made, place, one.name, picked, template=one.what == "template")
    return made


def _named(flow: AnyFlow) -> Iterator[tuple[str, str, Reference]]:
    for name, trigger in flow.triggers.items():
        for one in trigger.references():
            yield pointer("triggers", name), trigger.label, one
    for step_id, step in flow.steps.items():
        for one in step.references():
            yield pointer("steps", step_id), title(step), one


def _is_here(one: Reference, known: Known) -> bool:
    match one.what:
        case "template":
            return known.templates is None or (one.name, one.language) in known.templates
        case "list":
            return known.lists is None or normal(one.name) in set(map(normal, known.lists))
        case "field":
            return known.fields is None or one.name in known.fields
        case "user":
            there = known.users is None or one.name.strip().lower() in known.users
            return there or "{{" in one.name
        case "automation":
            return not one.name


def _put(document: dict[str, Any], place: str, old: str, new: str, *, template: bool) -> None:
    """Set what lies at a JSON pointer; where `old` is a key there, it is renamed."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:]]
    inside: Any = document
    for part in way:
        inside = inside[int(part)] if isinstance(inside, list) else inside[part]
    if isinstance(inside, list):
        inside[int(last)] = new
    elif template:
        inside[last], _, inside["language"] = new.rpartition("/")
    elif inside.get(last) == old:
        inside[last] = new
    elif last == old and last in inside:
        inside[new] = inside.pop(last)
