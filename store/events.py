"""Events: what happened to contacts, waiting to be handled or kept as history.

Rule: an event with a source id is written once, however often and from wherever it is told.
The table names its parents without foreign keys: its rows come in bulk on the hot path.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into

UNHANDLED = sa.text("handled_at IS NULL")

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("data", JSON, nullable=False),
    sa.Column("source_id", Words),
    sa.Column("run_id", BigId),
    sa.Column("at", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("handled_at", Moment),
    sa.Column("fault", Words),
    sa.UniqueConstraint("company_id", "source_id"),
    sa.Index(
        "ix_events_unhandled",
        "contact_id",
        "id",
        sqlite_where=UNHANDLED,
        postgresql_where=UNHANDLED,
    ),
)


class NewEvent(TypedDict):
    """An event to be written. `at` is when it happened; `data` is a `flows.events` value or plain.

    `source_id` is the outside world's own id of it: the second of two with one id is dropped.
    """

    company_id: int
    contact_id: int
    kind: str
    data: Any
    at: datetime
    created_at: datetime
    source_id: NotRequired[str | None]
    run_id: NotRequired[int | None]


class Waiting(Struct, frozen=True):
    """An unhandled event as the engine reads it. `data` is a `flows.events` value in plain JSON."""

    id: int
    company_id: int
    contact_id: int
    kind: str
    data: dict[str, Any]
    run_id: int | None
    at: datetime


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewEvent] | Sequence[Mapping[str, Any]]
) -> list[int]:
    """Write events in this order and return the ids of the new; what was told before is dropped."""
    if not rows:
        return []
    result = await tx.execute(
        insert_into(tx, events)
        .on_conflict_do_nothing(index_elements=["company_id", "source_id"])
        .returning(events.c.id),
        [{"source_id": None, "run_id": None, **row} for row in rows],
    )
    return sorted(result.scalars())


async def unhandled_of(tx: AsyncConnection, contact_ids: Collection[int]) -> list[Waiting]:
    """All unhandled events of these contacts, each contact's in the order they were written."""
    query = (
        sa.select(*columns_of(Waiting, events))
        .where(events.c.contact_id.in_(contact_ids), UNHANDLED)
        .order_by(events.c.contact_id, events.c.id)
    )
    return [as_kind(Waiting, row) for row in await tx.execute(query)]


async def mark_handled(tx: AsyncConnection, event_ids: Collection[int], now: datetime) -> None:
    """Take these events out of the line."""
    if event_ids:
        await tx.execute(sa.update(events).where(events.c.id.in_(event_ids)).values(handled_at=now))


async def mark_faulty(tx: AsyncConnection, faults: Mapping[int, str], now: datetime) -> None:
    """Take events out of the line that a fault of ours cannot get past: `{event id: what broke}`.

    They stay in the table with their fault, so that nothing is lost and nobody else has to wait.
    """
    if faults:
        await tx.execute(
            sa.update(events)
            .where(events.c.id == sa.bindparam("of"))
            .values(handled_at=now, fault=sa.bindparam("what")),
            [{"of": event_id, "what": fault} for event_id, fault in sorted(faults.items())],
        )


async def forget_handled(tx: AsyncConnection, before: datetime) -> int:
    """Delete events handled before `before`; how many. Nobody should resend them by then."""
    result = await tx.execute(sa.delete(events).where(events.c.handled_at < before))
    return result.rowcount
