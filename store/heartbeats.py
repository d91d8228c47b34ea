"""Heartbeats: which processes are alive.

Rule: one row per process name; whoever reads decides how old is dead.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("at", Moment, nullable=False),
)


class Heartbeat(Struct, frozen=True):
    """A process and when it last said that it lives."""

    name: str
    pid: int
    started_at: datetime
    at: datetime


async def beat(
    tx: AsyncConnection, name: str, pid: int, started_at: datetime, now: datetime
) -> None:
    """Say that the process `name` lives."""
    values = {"pid": pid, "started_at": started_at, "at": now}
    await tx.execute(
        insert_into(tx, heartbeats)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


async def everybody(tx: AsyncConnection) -> list[Heartbeat]:
    """All processes that ever said so and were not forgotten, by name."""
    query = sa.select(*columns_of(Heartbeat, heartbeats)).order_by(heartbeats.c.name)
    return [as_kind(Heartbeat, row) for row in await tx.execute(query)]


async def forget(tx: AsyncConnection, before: datetime) -> None:
    """Drop processes silent since `before`."""
    await tx.execute(sa.delete(heartbeats).where(heartbeats.c.at < before))
