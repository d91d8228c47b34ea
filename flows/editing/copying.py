"""Steps once more: duplicated in place, or pasted from a clipboard.

Rule: what is copied never shares an id with what is there; references among the copies follow
them, and lines to steps that were not copied are dropped.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from flows.editing.changes import Duplicate, Paste
from flows.editing.places import corner, place_of, places, put_at, snapped
from flows.editing.working import START_STEP, EditRefused, Working, decoded, short
from flows.pointers import parts_of, put, take
from flows.secrets import open_address
from flows.step import Step

NO_STEPS = "The clipboard holds no steps of an automation."
BESIDE = 48  # pixels right of and below what was copied, and again while something stands there
Place = tuple[int, int]


def duplicate(work: Working, change: Duplicate) -> str:
    """The same steps once more, a little below."""
    chosen = [one for one in dict.fromkeys(change.steps) if one != START_STEP]
    if not chosen:
        raise EditRefused("There is only one start card.", START_STEP)
    entries = {step_id: dict(_object(work, step_id)) for step_id in chosen}
    label = f"Duplicate {_called(work.title(chosen[0]), len(chosen))}"
    _put_copies(work, entries, None)
    return label


def paste(work: Working, change: Paste) -> str:
    """Steps of the clipboard, which may come from another automation."""
    for entry in change.clip.steps.values():
        if not isinstance(entry, dict) or entry.get("type") not in work.catalog.steps:
            raise EditRefused(NO_STEPS)
    at = None if change.at is None else snapped(change.at)
    entries = {step_id: _whole(work, step_id, one) for step_id, one in change.clip.steps.items()}
    made = _put_copies(work, entries, at)
    return f"Paste {_called(work.title(made[0]), len(made))}"


def _whole(work: Working, step_id: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A step of the clipboard, which holds no secrets: those of the step it was copied or cut
    from, if that calls the same address.
    """
    source = work.steps.get(step_id, work.cut.get(step_id))
    if not isinstance(source, dict):
        return entry
    address = source.get("url")
    if not isinstance(address, str) or entry.get("url") != open_address(address):
        return entry
    known, headers = source.get("headers"), entry.get("headers")
    if not isinstance(known, dict) or not isinstance(headers, dict):
        return {**entry, "url": address}
    filled = {name: value or known.get(name, "") for name, value in headers.items()}
    return {**entry, "url": address, "headers": filled}


def _put_copies(work: Working, entries: Mapping[str, Any], at: Place | None) -> list[str]:
    ids: dict[str, str] = {}
    for step_id in entries:
        ids[step_id] = work.new_id(step_id)
        work.taken.add(ids[step_id])
    for step_id, place in _spots(work, entries, at).items():
        entry = _renamed(step_id, copy.deepcopy(dict(entries[step_id])), ids, work)
        work.put(ids[step_id], entry)
        put_at(work, ids[step_id], place)
    return list(ids.values())


def _renamed(
    own_id: str, entry: dict[str, Any], ids: Mapping[str, str], work: Working
) -> dict[str, Any]:
    """The copy of a raw step, naming the other copies by their new ids."""
    ways = entry.pop("next", None)
    kept = {
        name: ids[to]
        for name, to in (ways.items() if isinstance(ways, dict) else ())
        if isinstance(to, str) and to in ids and to != own_id
    }
    step = decoded(entry, work.catalog)
    for field, step_id in () if step is None else step.steps_named():
        if step_id in ids:
            put(entry, parts_of(field), ids[step_id])
        elif step_id not in work.steps:
            take(entry, parts_of(field))
    moved = {old: new for old, new in ids.items() if old != new}
    renamed: dict[str, Any] = _answers_renamed(entry, moved) if moved else entry
    return {**renamed, "next": kept} if kept else renamed


def _answers_renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """The same with `answers.<old id>` in texts and conditions become `answers.<new id>`."""
    match value:
        case str() if "answers." in value:
            return re.sub(
                r"(?<![\w.-])answers\.([A-Za-z0-9_-]+)",
                lambda found: f"answers.{ids.get(found[1], found[1])}",
                value,
            )
        case dict():
            return {key: _answers_renamed(one, ids) for key, one in value.items()}
        case list():
            return [_answers_renamed(one, ids) for one in value]
        case _:
            return value


def _spots(work: Working, entries: Mapping[str, Any], at: Place | None) -> dict[str, Place]:
    """Where each copy stands: as they stood to each other."""
    read: dict[str, Step] = {
        step_id: step
        for step_id, entry in entries.items()
        if (step := decoded(entry, work.catalog)) is not None
    }
    found = places({}, entries, read)
    left, top = corner(found.values())
    if at is not None:
        return {one: snapped((x - left + at[0], y - top + at[1])) for one, (x, y) in found.items()}
    used = {place_of(entry) for entry in work.steps.values()}
    away = BESIDE
    while any((x + away, y + away) in used for x, y in found.values()):
        away += BESIDE
    return {one: snapped((x + away, y + away)) for one, (x, y) in found.items()}


def _object(work: Working, step_id: str) -> dict[str, Any]:
    entry = work.entry(step_id)
    if not isinstance(entry, dict):
        raise EditRefused(f"“{short(step_id)}” cannot be read, so it cannot be copied.", step_id)
    return entry


def _called(title: str, count: int) -> str:
    return title if count == 1 else f"{count:,} steps"
