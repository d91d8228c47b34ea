"""What is said of a change: what was done, and what somebody else had done meanwhile.

Rule: pure; sentences for people, spoken politely and shown for a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.kinds import catalog
from flows.changed import setting_words, shown, value_words
from flows.editing.apply import Edited
from flows.editing.changes import Add, Change, Delete, Disconnect, Duplicate, Insert, Paste, Tidy
from flows.pointers import parts_of
from flows.step import Step
from store.drafts import Entry

_OF_A_STEP = 2  # parts of a pointer to a step; a setting's has more
_JUST_NOW = timedelta(seconds=45)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SPOKEN = (Add, Delete, Disconnect, Duplicate, Insert, Paste, Tidy)
"""Moves and connections are said by the page, which knows the way they went."""
_PAST = {
    "Add": "added",
    "Delete": "deleted",
    "Disconnect": "disconnected",
    "Duplicate": "duplicated",
    "Insert": "inserted",
    "Paste": "pasted",
}


def done(changes: Sequence[Change], edited: Edited) -> str:
    """What is announced of a change that was made; "" for what the page says itself."""
    if not edited.touched or not isinstance(changes[0], _SPOKEN):
        return ""
    verb, _, rest = edited.label.partition(" ")
    said = f"{rest} {_PAST[verb]}" if verb in _PAST else "Tidied up"
    undo = ". Undo with Control Z" if verb in ("Delete", "Tidy") else ""
    return f"{said[:1].upper()}{said[1:]}{undo}"


def overwritten(
    mine: Iterable[str],
    theirs: Sequence[tuple[Entry, str]],
    user_id: int | None,
    now: datetime,
    document: Mapping[str, Any],
) -> str:
    """What somebody else had set of the parts `mine`, newest first in `theirs`; "" for nothing.
    `document` is the draft with all that they did.
    """
    own = [parts_of(one) for one in mine if not _is_place(one)]
    for entry, author in theirs:
        if entry.user_id == user_id:
            continue
        for where in {**entry.before, **entry.after}:
            path = parts_of(where)
            near = [one for one in own if _meet(one, path)]
            if near and not _is_place(where):
                inside = max(len(one) for one in near) > _OF_A_STEP and len(path) > _OF_A_STEP
                what = _what(entry, where, document) if inside else "changed this"
                return f"{author or 'A program'} {what} {_ago(now - entry.at)}."
    return ""


def _meet(one: list[str], other: list[str]) -> bool:
    """Whether one of two places is the other, or inside it."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _is_place(where: str) -> bool:
    return where.startswith("/steps/") and where.endswith("/at")


def _what(entry: Entry, where: str, document: Mapping[str, Any]) -> str:
    if where not in entry.after:
        return "removed this"
    value = entry.after[where]
    _, step_id, setting, *_ = parts_of(where)
    if setting == "next":
        to = f" to {_title(_step(document, value), value)}" if isinstance(value, str) else ""
        return f"connected this{to}"
    kind = _kind(_step(document, step_id))
    said_as = setting_words(kind, setting)[1] if kind else ""
    return f"set this to {shown(value_words(value, said_as)) or 'nothing'}"


def _step(document: Mapping[str, Any], step_id: str) -> Mapping[str, Any]:
    steps = document.get("steps")
    found = steps.get(step_id) if isinstance(steps, dict) else None
    return found if isinstance(found, dict) else {}


def _kind(entry: Mapping[str, Any]) -> type[Step] | None:
    return catalog().steps.get(str(entry.get("type")))


def _title(entry: Mapping[str, Any], step_id: str) -> str:
    kind = _kind(entry)
    return str(entry.get("name") or (kind.label if kind else step_id))


def _ago(passed: timedelta) -> str:
    if passed < _JUST_NOW:
        return "just now"
    minutes = round(passed / timedelta(minutes=1))
    if passed < _HOUR:
        return "a minute ago" if minutes <= 1 else f"{minutes} minutes ago"
    hours = round(passed / _HOUR)
    if passed < _DAY:
        return "an hour ago" if hours == 1 else f"{hours} hours ago"
    days = round(passed / _DAY)
    return "a day ago" if days == 1 else f"{days} days ago"
