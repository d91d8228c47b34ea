"""What texts and conditions of one automation may name, in groups and in people's words. PURE.

Rule: the menu offers what a run can really find: what people have, what started it, what earlier
steps were told. Anything else can still be typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from flows.contact import Contact, FieldKind
from flows.fields import number
from flows.scenario import SOMEBODY
from flows.step import Step
from flows.trigger import Trigger
from flows.values import CHOICES

Choices = tuple[tuple[str, str], ...]
DEEPEST = 4  # levels of what a trigger tells that the menu goes down
_THEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # of a trigger's example; any moment does
_KINDS: Mapping[FieldKind, str] = {
    "text": "text",
    "number": "number",
    "yes_no": "choice",
    "date": "date",
    "moment": "date",
    "choice": "text",
}
_YES_NO: Choices = (("yes", "Yes"), ("no", "No"))
_PERSON = (
    *(("contact.first_name", "First name", "text"), ("contact.last_name", "Last name", "text")),
    *(("contact.name", "Name", "text"), ("contact.phone", "Phone number", "text")),
    *(("contact.email", "E-mail address", "text"), ("contact.tags", "Tags", "list")),
    *(("contact.lists", "Lists", "list"), ("contact.consent", "Consent to marketing", "choice")),
    *(("contact.language", "Language", "text"), ("contact.country", "Country", "text")),
    *(
        ("contact.last_message", "Last message", "text"),
        ("contact.last_seen", "Last wrote", "date"),
    ),
    *(("contact.last_written_to", "Last written to", "date"),),
    *(("contact.created", "Known since", "date"), ("contact.blocked", "Blocked", "choice")),
    *(("contact.handed_over", "With a person", "choice"), ("contact.zone", "Time zone", "text")),
)
_HOUSE = (
    *(("company.name", "Company", "text"), ("company.open", "Company is open", "choice")),
    *(("company.weekday", "Day of the week, at the company", "choice"),),
    *(("company.time", "Time, at the company", "date"), ("company.holiday", "Holiday", "text")),
    *(("window.open", "Free messages are allowed", "choice"),),
    *(("now.date", "Today", "date"), ("now.time", "Time, for the contact", "date")),
    *(("now.weekday", "Day of the week, for the contact", "choice"),),
)


class Variable(Struct, frozen=True):
    """A value by its dotted `path`. `kind`: text, number, date, list, choice; "" is not known."""

    path: str
    label: str
    kind: str = ""
    choices: Choices = ()


class Group(Struct, frozen=True):
    """Values that belong together."""

    label: str
    variables: tuple[Variable, ...]


class Field(Struct, frozen=True):
    """A field that the company defined for its contacts."""

    key: str
    label: str
    kind: FieldKind
    options: tuple[str, ...] = ()


def groups_of(
    fields: Sequence[Field],
    triggers: Mapping[str, Trigger],
    steps: Mapping[str, Step],
    titles: Mapping[str, str],
    before: AbstractSet[str],
) -> list[Group]:
    """All groups that have something in them; of steps only those in `before`."""
    found = [
        Group("Contact", tuple(_fixed(_PERSON))),
        Group("Fields of the contact", tuple(_own(fields))),
        Group("What started it", tuple(_told(triggers))),
        Group("Earlier answers", tuple(_answers(steps, titles, before))),
        Group("Company and time", tuple(_fixed(_HOUSE))),
    ]
    return [one for one in found if one.variables]


def by_path(groups: Sequence[Group]) -> dict[str, Variable]:
    """The same by path."""
    return {one.path: one for group in groups for one in group.variables}


def example_data(triggers: Mapping[str, Trigger]) -> dict[str, Any]:
    """What a run would find when one of the triggers started it; the first that tells it wins."""
    found: dict[str, Any] = {}
    for name, trigger in triggers.items():
        match = trigger.matches(trigger.sample(1, name), _somebody(), _THEN)
        for key, value in (match.data if match else {}).items():
            found.setdefault(key, value)
    return found


def steps_before(step: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    """The steps from which a line leads to `step`, at once or by others."""
    back: dict[str, list[str]] = {}
    for one, targets in ways.items():
        for target in targets:
            back.setdefault(target, []).append(one)
    seen: set[str] = set()
    todo = [step]
    while todo:
        for one in back.get(todo.pop(), ()):
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return seen


def _somebody() -> Contact:
    return SOMEBODY


def _fixed(rows: Sequence[tuple[str, str, str]]) -> Iterator[Variable]:
    for path, label, kind in rows:
        choices = tuple((one, one.capitalize()) for one in CHOICES.get(path, ()))
        yield Variable(path, label, kind, choices)


def _own(fields: Sequence[Field]) -> Iterator[Variable]:
    for one in fields:
        choices = _YES_NO if one.kind == "yes_no" else tuple((each, each) for each in one.options)
        yield Variable(f"contact.fields.{one.key}", one.label, _KINDS[one.kind], choices)


def _told(triggers: Mapping[str, Trigger]) -> Iterator[Variable]:
    for key, value in example_data(triggers).items():
        yield from _inside(key, value, 1)


def _inside(path: str, value: Any, depth: int) -> Iterator[Variable]:
    label = path.replace(".", " ").replace("_", " ")
    label = label[:1].upper() + label[1:]
    if isinstance(value, Mapping):
        if depth < DEEPEST:
            for key, inner in value.items():
                yield from _inside(f"{path}.{key}", inner, depth + 1)
    elif isinstance(value, list):
        yield Variable(path, label, "list")
    else:
        is_number = path.endswith(("total", "count")) and number(value) is not None
        yield Variable(path, label, "number" if is_number else "")


def _answers(
    steps: Mapping[str, Step], titles: Mapping[str, str], before: AbstractSet[str]
) -> Iterator[Variable]:
    for step_id, step in steps.items():
        if step_id not in before:
            continue
        offered = tuple((one, label or one) for one, label in step.offers())
        for path, words in step.gives():
            name = f"answers.{step_id}.{path}" if path else f"answers.{step_id}"
            called = f"{titles.get(step_id, step_id)}: {words}"
            yield Variable(name, called, "choice" if offered and not path else "", offered)
