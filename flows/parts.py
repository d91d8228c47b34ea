"""What differs between two documents, part by part, and how to go from one to the other.

Rule: parts are JSON pointers to the smallest object or value that differs. A part that is in one
of the two only is added or taken away, so `before` and `after` together lead both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flows.pointers import parts_of
from flows.problems import pointer

Parts = dict[str, Any]


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Parts, Parts]:
    """`{pointer: value}` of all that differs: as it was, and as it is."""
    was: Parts = {}
    now: Parts = {}
    for path, old, new in _walk(before, after, ()):
        where = pointer(*path)
        if old is not _ABSENT:
            was[where] = old
        if new is not _ABSENT:
            now[where] = new
    return was, now


def with_parts(document: Mapping[str, Any], was: Parts, now: Parts) -> dict[str, Any]:
    """`document`, in which parts stand as in `was`, with them as in `now`. What such a part hangs
    on and that is not there is left out.
    """
    made = dict(document)
    own: set[int] = {id(made)}
    for where in {**was, **now}:
        *path, last = parts_of(where)
        holder = made
        for part in path:
            inner = holder.get(part)
            if not isinstance(inner, dict):
                break
            if id(inner) not in own:
                inner = holder[part] = dict(inner)
                own.add(id(inner))
            holder = inner
        else:
            if where in now:
                holder[last] = now[where]
            else:
                holder.pop(last, None)
    return made


_ABSENT: Any = object()


def _walk(
    before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for key in {**before, **after}:
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if _same(old, new):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _walk(old, new, (*path, key))
        else:
            yield (*path, key), old, new


def _same(old: Any, new: Any) -> bool:
    """Equal as JSON: `1`, `1.0` and `true` are three things, at any depth."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)
