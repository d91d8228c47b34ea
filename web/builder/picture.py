"""A small still picture of a flow: its cards as coloured boxes, its lines as curves. Pure.

Rule: geometry is that of `flows/arrange.py`; colours are left to the style sheet, by class.
"""

from __future__ import annotations

from msgspec import Struct

from flows.arrange import (
    CARD_WIDTH,
    EXIT_ROW,
    FOOT,
    HEADER,
    START,
    START_HEIGHT,
    arrange,
    card_height,
    shown_exits,
)
from flows.document import AnyFlow
from flows.step import Step

EDGE = 32  # room around, so that no line is cut
LEAST_BEND = 48


class Box(Struct, frozen=True):
    """One card: left, top, width, height; `group` gives its colour."""

    x: int
    y: int
    w: int
    h: int
    group: str


class Picture(Struct, frozen=True):
    """`frame` is the view box; `lines` are SVG paths; `words` say what is to be seen."""

    frame: str
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    words: str


def picture(flow: AnyFlow) -> Picture:
    """The flow as Tidy up would place it."""
    places = arrange(flow)
    boxes = [Box(*START, CARD_WIDTH, START_HEIGHT, "flow")]
    lines = []
    if flow.start in places:
        lines.append(_curve((START[0], START[1]), START_HEIGHT - FOOT, places[flow.start]))
    for step_id, step in flow.steps.items():
        left, top = places[step_id]
        height = card_height(step)
        boxes.append(Box(left, top, CARD_WIDTH, height, step.group))
        for row, target in _ways(step):
            if target in places:
                lines.append(_curve((left, top), height - FOOT - row * EXIT_ROW, places[target]))
    right = max(box.x + box.w for box in boxes)
    bottom = max(box.y + box.h for box in boxes)
    count = len(flow.steps)
    return Picture(
        frame=f"{-EDGE} {-EDGE} {right + 2 * EDGE} {bottom + 2 * EDGE}",
        boxes=tuple(boxes),
        lines=tuple(lines),
        words=f"Picture of the flow: {count} step{'' if count == 1 else 's'}",
    )


def _ways(step: Step) -> list[tuple[int, str]]:
    """`(row counted from the bottom, target)` of the exits that lead somewhere."""
    shown = shown_exits(step)
    below = len(shown.rows) - 1 + bool(shown.folded)
    return [
        (below - number, step.next[one.name])
        for number, one in enumerate(shown.rows)
        if one.name in step.next
    ]


def _curve(of: tuple[int, int], bottom: int, to: tuple[int, int]) -> str:
    x1, y1 = of[0] + CARD_WIDTH, of[1] + bottom - EXIT_ROW // 2
    x2, y2 = to[0], to[1] + HEADER // 2
    bend = max(LEAST_BEND, abs(x2 - x1) // 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
