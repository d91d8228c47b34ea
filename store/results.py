"""Results: how many people are, went and stopped where in an automation, and what became of its
messages.

Rule: reads only, one statement for all numbers; its cost grows with steps and days, never with the
number of runs there ever were.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import Words
from store.runs import WAITING, runs
from store.step_days import step_days

MESSAGE_WORDS = ("sent", "delivered", "read", "failed", "not_sent", "unconfirmed")
ENDS = ("done", "failed", "stopped")


class Span(Struct, frozen=True):
    """What is counted: days (of `store.step_days`) from `first` to `last`, both included; one
    revision, or with `newer` that one and all later ones. None is no limit.
    """

    first: int | None = None
    last: int | None = None
    revision_id: int | None = None
    newer: bool = False


class StepNumbers(Struct):
    """The numbers of one step. `here` wait now, `passed` went on by `exits`; runs of `left` were
    over here: `done`, `failed` or `stopped`. `messages`: by the words of MESSAGE_WORDS.
    """

    here: int = 0
    exits: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """How many went on, by any exit."""
        return sum(self.exits.values())

    @property
    def left(self) -> int:
        """How many runs were over here."""
        return sum(self.ended.values())


class Results(Struct):
    """All numbers of an automation in one span. `inside` waits now; `goals` by their names."""

    steps: dict[str, StepNumbers] = field(default_factory=dict)
    started: int = 0
    finished: int = 0
    failed: int = 0
    stopped: int = 0
    goals: dict[str, int] = field(default_factory=dict)

    @property
    def inside(self) -> int:
        """How many wait anywhere."""
        return sum(one.here for one in self.steps.values())

    @property
    def nobody(self) -> bool:
        """Whether nobody has been here yet."""
        return not (self.steps or self.started)

    def of(self, step: str) -> StepNumbers:
        """The numbers of a step; zeros for one that nobody has seen."""
        return self.steps.get(step) or StepNumbers()


async def results(tx: AsyncConnection, automation_id: int, span: Span) -> Results:
    """The numbers of an automation; whose it is has been asked before."""
    found = Results()
    for step, what, name, n in await tx.execute(_query(automation_id, span)):
        if what == "run":
            _add_run(found, name, int(n))
            continue
        if what == "goal":
            found.goals[name] = int(n)
            continue
        if not n:
            continue  # counted and taken back
        numbers = found.steps.setdefault(step or "", StepNumbers())
        match what:
            case "here":
                numbers.here = int(n)
            case "exit":
                numbers.exits[name] = int(n)
            case "left":
                numbers.ended[name] = int(n)
            case _:
                numbers.messages[name] = int(n)
    return found


def _add_run(found: Results, name: str, n: int) -> None:
    match name:
        case "started":
            found.started = n
        case "done":
            found.finished = n
        case "failed":
            found.failed = n
        case _:
            found.stopped = n


def _query(automation_id: int, span: Span) -> sa.CompoundSelect[Any]:
    here = (
        sa.select(
            sa.func.coalesce(runs.c.step, "", type_=Words()).label("step"),
            sa.literal_column("'here'", Words).label("what"),
            sa.literal_column("''", Words).label("name"),
            sa.func.count().label("n"),
        )
        .where(runs.c.automation_id == automation_id, WAITING)
        .group_by(runs.c.step)
    )
    table = step_days.c
    counted = (
        sa.select(table.step, table.what, table.name, sa.func.sum(table.n))
        .where(table.automation_id == automation_id)
        .group_by(table.step, table.what, table.name)
    )
    if span.first is not None:
        counted = counted.where(table.day >= span.first)
    if span.last is not None:
        counted = counted.where(table.day <= span.last)
    if span.revision_id is not None and span.newer:
        here = here.where(runs.c.revision_id >= span.revision_id)
        counted = counted.where(table.revision_id >= span.revision_id)
    elif span.revision_id is not None:
        here = here.where(runs.c.revision_id == span.revision_id)
        counted = counted.where(table.revision_id == span.revision_id)
    return sa.union_all(here, counted)
