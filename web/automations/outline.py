"""A flow as a nested numbered list: the way most people go, with side branches under their step.

Rule: pure; every step appears exactly once, wherever else it is reached is a link to its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from flows.document import AnyFlow
from flows.problems import Problem
from flows.step import Exit, Step, kind_of

DEEPEST = 5  # branches inside branches; what lies deeper is listed after the rest
WEIGHED = 400  # steps; in larger flows the first way on is the main one
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Way(Struct):
    """One exit: its label, where it leads (None: the run ends) and how many went there."""

    name: str
    label: str
    target: str | None
    number: str = ""
    title: str = ""
    taken: int = 0
    required: bool = False


class Branch(Struct):
    """The steps behind one exit, shown under the step they leave from."""

    label: str
    items: list[Item]


class Item(Struct):
    """One step as the outline shows it."""

    id: str
    number: str
    kind: str
    label: str
    group: str
    icon: str
    name: str
    summary: str
    note: str
    ways: list[Way]
    here: int
    entered: int
    failed: int
    problems: list[Problem]
    branches: list[Branch] = []


def outline(
    flow: AnyFlow,
    problems: list[Problem],
    counts: Mapping[tuple[str, str], int],
    here: Mapping[str, int],
) -> list[Item]:
    """The steps of `flow` in the order of travel; those no line leads to come last."""
    writer = _Writer(flow, problems, counts, here)
    items = writer.chain(flow.start, "", 0) if flow.start else []
    for step_id in flow.steps:
        if step_id not in writer.numbers:
            items += writer.chain(step_id, "", 0, first=len(items) + 1)
    for item in walk(items):
        for way in item.ways:
            if way.target is not None:
                way.number = writer.numbers[way.target]
                way.title = title(flow.steps[way.target])
    return items


def walk(items: list[Item]) -> Iterator[Item]:
    """All items, those of branches included."""
    for item in items:
        yield item
        for branch in item.branches:
            yield from walk(branch.items)


def title(step: Step) -> str:
    """What people call a step: its name, else its kind."""
    return step.name or step.label


class _Writer:
    def __init__(
        self,
        flow: AnyFlow,
        problems: list[Problem],
        counts: Mapping[tuple[str, str], int],
        here: Mapping[str, int],
    ) -> None:
        self.flow = flow
        self.problems = problems
        self.counts = counts
        self.here = here
        self.numbers: dict[str, str] = {}

    def chain(self, start: str, prefix: str, depth: int, first: int = 1) -> list[Item]:
        """`start` and what follows by the first way on; then the branches of each of them."""
        items: list[Item] = []
        step_id: str | None = start
        while step_id is not None and step_id in self.flow.steps and step_id not in self.numbers:
            number = f"{prefix}{first + len(items)}"
            self.numbers[step_id] = number
            items.append(self._item(step_id, number))
            step_id = self._onward(items[-1])
        if depth < DEEPEST:
            for item in items:
                self._branches(item, depth)
        return items

    def _onward(self, item: Item) -> str | None:
        """The way on that leads furthest, the first of equals; the others are side branches."""
        fresh = [way.target for way in item.ways if way.target and self._fresh(way.target)]
        if len(fresh) < 2 or len(self.flow.steps) > WEIGHED:  # noqa: PLR2004  nothing to choose
            return fresh[0] if fresh else None
        return max(fresh, key=self._reach)

    def _reach(self, start: str) -> int:
        seen, todo = {start}, [start]
        while todo:
            for target in self.flow.steps[todo.pop()].next.values():
                if target in self.flow.steps and self._fresh(target) and target not in seen:
                    seen.add(target)
                    todo.append(target)
        return len(seen)

    def _branches(self, item: Item, depth: int) -> None:
        for way in item.ways:
            if way.target is None or not self._fresh(way.target):
                continue
            letter = LETTERS[len(item.branches) % len(LETTERS)]
            behind = self.chain(way.target, f"{item.number}{letter}.", depth + 1)
            item.branches.append(Branch(way.label, behind))

    def _fresh(self, target: str | None) -> bool:
        return target is not None and target not in self.numbers

    def _item(self, step_id: str, number: str) -> Item:
        step = self.flow.steps[step_id]
        return Item(
            id=step_id,
            number=number,
            kind=kind_of(step),
            label=step.label,
            group=step.group,
            icon=step.icon,
            name=step.name,
            summary=step.summary(),
            note=step.note,
            ways=[self._way(step_id, step, one) for one in step.exits()],
            here=self.here.get(step_id, 0),
            entered=self.counts.get((step_id, "entered"), 0),
            failed=self.counts.get((step_id, "failed"), 0),
            problems=[one for one in self.problems if one.step == step_id],
        )

    def _way(self, step_id: str, step: Step, exit_: Exit) -> Way:
        target: Any = step.next.get(exit_.name)
        return Way(
            name=exit_.name,
            label=exit_.label,
            target=target if target in self.flow.steps else None,
            taken=self.counts.get((step_id, exit_.name), 0),
            required=exit_.required,
        )
