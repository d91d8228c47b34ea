"""All kinds there are: found in a folder, turned into JSON Schema, used to read documents.

Rule: every problem of a document is reported at once, each with its step and field.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, TypeVar, Union

import msgspec
from jsonschema import Draft202012Validator

from flows import migrations
from flows.document import AnyFlow, Flow
from flows.explain import Place, explain, nearest, validator_of
from flows.issues import Known, certain_issues, issues
from flows.problems import Problem, pointer
from flows.step import Step
from flows.trigger import Trigger

K = TypeVar("K")
REMEMBERED = 10_000  # entries whose complaints are kept: some megabytes, ten of the largest flows


class Refused(Exception):  # noqa: N818  it reads as what happened
    """A document that cannot be used; `problems` has at least one error."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        errors = [str(problem) for problem in problems if problem.severity == "error"]
        super().__init__("\n".join(errors))


def find_kinds(package: ModuleType, base: type[K]) -> dict[str, type[K]]:
    """All subclasses of `base` in the modules of `package`, by file name.

    Raises TypeError for a file that holds no kind, or one whose tag is not the file's name.
    """
    kinds: dict[str, type[K]] = {}
    for found in pkgutil.iter_modules(package.__path__):
        if found.ispkg or found.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        own = [
            thing
            for thing in vars(module).values()
            if isinstance(thing, type) and issubclass(thing, base)
            if thing.__module__ == module.__name__ and _tag(thing) == found.name
        ]
        if len(own) != 1:
            message = f"{module.__name__} must hold one {base.__name__} tagged “{found.name}”"
            raise TypeError(message)
        kinds[found.name] = own[0]
    return kinds


def _tag(kind: type) -> str | None:
    config = getattr(kind, "__struct_config__", None)
    return getattr(config, "tag", None)


