"""New steps and triggers.

Rule: a new one can be read from its first moment, and stands where nothing else stands.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from flows.editing.changes import Add, AddTrigger, DeleteTrigger, Way
from flows.editing.lines import check_exit, onward_exit, target
from flows.editing.places import below_all, beside, between, free, put_at, snapped
from flows.editing.working import START_EXIT, START_STEP, EditRefused, Working
from flows.problems import Problem, pointer
from flows.step import Step

MOST_TRIGGERS = 50
_NOT_SETTINGS = frozenset(("type", "next", "at"))


def add(work: Working, change: Add) -> str:
    """A new step of a kind, connected as asked."""
    kind = work.catalog.steps.get(change.kind)
    if kind is None:
        raise EditRefused(f"“{change.kind[:80]}” is not a kind of step.")
    way = change.onto or change.after
    if way is not None:
        check_exit(work, way.step, way.exit)
    step_id = work.free_id(change.id) if change.id is not None else work.new_id(change.kind)
    entry, step = _new(work, step_id, change, kind)
    first = not work.steps and way is None
    old = target(work, way) if way is not None else None
    place = _place(work, change, way, old, step)
    work.put(step_id, entry)
    put_at(work, step_id, place)
    if first and target(work, Way(START_STEP, START_EXIT)) is None:
        work.lead(START_STEP, START_EXIT, step_id)
    if way is not None:
        if old is not None:
            work.lead(step_id, onward_exit(work, step_id), old)
        work.lead(way.step, way.exit, step_id)
    return f"Add {work.title(step_id)}"


def add_trigger(work: Working, change: AddTrigger) -> str:
    """One more reason to start."""
    kind = work.catalog.triggers.get(change.kind)
    if kind is None:
        raise EditRefused(f"“{change.kind[:80]}” is not a kind of trigger.", START_STEP)
    triggers = _triggers(work)
    if len(triggers) >= MOST_TRIGGERS:
        said = f"An automation can have {MOST_TRIGGERS} triggers at most."
        raise EditRefused(said, START_STEP)
    name, number = change.kind, 2
    while name in triggers:
        name, number = f"{change.kind}_{number}", number + 1
    entry = {"type": change.kind, **copy.deepcopy(_settings(change.settings))}
    refuse_unreadable(work.catalog.entry_problems("triggers", name, entry), START_STEP)
    work.document["triggers"] = {**triggers, name: entry}
    work.made.append(name)
    return f"Add trigger {kind.label}"


def delete_trigger(work: Working, change: DeleteTrigger) -> str:
    """One reason less; one that is gone already is fine."""
    triggers = _triggers(work)
    entry = triggers.get(change.trigger)
    tag = entry.get("type") if isinstance(entry, dict) else None
    kind = work.catalog.triggers.get(tag) if isinstance(tag, str) else None
    if change.trigger in triggers:
        work.document["triggers"] = {
            name: one for name, one in triggers.items() if name != change.trigger
        }
    return f"Remove trigger {kind.label if kind else change.trigger}"


def refuse_unreadable(problems: list[Problem], step: str, place: str = "") -> None:
    """Raises EditRefused with the problem at `place` if there is one, else with the first."""
    if not problems:
        return
    worst = next((one for one in problems if place and one.field.startswith(place)), problems[0])
    said = " ".join(filter(None, (worst.sentence, worst.todo)))
    raise EditRefused(said, step, worst.field)


def _new(work: Working, step_id: str, change: Add, kind: type[Step]) -> tuple[dict[str, Any], Step]:
    entry = {
        "type": change.kind,
        **copy.deepcopy(dict(kind.fresh)),
        **copy.deepcopy(_settings(change.settings)),
    }
    language = work.document.get("language")
    if "language" in kind.__struct_fields__ and "language" not in entry and language:
        entry["language"] = language
    problems = work.catalog.entry_problems("steps", step_id, entry)
    if any(one.field == pointer("steps", step_id, "language") for one in problems):
        entry.pop("language")  # the document's own is no language at all
        problems = work.catalog.entry_problems("steps", step_id, entry)
    refuse_unreadable(problems, "")
    return entry, msgspec.convert(entry, kind)


def _place(
    work: Working, change: Add, way: Way | None, old: str | None, step: Step
) -> tuple[int, int]:
    if change.at is not None:
        return snapped(change.at)
    if way is None:
        return free(work, below_all(work), step)
    if old is None:
        return beside(work, way.step, step)
    return between(work, way.step, old, step)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in _NOT_SETTINGS}


def _triggers(work: Working) -> dict[str, Any]:
    found = work.document.get("triggers", {})
    if not isinstance(found, dict):
        said = "The triggers of this automation cannot be read. Repair its document as JSON."
        raise EditRefused(said, START_STEP, "/triggers")
    return found
