"""Where cards stand: moved by hand, put beside another, or tidied up.

Rule: a card nobody placed gets its place written down at the first change, where it is shown
already: else connecting two steps would let all others jump.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flows.arrange import (
    CARD_WIDTH,
    COLUMN,
    EXIT_ROW,
    ROW_GAP,
    SNAP,
    START,
    START_HEIGHT,
    arrange,
    card_height,
)
from flows.document import AnyFlow, Flow
from flows.editing.changes import Move, Spot
from flows.editing.working import START_STEP, Working
from flows.step import Step

FARTHEST = 1_000_000  # what a document may say; nobody scrolls that far
LOOSE_GAP = 160  # between cards that cannot be arranged, below all others
UNREAD_HEIGHT = 200
_BESIDE = 16  # columns nearer than this look like one card behind the other
Place = tuple[int, int]


def snapped(at: Spot) -> Place:
    """The nearest place on the grid."""
    x, y = (
        int(max(-FARTHEST, min(FARTHEST, SNAP * round(max(-1e9, min(1e9, one)) / SNAP))))
        for one in at
    )
    return x, y


def place_of(entry: object) -> Place | None:
    """The place a raw step says; None when it says none that can be read."""
    return _pair(entry.get("at")) if isinstance(entry, dict) else None


def start_place(document: Mapping[str, Any]) -> Place:
    """Where the start card stands."""
    return _pair(document.get("start_at")) or START


def places(
    document: Mapping[str, Any], steps: Mapping[str, Any], read: Mapping[str, Step]
) -> dict[str, Place]:
    """Each step's own place, else where tidying up would put it; what cannot be arranged either
    stands below all others. `read` are the steps that can be read.
    """
    found = {one: place for one, entry in steps.items() if (place := place_of(entry))}
    if len(found) < len(steps):
        found = {**_arranged(document, read), **found}
    below = max((top for _, top in found.values()), default=0)
    for step_id in steps:
        if step_id not in found:
            below = min(below + LOOSE_GAP, FARTHEST)
            found[step_id] = (START[0], below)
    return found


def pin(work: Working) -> None:
    """Write down the place of every card that has none."""
    loose = [
        step_id
        for step_id, entry in work.steps.items()
        if isinstance(entry, dict) and entry.get("at") is None
    ]
    if not loose:
        return
    found = _places(work)
    for step_id in loose:
        work.steps[step_id] = {**work.steps[step_id], "at": list(found[step_id])}


def move(work: Working, change: Move) -> str:
    """Put cards where they were dragged."""
    for step_id, at in change.steps.items():
        put_at(work, step_id, snapped(at))
    one, *more = change.steps
    return f"Move {len(change.steps):,} steps" if more else f"Move {work.title(one)}"


def put_at(work: Working, step_id: str, place: Place) -> None:
    """Let the card of a step, or the start card, stand at `place`."""
    if step_id == START_STEP:
        if start_place(work.document) != place:
            work.document["start_at"] = list(place)
        return
    x, y = (max(-FARTHEST, min(FARTHEST, one)) for one in place)
    if place_of(work.entry(step_id)) != (x, y):
        work.change(step_id)["at"] = [x, y]


def tidy(work: Working) -> str:
    """Every card where it is easiest to read; those that cannot be read below the others."""
    work.document.pop("start_at", None)
    found = _arranged(work.document, _read(work))
    below = max((top for _, top in found.values()), default=0)
    for step_id, entry in work.steps.items():
        if step_id not in found and isinstance(entry, dict):
            below += LOOSE_GAP
            found[step_id] = (START[0], below)
    for step_id, place in found.items():
        put_at(work, step_id, place)
    return "Tidy up"


def beside(work: Working, source: str, step: Step) -> Place:
    """A free place for the card of `step`, right of the card `source`."""
    left, top = _place(work, source)
    return free(work, (left + COLUMN, top), step)


def between(work: Working, source: str, to: str, step: Step) -> Place:
    """A free place between two cards. What stands there moves one column on, and so does what would
    come to be covered by that; nothing else moves.
    """
    (left, top), (beyond, row) = _place(work, source), _places(work)[to]
    if beyond <= left:  # the line goes back
        return free(work, (left + COLUMN, top), step)
    wanted = (left + COLUMN, row)
    rest = {one: box for one, box in _boxes(work).items() if box.left > left + CARD_WIDTH // 2}
    todo = [_Box(*wanted, row + _height(step))]
    while todo:
        taken = todo.pop()
        for step_id in [one for one, box in rest.items() if _meet(taken, box)]:
            box = rest.pop(step_id)
            if isinstance(work.steps.get(step_id), dict):
                put_at(work, step_id, snapped((box.left + COLUMN, box.top)))
                todo.append(box._replace(left=box.left + COLUMN))
    return free(work, wanted, step)


def free(work: Working, wanted: Place, step: Step) -> Place:
    """`wanted`, or the nearest place below it where the card of `step` covers no other."""
    left, top = wanted
    height = _height(step)
    for box in sorted(_boxes(work).values(), key=lambda box: box.top):
        if _meet(_Box(left, top, top + height), box):
            top = -(-(box.bottom + ROW_GAP) // SNAP) * SNAP
    return left, top


def corner(found: Iterable[Place]) -> Place:
    """The left upper corner of these places."""
    spots = list(found)
    return min(x for x, _ in spots), min(y for _, y in spots)


def below_all(work: Working) -> Place:
    """A place in the first column of steps, under everything."""
    bottoms = [box.bottom for box in _boxes(work).values()]
    steps = _places(work)
    if not steps:
        return START[0] + COLUMN, START[1]
    left, _ = corner(steps.values())
    return snapped((left, max(bottoms) + ROW_GAP))


def _places(work: Working) -> dict[str, Place]:
    found = {one: place for one, entry in work.steps.items() if (place := place_of(entry))}
    if len(found) == len(work.steps):
        return found
    return places(work.document, work.steps, _read(work))


def _place(work: Working, step_id: str) -> Place:
    return start_place(work.document) if step_id == START_STEP else _places(work)[step_id]


def _pair(at: object) -> Place | None:
    if not isinstance(at, (list, tuple)) or [type(one) for one in at] != [int, int]:
        return None
    return at[0], at[1]


def _read(work: Working) -> dict[str, Step]:
    return {one: step for one in work.steps if (step := work.read(one)) is not None}


def _arranged(document: Mapping[str, Any], read: Mapping[str, Step]) -> dict[str, Place]:
    start = document.get("start")
    first = start if isinstance(start, str) else None
    flow: AnyFlow = Flow(name="?", start=first, steps=dict(read))
    return arrange(flow)


class _Box(NamedTuple):
    left: int
    top: int
    bottom: int


def _boxes(work: Working) -> dict[str, _Box]:
    """What every card takes up, the start card's too."""
    left, top = start_place(work.document)
    boxes = {START_STEP: _Box(left, top, top + START_HEIGHT + EXIT_ROW)}
    for step_id, (x, y) in _places(work).items():
        step = work.read(step_id)
        boxes[step_id] = _Box(x, y, y + (UNREAD_HEIGHT if step is None else _height(step)))
    return boxes


def _meet(one: _Box, other: _Box) -> bool:
    """Whether two cards cover one another, or stand so close that they seem to."""
    gap = ROW_GAP // 2
    beside = abs(one.left - other.left) >= CARD_WIDTH + _BESIDE
    return not beside and one.top < other.bottom + gap and other.top < one.bottom + gap


def _height(step: Step) -> int:
    return card_height(step, problem=True)
