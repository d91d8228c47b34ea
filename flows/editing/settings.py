"""Settings, each by its place in the document.

Rule: what could be read stays readable: a value that does not fit is refused with the sentence of
its schema, and the place it belongs to. What could not be read may be mended bit by bit.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from msgspec import Struct

from flows.changed import setting_words
from flows.editing.adding import refuse_unreadable
from flows.editing.changes import Edit
from flows.editing.working import START_STEP, EditRefused, Working, short
from flows.pointers import NoSuchPlaceError, parts_of, put, take
from flows.step import Exit

ABOUT_ALL = ("name", "description", "language", "over_budget", "entry", "exit_rules")
DEEPEST = 40  # parts of a pointer; conditions are twenty levels deep
_INSIDE = 3  # parts of a pointer to a setting: /steps/<id>/<setting>
_OTHERWISE = {
    "type": "The kind of a step cannot be changed. Delete it and add another one.",
    "at": "A step is moved on the canvas.",
    "next": "Lines are drawn by connecting steps.",
}


def edit(work: Working, change: Edit) -> str:
    """Set or take away what stands at a place."""
    try:
        parts = parts_of(change.place)
        if len(parts) > DEEPEST:
            raise EditRefused("This is nested too deeply.", place=change.place)
        if parts[0] in ("steps", "triggers") and len(parts) >= _INSIDE and parts[1]:
            return _edit_entry(work, change, parts)
        if parts[0] in ABOUT_ALL:
            return _edit_frame(work, change, parts)
    except NoSuchPlaceError:
        said = "What was to be changed is not there any more."
        raise EditRefused(said, _step_at(change.place), change.place, gone=True) from None
    raise EditRefused("This cannot be set.", place=change.place)


def _edit_entry(work: Working, change: Edit, parts: list[str]) -> str:
    if parts[0] == "triggers":
        return _edit_trigger(work, change, parts)
    _, step_id, setting, *_ = parts
    removes = change.value is msgspec.UNSET
    if setting in _OTHERWISE and not (removes and setting in ("next", "at")):
        raise EditRefused(_OTHERWISE[setting], step_id, change.place)
    work.entry(step_id)
    before = work.read(step_id)
    exits = () if before is None else before.exits()
    entry = work.change(step_id)
    _write(entry, parts[2:], change)
    after = work.read(step_id)
    if before is not None and after is None:
        problems = work.catalog.entry_problems("steps", step_id, entry)
        refuse_unreadable(problems, step_id, change.place)
    if after is not None:
        _follow_exits(work, step_id, exits, after.exits())
    if setting == "name" and isinstance(change.value, str) and change.value:
        was = before.name or before.label if before else step_id
        return f"Rename {was} to “{short(change.value)}”"
    kind = after or before
    return f"Edit {work.title(step_id)}: {_word(setting, type(kind) if kind else None)}"


def _edit_trigger(work: Working, change: Edit, parts: list[str]) -> str:
    _, name, setting, *_ = parts
    triggers = work.document.get("triggers")
    entry = triggers.get(name) if isinstance(triggers, dict) else None
    if not isinstance(triggers, dict) or not isinstance(entry, dict):
        said = "This trigger is not there any more: somebody removed it."
        raise EditRefused(said, START_STEP, change.place, gone=True)
    if setting == "type":
        said = "The kind of a trigger cannot be changed. Remove it and add another one."
        raise EditRefused(said, START_STEP, change.place)
    readable = not work.catalog.entry_problems("triggers", name, entry)
    entry = copy.deepcopy(entry)
    _write(entry, parts[2:], change)
    if readable:
        problems = work.catalog.entry_problems("triggers", name, entry)
        refuse_unreadable(problems, START_STEP, change.place)
    work.document["triggers"] = {**triggers, name: entry}
    kind = work.catalog.triggers.get(str(entry.get("type")))
    return f"Edit trigger {kind.label if kind else name}: {_word(setting, kind)}"


def _edit_frame(work: Working, change: Edit, parts: list[str]) -> str:
    document = work.document
    before = {one.field for one in work.catalog.frame_problems(document)}
    if parts[0] in document:
        document[parts[0]] = copy.deepcopy(document[parts[0]])
    _write(document, parts, change)
    wrong = [one for one in work.catalog.frame_problems(document) if one.field not in before]
    refuse_unreadable(wrong, START_STEP, change.place)
    if parts[0] == "name":
        return f"Rename the automation to “{short(str(change.value))}”"
    return {
        "entry": "Edit who may enter",
        "exit_rules": "Edit exit rules",
        "over_budget": "Edit what happens over budget",
    }.get(parts[0], f"Edit {parts[0]}")


def _follow_exits(
    work: Working, step_id: str, before: tuple[Exit, ...], after: tuple[Exit, ...]
) -> None:
    """An exit that got another name keeps its line; lines of exits that are gone go with them."""
    old, new = [one.name for one in before], [one.name for one in after]
    gone = [name for name in old if name not in new]
    fresh = [name for name in new if name not in old]
    renamed = len(gone) == len(fresh) == 1 and old.index(gone[0]) == new.index(fresh[0])
    ways = work.next_of(step_id)
    for name in gone:
        if name in ways:
            work.lead(step_id, name, None)
            if renamed:
                work.lead(step_id, fresh[0], ways[name])


def _write(holder: Any, parts: list[str], change: Edit) -> None:
    if change.value is msgspec.UNSET:
        take(holder, parts)
    else:
        put(holder, parts, copy.deepcopy(change.value))


def _step_at(place: str) -> str:
    section, _, rest = place.removeprefix("/").partition("/")
    return rest.split("/")[0] if section == "steps" else START_STEP


def _word(setting: str, kind: type[Struct] | None) -> str:
    return setting_words(kind, setting)[0] if kind else short(setting.replace("_", " "))
