"""Visits: the trace of every run, and the counters under each step.

Rule: visits are only added; counters only grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of

GONE = sa.text("did IN ('left', 'failed', 'ended')")
"""A run went on from the step, or was over there."""

visits = sa.Table(
    "visits",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("run_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("step", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False, default=0),
    sa.Column("at", Moment, nullable=False),
    sa.Column("did", Words, nullable=False),  # left, waits, failed, ended, noted
    sa.Column("exit", Words),
    sa.Column("why", Words, nullable=False, default=""),
    sa.Column("data", JSON, nullable=False, default=dict),
    sa.Index("ix_visits_run_id_id", "run_id", "id"),
    sa.Index(
        "ix_visits_gone",
        *("automation_id", "step", "at", "id"),
        sqlite_where=GONE,
        postgresql_where=GONE,
    ),
)

step_counts = sa.Table(
    "step_counts",
    metadata,
    sa.Column("automation_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("step", Words, primary_key=True),
    sa.Column("name", Words, primary_key=True),
    sa.Column("n", BigId, nullable=False, default=0),
)


class Line(msgspec.Struct, frozen=True):
    """One line of a run's trace, as pages and replay read it."""

    id: int
    run_id: int
    step: str
    kind: str
    seq: int
    at: datetime
    did: str
    exit: str | None
    why: str
    data: dict[str, Any]


class NewLine(msgspec.Struct):
    """A line to be added to a run's trace."""

    company_id: int
    run_id: int
    automation_id: int
    step: str
    kind: str
    seq: int
    at: datetime
    did: str
    exit: str | None
    why: str
    data: dict[str, Any]


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewLine] | Sequence[Mapping[str, Any]]
) -> None:
    """Add lines to traces."""
    await bulk.insert_all(tx, visits, rows)


async def count(tx: AsyncConnection, counts: Mapping[tuple[int, str, str], int]) -> None:
    """Add to counters: `{(automation id, step, exit or what happened): how many more}`."""
    rows = [(*key, n) for key, n in counts.items()]
    await bulk.add_up(tx, step_counts, ("automation_id", "step", "name"), "n", rows)


async def of_run(tx: AsyncConnection, run_id: int) -> list[Line]:
    """The whole trace of one run, in order."""
    query = sa.select(*columns_of(Line, visits)).where(visits.c.run_id == run_id)
    return [as_kind(Line, row) for row in await tx.execute(query.order_by(visits.c.id))]


async def counts_of(tx: AsyncConnection, automation_id: int) -> dict[tuple[str, str], int]:
    """`{(step, exit or what happened): how often}` of one automation, all revisions together."""
    query = sa.select(step_counts.c.step, step_counts.c.name, step_counts.c.n).where(
        step_counts.c.automation_id == automation_id
    )
    return {(step, name): n for step, name, n in await tx.execute(query)}
