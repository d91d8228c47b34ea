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

from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import columns_of
from store.query import Query, among

UNHANDLED = sa.text("handled_at IS NULL")
UNANSWERED = sa.text("handled_at IS NULL AND kind = 'replied'")  # somebody sits there and waits

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
    sa.Index(
        "ix_events_line",
        "id",
        "contact_id",
        sqlite_where=UNHANDLED,
        postgresql_where=UNHANDLED,
    ),
    sa.Index(
        "ix_events_unanswered",
        "id",
        "contact_id",
        sqlite_where=UNANSWERED,
        postgresql_where=UNANSWERED,
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


_NEW = tuple(NewEvent.__annotations__)


class Waiting(Struct, frozen=True):
    """An unhandled event as the engine reads it. `data` is a `flows.events` value as JSON text."""

    id: int
    company_id: int
    contact_id: int
    kind: str
    data: str
    run_id: int | None
    at: datetime


_UNHANDLED_OF = Query(
    sa.select(*columns_of(Waiting, events))
    .where(among(events.c.contact_id, "contacts"), UNHANDLED)
    .order_by(events.c.contact_id, events.c.id)
)
_HANDLED = Query(
    sa.update(events)
    .where(among(events.c.id, "events"))
    .values(handled_at=sa.bindparam("now", type_=Moment()))
)


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewEvent] | Sequence[Mapping[str, Any]]
) -> list[int]:
    """Write events in this order and return the ids of the new; what was told before is dropped."""
    tuples = [tuple([row.get(name) for name in _NEW]) for row in rows]
    return await bulk.insert_new_ids(tx, events, _NEW, tuples, ("company_id", "source_id"))


async def unhandled_of(tx: AsyncConnection, contact_ids: Collection[int]) -> list[Waiting]:
    """All unhandled events of these contacts, each contact's in the order they were written."""
    return await _UNHANDLED_OF.kinds(tx, Waiting, contacts=contact_ids)


async def mark_handled(tx: AsyncConnection, event_ids: Collection[int], now: datetime) -> None:
    """Take these events out of the line."""
    if event_ids:
        await _HANDLED.rows(tx, events=event_ids, now=now)


async def mark_faulty(tx: AsyncConnection, faults: Mapping[int, str], now: datetime) -> None:
    """Take events out of the line that a fault of ours cannot get past: `{event id: what broke}`.

    They stay in the table with their fault, so that nothing is lost and nobody else has to wait.
    """
    rows = [(event_id, now, fault) for event_id, fault in sorted(faults.items())]
    await bulk.update(tx, events, ("id", "handled_at", "fault"), rows)


async def forget_handled(tx: AsyncConnection, before: datetime) -> int:
    """Delete events handled before `before`; how many. Nobody should resend them by then."""
    result = await tx.execute(sa.delete(events).where(events.c.handled_at < before))
    return result.rowcount
