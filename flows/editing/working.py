"""A document while it is being changed.

Rule: copy on write. What a change touches is copied first; all else is shared with the document
that was given, so that one change of a thousand steps costs what it changes.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from flows.catalog import Catalog
from flows.pointers import parts_of
from flows.step import Exit, Step

START_STEP = "@start"
START_EXIT = "start"
MOST_STEPS = 1000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBERED = re.compile(r"(.*?)_\d+", re.DOTALL)
_LONGEST = 80  # letters of a name; what the form of a step allows
_ROOM = 58  # letters of an id, so that a number still fits behind
UNREADABLE = (
    "The steps of this automation cannot be read, so they cannot be changed here. Repair its "
    "document under ⋯, “Edit as JSON”."
)


class EditRefused(Exception):  # noqa: N818  it reads as what happened
    """A change that is not made. `sentence` is for people, `step` the step concerned, `place` a
    JSON pointer to what is wrong; `gone` when it names something that is not there any more.
    """

    def __init__(
        self, sentence: str, step: str = "", place: str = "", *, gone: bool = False
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.step = step
        self.place = place
        self.gone = gone


class Working:
    """`taken` are ids that no new step may get, beside those of the document itself; `cut` are
    steps that were in it a moment ago.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        catalog: Catalog,
        taken: AbstractSet[str] = frozenset(),
        cut: Mapping[str, Any] | None = None,
    ) -> None:
        found = document.get("steps", {})
        if not isinstance(found, dict):
            raise EditRefused(UNREADABLE, place="/steps")
        self.catalog = catalog
        self.document = dict(document)
        self.steps: dict[str, Any] = dict(found)
        self.taken = set(taken)
        self.cut = cut or {}
        self.made: list[str] = []
        self._own: set[str] = set()
        self._read: dict[str, Step | None] = {}

    def finished(self) -> dict[str, Any]:
        """The document as it is now."""
        if self.steps or "steps" in self.document:
            self.document["steps"] = self.steps
        return self.document

    # --- reading -------------------------------------------------------------------------------

    def entry(self, step_id: str) -> Any:
        """The raw step. Raises EditRefused when it is not there any more."""
        if step_id not in self.steps:
            said = f"“{short(step_id)}” is not there any more: somebody deleted it."
            raise EditRefused(said, step_id, gone=True)
        return self.steps[step_id]

    def read(self, step_id: str) -> Step | None:
        """The step decoded; None when it cannot be read."""
        if step_id not in self._read:
            self._read[step_id] = decoded(self.steps.get(step_id), self.catalog)
        return self._read[step_id]

    def next_of(self, step_id: str) -> dict[str, str]:
        """Where the exits of a step (or the start card) lead, as far as that can be read."""
        if step_id == START_STEP:
            start = self.document.get("start")
            return {START_EXIT: start} if isinstance(start, str) else {}
        entry = self.steps.get(step_id)
        found = entry.get("next") if isinstance(entry, dict) else None
        if not isinstance(found, dict):
            return {}
        return {name: to for name, to in found.items() if isinstance(to, str)}

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Every line: from which step, by which exit, to which step."""
        for step_id in (START_STEP, *self.steps):
            for name, to in self.next_of(step_id).items():
                yield step_id, name, to

    def exits(self, step_id: str) -> tuple[Exit, ...] | None:
        """The exits of a step or the start card; None when they are not known."""
        if step_id == START_STEP:
            return (Exit(START_EXIT, "Start", required=True),)
        step = self.read(step_id)
        return None if step is None else step.exits()

    def title(self, step_id: str) -> str:
        """What people call a step."""
        if step_id == START_STEP:
            return "Start"
        step = self.read(step_id)
        if step is not None:
            return step.name or step.label
        entry = self.steps.get(step_id)
        name = entry.get("name") if isinstance(entry, dict) else None
        return short(name if isinstance(name, str) and name else step_id)

    def exit_label(self, step_id: str, exit_name: str) -> str:
        """What people call an exit."""
        for one in self.exits(step_id) or ():
            if one.name == exit_name:
                return one.label
        return short(exit_name.replace("_", " ").capitalize())

    # --- writing -------------------------------------------------------------------------------

    def change(self, step_id: str) -> dict[str, Any]:
        """The raw step, to be changed. Raises EditRefused when it is gone or no object."""
        entry = self.entry(step_id)
        if not isinstance(entry, dict):
            said = f"“{short(step_id)}” cannot be read. Delete it, or repair the document as JSON."
            raise EditRefused(said, step_id)
        if step_id not in self._own:
            entry = self.steps[step_id] = copy.deepcopy(entry)
            self._own.add(step_id)
        self._read.pop(step_id, None)
        return entry

    def put(self, step_id: str, entry: dict[str, Any]) -> None:
        """A new step. Raises EditRefused when there are too many."""
        if len(self.steps) >= MOST_STEPS:
            raise EditRefused(f"An automation can have {MOST_STEPS:,} steps at most.")
        self.steps[step_id] = entry
        self._own.add(step_id)
        self._read.pop(step_id, None)
        self.made.append(step_id)

    def remove(self, step_id: str) -> None:
        """Take a step away; lines to it are the caller's to mend."""
        del self.steps[step_id]
        self._own.discard(step_id)
        self._read.pop(step_id, None)
        if step_id in self.made:
            self.made.remove(step_id)

    def lead(self, step_id: str, exit_name: str, to: str | None) -> None:
        """Let an exit lead to `to`, or nowhere. Whether it may is the caller's to know."""
        if step_id == START_STEP:
            if to is not None:
                self.document["start"] = to
            else:
                self.document.pop("start", None)
            return
        if to is None and exit_name not in self.next_of(step_id):
            return
        entry = self.change(step_id)
        ways = entry.get("next")
        if not isinstance(ways, dict):
            ways = entry["next"] = {}
        if to is not None:
            ways[exit_name] = to
            return
        del ways[exit_name]
        if not ways:
            del entry["next"]

    def new_id(self, wish: str) -> str:
        """A free id that reads like `wish`: itself, else with a number behind."""
        if _ID.fullmatch(wish) and self._is_free(wish):
            return wish
        numbered = _NUMBERED.fullmatch(wish)
        base = re.sub(r"[^A-Za-z0-9_-]+", "_", numbered[1] if numbered else wish)[:_ROOM] or "step"
        number = 2
        while not self._is_free(f"{base}_{number}"):
            number += 1
        return f"{base}_{number}"

    def _is_free(self, step_id: str) -> bool:
        return step_id not in self.steps and step_id not in self.taken

    def free_id(self, wanted: str) -> str:
        """`wanted` itself. Raises EditRefused when it is no id, or taken."""
        if not _ID.fullmatch(wanted):
            said = f"“{short(wanted)}” cannot be a step's id: letters, digits, “_” and “-” can."
            raise EditRefused(said)
        if wanted in self.steps:
            raise EditRefused(f"There is a step “{wanted}” already.", wanted)
        return wanted


def decoded(entry: object, catalog: Catalog) -> Step | None:
    """A raw step as its kind; None when it cannot be read."""
    tag = entry.get("type") if isinstance(entry, dict) else None
    kind = catalog.steps.get(tag) if isinstance(tag, str) else None
    if kind is None:
        return None
    try:
        return msgspec.convert(entry, kind)
    except (msgspec.ValidationError, RecursionError):
        return None


def steps_of(parts: Iterable[str]) -> list[str]:
    """The steps concerned, each once; `@start` for all that is about the whole."""
    found: dict[str, None] = {}
    for where in parts:
        path = parts_of(where)
        inside = path[0] == "steps" and len(path) > 1
        found[path[1] if inside else START_STEP] = None
    return list(found)


def short(text: str) -> str:
    """`text` as it fits in a sentence: a document may hold names of any length."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
