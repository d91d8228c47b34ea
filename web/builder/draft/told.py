"""What is said of a change: what was done, and what somebody else had done meanwhile.

Rule: pure; sentences for people, spoken politely and shown for a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.changed import shown, value_words
from flows.duration import duration_words, parse_duration
from flows.editing.apply import Edited
from flows.editing.changes import Add, Change, Delete, Disconnect, Duplicate, Insert, Paste, Tidy
from flows.editing.pointers import parts_of
from store.drafts import Entry

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
    titles: Mapping[str, str],
) -> str:
    """What somebody else had set of the parts `mine`, newest first in `theirs`; "" for nothing."""
    parts = [parts_of(one) for one in mine if not _is_place(one)]
    for entry, author in theirs:
        if entry.user_id == user_id:
            continue
        for where in {**entry.before, **entry.after}:
            if _is_place(where):
                continue
            path = parts_of(where)
            for own in parts:
                short = min(len(own), len(path))
                if own[:short] == path[:short]:
                    same = len(path) >= len(own) - 1 and len(own) > 2  # noqa: PLR2004
                    what = _what(entry, where, titles) if same else "changed this"
                    return f"{author or 'A program'} {what} {_ago(now - entry.at)}."
    return ""


def _is_place(where: str) -> bool:
    return where.startswith("/steps/") and where.endswith("/at")


def _what(entry: Entry, where: str, titles: Mapping[str, str]) -> str:
    if where not in entry.after:
        return "removed this"
    value = entry.after[where]
    path = parts_of(where)
    if "next" in path or path == ["start"]:
        return f"connected this to {titles.get(str(value), value)}"
    return f"set this to {shown(_words(value)) or 'nothing'}"


def _words(value: Any) -> str:
    if isinstance(value, str):
        try:
            return duration_words(parse_duration(value))
        except ValueError:
            pass
    return value_words(value)


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
