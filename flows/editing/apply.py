"""A list of changes, made to a document.

Rule: all of them or none; whatever the document holds, nothing but EditRefused is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from flows.catalog import Catalog
from flows.editing import adding, copying, lines, places, removing, settings
from flows.editing.changes import (
    Add,
    AddTrigger,
    Change,
    Connect,
    Delete,
    DeleteTrigger,
    Disconnect,
    Duplicate,
    Edit,
    Insert,
    Move,
    Paste,
    Tidy,
)
from flows.editing.working import Working, steps_of
from flows.parts import differing

_VERBS: dict[type, Callable[[Working, Any], str]] = {
    Move: places.move,
    Connect: lines.connect,
    Disconnect: lines.disconnect,
    Insert: lines.insert,
    Add: adding.add,
    Delete: removing.delete,
    Duplicate: copying.duplicate,
    Paste: copying.paste,
    Edit: settings.edit,
    AddTrigger: adding.add_trigger,
    DeleteTrigger: adding.delete_trigger,
    Tidy: lambda work, _: places.tidy(work),
}


class Edited(Struct, frozen=True):
    """What came of it. `label` says it in words, `touched` are the steps concerned (`@start` for
    the start card), `made` the ids of new steps and triggers.
    """

    document: dict[str, Any]
    label: str
    touched: list[str]
    made: list[str]


def apply(
    document: Mapping[str, Any],
    changes: Sequence[Change],
    catalog: Catalog,
    *,
    taken: AbstractSet[str] = frozenset(),
    cut: Mapping[str, Any] | None = None,
) -> Edited:
    """`document` with `changes` made, one after the other. No new step gets an id of `taken`; `cut`
    are steps that were here a moment ago, which may come back from a clipboard.

    Raises EditRefused when one of them cannot be made.
    """
    work = Working(document, catalog, taken, cut)
    places.pin(work)
    pinned = {**work.document, "steps": dict(work.steps)}
    labels = [_VERBS[type(change)](work, change) for change in _tidied_once(changes)]
    made = work.finished()
    was, now = differing(pinned, {**made, "steps": work.steps})
    parts = {**was, **now}
    if not parts:
        return Edited(dict(document), _label(labels), [], [])
    return Edited(made, _label(labels), steps_of(parts), work.made)


def _tidied_once(changes: Sequence[Change]) -> Sequence[Change]:
    """Without all tidying up but the last: it decides about every place, and takes its time."""
    last = next((one for one in reversed(changes) if isinstance(one, Tidy)), None)
    return [one for one in changes if one is last or not isinstance(one, Tidy)]


def _label(labels: Sequence[str]) -> str:
    told = list(dict.fromkeys(labels))
    if len(told) <= 1:
        return told[0] if told else "Change nothing"
    more = "1 more change" if len(told) == 2 else f"{len(told) - 1} more changes"  # noqa: PLR2004
    return f"{told[0]} and {more}"
