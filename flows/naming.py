"""Names inside a document that lead nowhere: steps, options, values, things listened for.

Rule: a name is only wrong when no run could ever find it; what an event may bring along is not
judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from flows.conditions import paths_in, problems_in
from flows.document import AnyFlow
from flows.explain import nearest
from flows.known import Known, field_problem, list_problem
from flows.problems import Problem, pointer
from flows.step import Step
from flows.text import read
from flows.values import NAMES

_OF_LISTS = ("list.joined", "list.left")
_OF_FIELDS = ("field.changed",)
_FIELD_SETTINGS = frozenset(("field", "save_to", "name"))  # of kinds, exit rules and listeners
_FIELDS_BY_NAME = frozenset(("save_fields", "fields"))
_NAMED = frozenset((*_OF_LISTS, *_OF_FIELDS, "tag.added", "tag.removed", "link.clicked", "custom"))


def names(flow: AnyFlow, known: Known, unread: AbstractSet[str] = frozenset()) -> Iterator[Problem]:
    """Everything the document names that does not exist. Steps in `unread` may offer anything."""
    judge = _Judge(flow, known, unread)
    yield from judge.document()
    for name, trigger in flow.triggers.items():
        for field, path in trigger.looks_at():
            yield from judge.value(path.split("."), pointer("triggers", name) + field, name)
    for step_id, step in flow.steps.items():
        yield from judge.step(step_id, step)


def uses_field(document: object, key: str) -> bool:
    """Whether a document (of any spec, right or wrong) names this field of contacts anywhere."""
    path = re.compile(rf"contact\.fields(?:\.{key}\b|\[['\"]{key}['\"]\])")
    todo: list[tuple[str, object]] = [("", document)]
    while todo:
        setting, value = todo.pop()
        if isinstance(value, dict):
            if setting in _FIELDS_BY_NAME and key in value:
                return True
            todo.extend((str(name), inner) for name, inner in value.items())
        elif isinstance(value, list):
            todo.extend((setting, inner) for inner in value)
        elif isinstance(value, str) and (
            (value == key and setting in _FIELD_SETTINGS) or path.search(value)
        ):
            return True
    return False


class _Judge:
    """Tells names that lead nowhere in one document."""

    def __init__(self, flow: AnyFlow, known: Known, unread: AbstractSet[str]) -> None:
        self.flow = flow
        self.known = known
        self.unread = unread

    def document(self) -> Iterator[Problem]:
        """Who may enter, and what ends a run."""
        condition = self.flow.entry.condition
        if condition is not None:
            for field, said in problems_in(condition, "/entry/condition"):
                yield Problem("error", said, field)
            for field, path in paths_in(condition, "/entry/condition"):
                yield from self.value(path.split("."), field, "")
        for number, rule in enumerate(self.flow.exit_rules):
            yield from self._listens(rule.on, rule.name, f"/exit_rules/{number}/name", "")

    def step(self, step_id: str, step: Step) -> Iterator[Problem]:
        """All that one step names."""
        where = pointer("steps", step_id)
        for field, named in step.steps_named():
            if named not in self.flow.steps and named not in self.unread:
                said = f"This names the step “{named}”, which does not exist."
                todo = nearest(named, self.flow.steps)
                yield Problem("error", said, where + field, step_id, todo)
        for field, named, option in step.options_named():
            if named in self.flow.steps:
                yield from self._option(named, option, where + field, step_id)
        for field, on, name in step.listens():
            yield from self._listens(on, name, where + field, step_id)
        for field, path in step.looks_at():
            yield from self.value(path.split("."), where + field, step_id)
        for field, text in step.texts():
            for parts in read(text).variables:
                yield from self.value(parts, where + field, step_id)

    def value(self, parts: Sequence[str], where: str, step_id: str) -> Iterator[Problem]:
        """A value by the parts of its path."""
        if len(parts) < 2:  # noqa: PLR2004  a root alone is always there
            return
        root, name = parts[0], parts[1]
        if root == "answers":
            if name not in self.flow.steps and name not in self.unread:
                said = f"answers.{name} is always empty: there is no step “{name}”."
                yield Problem("warning", said, where, step_id, nearest(name, self.flow.steps))
            return
        there = NAMES.get(root)
        if there is None:
            return
        if name not in there:
            said = f"{root}.{name} is always empty: there is no such value."
            yield Problem("warning", said, where, step_id, nearest(name, there))
        elif (root, name) == ("contact", "fields") and len(parts) > 2:  # noqa: PLR2004  its key
            yield from field_problem(parts[2], self.known, where, step_id)

    def _option(self, named: str, option: str, where: str, step_id: str) -> Iterator[Problem]:
        offered = [one for one, _ in self.flow.steps[named].offers()]
        if option not in offered:
            said = f"The step “{named}” offers no option “{option}”."
            todo = nearest(option, offered) if offered else "It offers none at all."
            yield Problem("error", said, where, step_id, todo)

    def _listens(self, on: str, name: str, where: str, step_id: str) -> Iterator[Problem]:
        if not name:
            return
        if on not in _NAMED:
            said = f"“{on}” has no name to look at; any counts."
            yield Problem("warning", said, where, step_id, "Take the name away.")
        elif on in _OF_LISTS:
            yield from list_problem(name, self.known, where, step_id)
        elif on in _OF_FIELDS:
            yield from field_problem(name, self.known, where, step_id)