class Catalog:
    """The kinds of one installation. Making one is cheap; schemas are built when first needed."""

    def __init__(
        self, steps: Mapping[str, type[Step]], triggers: Mapping[str, type[Trigger]]
    ) -> None:
        self.steps = dict(steps)
        self.triggers = dict(triggers)

    @cached_property
    def flow_type(self) -> Any:
        """`Flow` over exactly these kinds, for msgspec."""
        steps: Any = Union[tuple(self.steps.values())]  # noqa: UP007  built at run time
        triggers: Any = Union[tuple(self.triggers.values())]  # noqa: UP007
        return Flow[steps, triggers]

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of a whole document."""
        return msgspec.json.schema(self.flow_type)

    def kind_schema(self, kind: type) -> dict[str, Any]:
        """JSON Schema of one step or trigger kind, for forms and checks."""
        (schema,), components = msgspec.json.schema_components(
            [kind], ref_template="#/$defs/{name}"
        )
        return {**schema, "$defs": components}

    def read(self, raw: object, known: Known | None = None) -> AnyFlow:
        """The flow of a decoded JSON document. Raises Refused when it has errors."""
        flow, problems = self.check(raw, known)
        if flow is None or any(problem.severity == "error" for problem in problems):
            raise Refused(problems)
        return flow

    def decode(self, raw: object) -> AnyFlow:
        """A document that was checked before (a stored revision), without checking it again."""
        flow: AnyFlow = msgspec.convert(migrations.migrate(raw), self.flow_type)
        return flow

    def check(
        self, raw: object, known: Known | None = None
    ) -> tuple[AnyFlow | None, list[Problem]]:
        """The flow (None when its shape is wrong) and all problems, errors first."""
        if not isinstance(raw, dict):
            return None, [Problem("error", "The document must be a JSON object.")]
        try:
            document: dict[str, Any] = migrations.migrate(raw)
        except migrations.UnknownSpecError as error:
            return None, [Problem("error", str(error), "/spec")]
        problems = list(self._shape(document))
        if problems:
            return None, problems + self._besides(document, problems, known)
        try:
            flow = self.decode(document)
        except msgspec.ValidationError as error:  # beyond what JSON Schema can say
            return None, [Problem("error", f"{error}.")]
        found = issues(flow, known)
        order = ("error", "warning", "hint")
        return flow, sorted(found, key=lambda problem: order.index(problem.severity))

    def entry_problems(
        self, section: Literal["steps", "triggers"], name: str, entry: object
    ) -> list[Problem]:
        """What keeps one step or trigger from being read; nothing when it can be."""
        kinds: Mapping[str, type] = self.steps if section == "steps" else self.triggers
        found = list(self._told_of(section, name, entry, kinds))
        if not found and isinstance(entry, dict):
            try:
                msgspec.convert(entry, kinds[entry["type"]])
            except msgspec.ValidationError as error:  # beyond what JSON Schema can say
                found.append(Problem("error", f"{error}.", pointer(section, name), name))
        return found

    def frame_problems(self, raw: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with a document around its steps and triggers."""
        return list(explain(self._envelope, {**raw, "steps": {}, "triggers": {}}, Place()))

    def _shape(self, raw: Mapping[str, Any]) -> Iterator[Problem]:
        yield from explain(self._envelope, raw, Place())
        for section, kinds in (("triggers", self.triggers), ("steps", self.steps)):
            entries = raw.get(section, {})
            if not isinstance(entries, dict):
                continue  # the envelope has said so
            for name, entry in entries.items():
                yield from self._told_of(section, str(name), entry, kinds)

    def _besides(
        self, document: Mapping[str, Any], wrong: list[Problem], known: Known | None
    ) -> list[Problem]:
        """What else is wrong, among the entries whose own shape is right."""
        places = {"/".join(problem.field.split("/")[:3]) for problem in wrong}
        readable: dict[str, Any] = {"name": "Readable"}
        unread: set[str] = set()
        for section in ("triggers", "steps"):
            entries = document.get(section)
            entries = entries if isinstance(entries, dict) else {}
            readable[section] = {
                name: entry
                for name, entry in entries.items()
                if pointer(section, name) not in places
            }
            if section == "steps":
                unread = entries.keys() - readable[section].keys()
        if "/start" not in places:
            readable["start"] = document.get("start")
        try:
            flow = self.decode(readable)
        except msgspec.ValidationError:  # the keys themselves, which the frame's check has told
            return []
        return certain_issues(flow, known, unread)

    def _told_of(
        self, section: str, name: str, entry: object, kinds: Mapping[str, type]
    ) -> Iterable[Problem]:
        """The complaints about an entry, remembered by its content: of a draft that is edited, all
        steps but one are what they were a moment ago, and JSON Schema takes its time.
        """
        try:
            key = (section, name, msgspec.json.encode(entry))
        except (TypeError, ValueError, OverflowError, RecursionError):  # nothing JSON can hold
            return self._entry(section, name, entry, kinds)
        told = self._remembered.get(key)
        if told is None:
            told = tuple(self._entry(section, name, entry, kinds))
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = told
        return told

    @cached_property
    def _remembered(self) -> dict[tuple[str, str, bytes], tuple[Problem, ...]]:
        return {}

    def _entry(
        self, section: str, name: str, entry: object, kinds: Mapping[str, type]
    ) -> Iterator[Problem]:
        place = Place(name, (section, name))
        where = pointer(section, name)
        if not isinstance(entry, dict):
            yield Problem("error", "This must be an object.", where, name)
            return
        kind = entry.get("type")
        if not isinstance(kind, str) or kind not in kinds:
            said = f"“{kind}” is not a kind of {section[:-1]}." if kind else "It has no “type”."
            todo = nearest(str(kind), kinds) if kind else f"Choose one of {', '.join(kinds)}."
            yield Problem("error", said, where + "/type", name, todo)
            return
        yield from explain(self._validator(kinds[kind]), entry, place)

    @cached_property
    def _validators(self) -> dict[type, Draft202012Validator]:
        return {}

    def _validator(self, kind: type) -> Draft202012Validator:
        if kind not in self._validators:
            self._validators[kind] = validator_of(self.kind_schema(kind))
        return self._validators[kind]

    @cached_property
    def _envelope(self) -> Draft202012Validator:
        """The document without its entries, which are checked one by one for better words."""
        return validator_of(self.kind_schema(Flow[Any, Any]))
