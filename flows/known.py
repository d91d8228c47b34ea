"""What exists outside a document, and whether what the document names of it is there.

Rule: what nobody told is not checked (None); what can be made on first use is only a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct

from flows.contact import BUILT_IN_FIELDS
from flows.document import AnyFlow
from flows.explain import nearest
from flows.problems import Problem, pointer
from flows.step import Reference
from flows.words import normal


class TemplateFacts(Struct, frozen=True):
    """What a check must know of a template."""

    category: str
    status: str
    variables: int
    has_stop: bool = False


class Known(Struct, frozen=True):
    """What exists outside the document. None: not known, so not checked.

    `automations` are ids, `fields` the keys of the company's own fields, `users` e-mail addresses.
    """

    templates: Mapping[tuple[str, str], TemplateFacts] | None = None
    automations: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    lists: frozenset[str] | None = None
    users: frozenset[str] | None = None


def references(flow: AnyFlow, known: Known) -> Iterator[Problem]:
    """Everything outside that triggers and steps need and that is not there as they need it."""
    for name, trigger in flow.triggers.items():
        for wanted in trigger.references():
            yield from _named(wanted, known, pointer("triggers", name) + wanted.field, name)
    marketing: list[str] = []
    way_out = False
    for step_id, step in flow.steps.items():
        for wanted in step.references():
            where = pointer("steps", step_id) + wanted.field
            if wanted.what != "template":
                yield from _named(wanted, known, where, step_id)
                continue
            if known.templates is None:
                continue
            facts = known.templates.get((wanted.name, wanted.language))
            if facts is None:
                said = f"Template “{wanted.name}” in language “{wanted.language}” does not exist."
                yield Problem("error", said, where, step_id, "Choose another one, or create it.")
                continue
            yield from _template(facts, wanted, step_id, where)
            if facts.category.lower() == "marketing":
                marketing.append(step_id)
                way_out = way_out or facts.has_stop
    if marketing and not way_out:
        yield Problem(
            "warning",
            "This is marketing, and none of its templates offers a way out.",
            pointer("steps", marketing[0]),
            marketing[0],
            "Use a template with a “Stop” button or “Reply STOP”.",
        )


def list_problem(name: str, known: Known, where: str, step_id: str) -> Iterator[Problem]:
    """A list nobody has made yet: it will be, but it may be a slip of the pen."""
    if known.lists is not None and not _among(name, known.lists):
        said = f"There is no list “{name}” yet; it is made when it is first used."
        yield Problem("hint", said, where, step_id, nearest(name, known.lists))


def field_problem(name: str, known: Known, where: str, step_id: str) -> Iterator[Problem]:
    """A field the company has not defined: it holds any text."""
    if known.fields is not None and name not in known.fields and name not in BUILT_IN_FIELDS:
        said = f"The field “{name}” is not defined; it can hold anything."
        yield Problem("hint", said, where, step_id, nearest(name, known.fields))


def _named(wanted: Reference, known: Known, where: str, step_id: str) -> Iterator[Problem]:
    match wanted.what:
        case "automation":
            if known.automations is not None and wanted.name not in known.automations:
                said = f"Automation {wanted.name} does not exist."
                yield Problem("error", said, where, step_id, "Choose another one.")
        case "user":
            if known.users is not None and wanted.name.strip().lower() not in known.users:
                said = f"Nobody here has the e-mail address {wanted.name}."
                yield Problem("error", said, where, step_id, nearest(wanted.name, known.users))
        case "list":
            yield from list_problem(wanted.name, known, where, step_id)
        case "field":
            yield from field_problem(wanted.name, known, where, step_id)
        case "template":
            return


def _among(name: str, names: AbstractSet[str]) -> bool:
    return name in names or normal(name) in map(normal, names)


def _template(
    facts: TemplateFacts, wanted: Reference, step_id: str, where: str
) -> Iterator[Problem]:
    if facts.status != "APPROVED":
        status = facts.status.lower()
        said = f"Template “{wanted.name}” is {status}; only approved ones can be sent."
        yield Problem("error", said, where, step_id)
    if wanted.variables is not None and facts.variables != wanted.variables:
        count = f"needs {facts.variables} filled in, this fills in {wanted.variables}"
        said = f"Variables of template “{wanted.name}”: it {count}."
        yield Problem("error", said, where, step_id)
