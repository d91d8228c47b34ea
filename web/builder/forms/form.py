"""The form of a step or of the start card: its parts, what is wrong with them, what may be named.

Rule: it is made of the raw document, so that a step that cannot be read can be mended in its form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from engine.kinds import catalog
from flows.document import AnyFlow, Flow
from flows.problems import Problem, pointer
from flows.step import Step
from flows.trigger import Trigger
from web.builder.cards import START_STEP
from web.builder.drawing import titles
from web.builder.forms import conditions
from web.builder.forms import template as templates
from web.builder.forms.around import Around
from web.builder.forms.conditions import Node
from web.builder.forms.part import Part, parts_of
from web.builder.forms.variables import (
    Group,
    Variable,
    by_path,
    example_data,
    groups_of,
    steps_before,
)

COMMON = frozenset(("name", "next", "at", "note"))  # drawn by the panel itself
ABOUT_ALL = ("entry", "exit_rules", "language", "over_budget", "description")
_NOT_ABOUT_ALL = frozenset(("spec", "name", "triggers", "start", "steps", "start_at"))
_FLOW: Any = Flow[Any, Any]


class Section(Struct, kw_only=True):
    """Settings that stand together: a step's own, one trigger's, or those about all. `base` is
    their place below the form's root, `raw` what they are. `every` are all parts there can be,
    `parts` those that are asked for now.
    """

    base: str
    raw: dict[str, Any]
    defs: Mapping[str, Any] = {}
    parts: list[Part] = []
    every: list[Part] = []


class Form(Struct, kw_only=True):
    """What the panel draws. `root` is the place in the document that pointers start from."""

    step: str
    root: str
    sections: dict[str, Section] = {}
    groups: list[Group] = []
    variables: dict[str, Variable] = {}
    nodes: dict[str, Node | None] = {}
    choices: list[tuple[str, str]] = []
    errors: dict[str, list[Problem]] = {}
    around: Around
    editable: bool = True
    language: str = "en"

    @property
    def parts(self) -> list[Part]:
        """The parts of all sections."""
        return [part for section in self.sections.values() for part in section.parts]

    def find(self, place: str) -> tuple[Section, Part] | None:
        """The section and the part of it that is, or holds, this place."""
        for section in self.sections.values():
            for part in section.parts:
                if place == part.pointer or place.startswith(f"{part.pointer}/"):
                    return section, part
        return None

    def slots(self) -> Iterator[str]:
        """Every place under which a problem can be told."""
        for part in self.parts:
            for one in part.walk():
                yield one.pointer
                for node in _nodes(self.nodes.get(one.pointer)):
                    if node.pointer != one.pointer:
                        yield node.pointer

    def shape(self, part: Part) -> tuple[Any, ...]:
        """What must be equal for two drawings of a part to have the same fields."""
        inner = [one.pointer for one in part.walk() if one.input == "condition"]
        made = [node.shape() if (node := self.nodes.get(one)) else None for one in inner]
        return part.shape(), tuple(made)


def step_form(document: Mapping[str, Any], step: str, around: Around, flow: Read) -> Form | None:
    """The form of one step; None for one that is not there, or whose kind is not known."""
    entries = document.get("steps")
    raw = entries.get(step) if isinstance(entries, dict) else None
    kind = catalog().steps.get(str(raw.get("type"))) if isinstance(raw, dict) else None
    if kind is None or not isinstance(raw, dict):
        return None
    schema = catalog().kind_schema(kind)
    root = pointer("steps", step)
    parts = parts_of(schema, raw, COMMON, wrong=_wrong(flow.problems, root))
    section = Section(base="", raw=raw, defs=schema["$defs"], parts=parts)
    section.every = section.parts
    wanted = templates.chosen(raw, section.parts)
    if wanted is not None:
        section.parts = templates.adapt(section.parts, _wants(around, *wanted))
    made = Form(step=step, root=root, sections={"": section}, around=around)
    return _furnished(made, document, flow, steps_before(step, _ways(entries)))


def _wants(around: Around, name: str, language: str) -> templates.Wants | None:
    """What the chosen template wants; nothing before one is chosen, None for one nobody knows."""
    if not name:
        return templates.Wants()
    found = around.find_template(name, language)
    return None if found is None else templates.wants_of(found)


def start_form(document: Mapping[str, Any], around: Around, flow: Read) -> Form:
    """The form of the start card: triggers, who may enter, what ends a run, language."""
    made = Form(step=START_STEP, root="", around=around)
    raw = dict(document)
    schema = catalog().kind_schema(_FLOW)
    wrong = _wrong(flow.problems, "")
    parts = parts_of(schema, raw, _NOT_ABOUT_ALL, wrong=wrong)
    parts.sort(key=lambda one: ABOUT_ALL.index(one.name) if one.name in ABOUT_ALL else 99)
    made.sections[""] = Section(base="", raw=raw, defs=schema["$defs"], parts=parts)
    triggers = document.get("triggers")
    for name, entry in triggers.items() if isinstance(triggers, dict) else ():
        kind = catalog().triggers.get(str(entry.get("type"))) if isinstance(entry, dict) else None
        if kind is None or not isinstance(entry, dict):
            continue
        base = pointer("triggers", name)
        own = catalog().kind_schema(kind)
        parts = parts_of(own, entry, base=base, wrong=wrong)
        made.sections[name] = Section(base=base, raw=entry, defs=own["$defs"], parts=parts)
    return _furnished(made, document, flow, set())


class Read(Struct, frozen=True):
    """A document as far as it can be read, with its problems."""

    flow: AnyFlow | None
    problems: list[Problem]
    steps: dict[str, Step]
    triggers: dict[str, Trigger]
    titles: dict[str, str]


def read_document(document: Mapping[str, Any], around: Around) -> Read:
    """The document, checked."""
    flow, problems = catalog().check(document, around.known)
    return _read(document, flow, problems)


def _read(document: Mapping[str, Any], flow: AnyFlow | None, problems: list[Problem]) -> Read:
    entries, started = document.get("steps"), document.get("triggers")
    entries = entries if isinstance(entries, dict) else {}
    steps = dict(flow.steps) if flow else _readable(entries, catalog().steps)
    triggers = dict(flow.triggers) if flow else _readable(started, catalog().triggers)
    return Read(flow, problems, steps, triggers, titles(entries, steps))


def _readable(entries: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        kind = kinds.get(str(entry.get("type"))) if isinstance(entry, dict) else None
        if kind is None:
            continue
        try:
            found[name] = msgspec.convert(entry, kind)
        except (msgspec.ValidationError, RecursionError, ValueError):
            continue
    return found


def _furnished(made: Form, document: Mapping[str, Any], flow: Read, before: set[str]) -> Form:
    """The form with all that its parts offer, and its problems where they are."""
    for part in made.parts:
        for one in part.walk():
            _offer_options(one, flow, before)
    made.groups = groups_of(made.around.fields, flow.triggers, flow.steps, flow.titles, before)
    made.variables = by_path(made.groups)
    made.choices = list(flow.titles.items())
    language = document.get("language")
    made.language = language if isinstance(language, str) else "en"
    for part in made.parts:
        for one in part.walk():
            if one.input == "condition":
                made.nodes[one.pointer] = conditions.tree(one.value, one.pointer, made.variables)
    made.errors = _placed(made, flow.problems)
    return made


def _offer_options(entry: Part, flow: Read, before: set[str]) -> None:
    """Where an entry names options of a message, those of that message to choose from."""
    for one in entry.parts:
        beside = one.schema.get("x-options-of", "")
        named = next((other.value for other in entry.parts if other.name == beside), None)
        if not any(other.name == beside for other in entry.parts):
            continue  # words of another kind
        steps = [named] if named else sorted(before)
        offered = {
            option: label or option
            for step in steps
            if step in flow.steps
            for option, label in flow.steps[step].offers()
        }
        values = one.value if isinstance(one.value, list) else []
        known = {str(value): str(value) for value in values} | offered
        if not offered:
            continue
        one.input, one.label, one.hint = "choices", "Options", ""
        one.options = tuple(known.items())


def _wrong(problems: Sequence[Problem], root: str) -> frozenset[str]:
    """The places below `root` at which something is wrong."""
    fields = (one.field for one in problems)
    return frozenset(
        one.removeprefix(root) for one in fields if not root or one.startswith(f"{root}/")
    )


def _placed(form: Form, problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """Problems by the nearest place of the form that shows them; "" for the form as a whole."""
    places = {one.where: one.pointer for part in form.parts for one in part.walk()}
    places |= {slot: slot for slot in form.slots()}
    found: dict[str, list[Problem]] = {}
    for one in problems:
        inside = one.field == form.root or one.field.startswith(f"{form.root}/")
        if not inside or (form.step == START_STEP and not _of_start(one.field)):
            continue
        at = one.field.removeprefix(form.root)
        while at and at not in places and not at.startswith("/next/"):
            at = at.rpartition("/")[0]
        found.setdefault(places.get(at, at), []).append(one)
    return found


def _of_start(field: str) -> bool:
    return field.startswith("/triggers") or field.split("/")[1:2][0:1] in (
        [name] for name in (*ABOUT_ALL, "start")
    )


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield node
        for one in node.nodes:
            yield from _nodes(one)


def _ways(entries: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step, entry in entries.items() if isinstance(entries, dict) else ():
        ways = entry.get("next") if isinstance(entry, dict) else None
        targets = ways.values() if isinstance(ways, dict) else ()
        found[step] = [one for one in targets if isinstance(one, str)]
    return found


def example_values(flow: Read) -> dict[str, Any]:
    """What an example run has found: what a trigger tells, and an answer from each step."""
    answers = {
        step_id: next((one for one, _ in step.offers()), "…")
        for step_id, step in flow.steps.items()
        if any(True for _ in step.gives())
    }
    return {**example_data(flow.triggers), "answers": answers}
