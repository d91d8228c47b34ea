"""Card geometry and tidy-up: where the cards of a flow stand when nobody has moved them.

Rule: geometry is a function of the step, so that lines, minimap, layout and static pictures need
no measuring. Sizes are pixels at 100%; the style sheet uses the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flows.document import AnyFlow
from flows.step import Exit, Step

CARD_WIDTH = 240
HEADER = 40
SUMMARY = 24
MESSAGE_SUMMARY = 44  # kinds of the group “messages” show two lines
PROBLEM_ROW = 24
COUNTER_ROW = 24
EXIT_ROW = 28
FOOT = 6

SNAP = 8
COLUMN = CARD_WIDTH + 96  # room for a curve between two columns
ROW_GAP = 40
START = (0, 0)  # the card of the triggers, left of everything
START_HEIGHT = HEADER + SUMMARY + EXIT_ROW + FOOT


class ShownExits(NamedTuple):
    """The exits of a card: a row each, and the optional ones folded into “More exits (n)”."""

    rows: tuple[Exit, ...]
    folded: tuple[Exit, ...]


def shown_exits(step: Step) -> ShownExits:
    """Which exits have a row: the required and the connected ones."""
    exits = step.exits()
    rows = tuple(one for one in exits if one.required or one.name in step.next)
    return ShownExits(rows, tuple(one for one in exits if one not in rows))


def card_height(step: Step, *, problem: bool = False, counters: bool = False) -> int:
    """Height of a step's card, with or without its problem row and its counter row."""
    shown = shown_exits(step)
    rows = len(shown.rows) + bool(shown.folded)
    summary = MESSAGE_SUMMARY if step.group == "messages" else SUMMARY
    extra = PROBLEM_ROW * problem + COUNTER_ROW * counters
    return HEADER + summary + extra + rows * EXIT_ROW + FOOT


def arrange(flow: AnyFlow) -> dict[str, tuple[int, int]]:
    """A place (left, top) for every step: columns by the longest path from the start, branches
    from top to bottom in the order of their exits, the first one straight on. Steps that no line
    reaches come below. The same flow always gets the same places.
    """
    roots, order, forward = _walk(flow)
    column, parent = _columns(order, forward)
    children: dict[str, list[str]] = {step_id: [] for step_id in order}
    for step_id in order:
        for target in forward[step_id]:
            if parent[target] == step_id:
                children[step_id].append(target)
    heights = {step_id: _room(flow.steps[step_id]) for step_id in order}
    tops = _tops(roots, order, children, heights)
    return {
        step_id: (START[0] + COLUMN * column[step_id], START[1] + tops[step_id])
        for step_id in flow.steps
    }


def _room(step: Step) -> int:
    """What a card takes with all its rows, so that a problem never makes two cards overlap."""
    return _snapped(card_height(step, problem=True, counters=True) + ROW_GAP)


def _snapped(length: int) -> int:
    return -(-length // SNAP) * SNAP


def _targets(flow: AnyFlow, step_id: str) -> list[str]:
    """The steps `step_id` leads to, each once, in the order of its exits."""
    step = flow.steps[step_id]
    names = [one.name for one in step.exits()]
    found = [step.next[name] for name in names if name in step.next]
    found += [target for name, target in step.next.items() if name not in names]
    return [one for one in dict.fromkeys(found) if one in flow.steps and one != step_id]


def _walk(flow: AnyFlow) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Depth first from the start, then from whatever was not reached.

    Returns the roots, the steps each before all it leads to, and the lines that count: none that
    closes a loop, none from a part that nothing leads to into one that was reached before.
    """
    roots: list[str] = []
    left: list[str] = []
    forward: dict[str, list[str]] = {}
    open_: set[str] = set()
    led_to = {target for step_id in flow.steps for target in _targets(flow, step_id)}
    first = [flow.start] if flow.start in flow.steps else []
    loose = sorted(flow.steps, key=lambda step_id: step_id in led_to)
    for root in (*first, *loose):
        if root is None or root in forward:
            continue
        roots.append(root)
        before = frozenset(forward)
        stack: list[tuple[str, Iterator[str]]] = [_open(flow, root, forward, open_)]
        while stack:
            step_id, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                open_.discard(step_id)
                left.append(step_id)
            elif target not in open_ and target not in before:
                forward[step_id].append(target)
                if target not in forward:
                    stack.append(_open(flow, target, forward, open_))
    return roots, left[::-1], forward


def _open(
    flow: AnyFlow, step_id: str, forward: dict[str, list[str]], open_: set[str]
) -> tuple[str, Iterator[str]]:
    forward[step_id] = []
    open_.add(step_id)
    return step_id, iter(_targets(flow, step_id))


def _columns(
    order: list[str], forward: dict[str, list[str]]
) -> tuple[dict[str, int], dict[str, str | None]]:
    """Each step's column (longest path) and the step one column before that holds it."""
    column = dict.fromkeys(order, 1)
    parent: dict[str, str | None] = dict.fromkeys(order)
    for step_id in order:
        for target in forward[step_id]:
            if column[target] < column[step_id] + 1:
                column[target] = column[step_id] + 1
                parent[target] = step_id
    return column, parent


def _tops(
    roots: list[str], order: list[str], children: dict[str, list[str]], heights: dict[str, int]
) -> dict[str, int]:
    """Each step's top: as high as the branches before it leave free."""
    shift: dict[str, int] = {}
    outline: dict[str, list[tuple[int, int]]] = {}  # (top, bottom) per column, the deepest first
    for step_id in reversed(order):
        merged: list[tuple[int, int]] = []
        for child in children[step_id]:
            shift[child] = _fit(merged, outline.pop(child))
        merged.append((0, heights[step_id]))
        outline[step_id] = merged
    tops: dict[str, int] = {}
    free = 0
    for root in roots:
        tops[root] = free
        free += max(bottom for _, bottom in outline[root])
    for step_id in order:
        for child in children[step_id]:
            tops[child] = tops[step_id] + shift[child]
    return tops


def _fit(above: list[tuple[int, int]], below: list[tuple[int, int]]) -> int:
    """Push the outline `below` down until it is free of `above`, and take it in. The push."""
    shared = min(len(above), len(below))
    push = max((above[-i][1] - below[-i][0] for i in range(1, shared + 1)), default=0)
    moved = [(top + push, bottom + push) for top, bottom in below]
    kept = [(above[-i][0], moved[-i][1]) for i in range(shared, 0, -1)]
    above[:] = (moved if len(below) > len(above) else above)[: -shared or None] + kept
    return push
