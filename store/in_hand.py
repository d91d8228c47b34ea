"""Messages in hand: claimed, with what became of them; and those whose fate nobody knows.

Rule: whoever reads one to change it holds it until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import as_kind, columns_of
from store.messages import CLAIMED, messages
from store.query import Query, among
from store.queue import IN_HAND, change

UNSURE = sa.and_(CLAIMED, messages.c.state == "unconfirmed")


class InHand(Struct, frozen=True):
    """A message that was claimed, as it stands now."""

    id: int
    company_id: int
    contact_id: int
    run_id: int | None
    automation_id: int | None
    seq: int
    state: str
    content: Any
    template: str | None
    phone_id: int | None
    channel_id: str | None
    attempts: int
    claimed_by: str | None
    claimed_at: datetime | None
    due_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    error_class: str | None
    error_code: str | None
    error: str | None
    why: Any


async def find(tx: AsyncConnection, message_ids: Collection[int]) -> dict[int, InHand]:
    """Messages by id as they stand, held until the transaction ends."""
    rows = await _BY_ID.plain(tx, InHand, messages=message_ids) if message_ids else []
    return {row.id: row for row in rows}


async def by_channel_ids(
    tx: AsyncConnection, phone_ids: Collection[int], channel_ids: Collection[str]
) -> list[InHand]:
    """Outgoing messages of these phones with these ids of the channel, held like `in_hand`."""
    found = await _held(
        tx,
        messages.c.phone_id.in_(phone_ids)
        & messages.c.channel_id.in_(channel_ids)
        & (messages.c.direction == "out"),
    )
    return list(found.values())


async def settle(tx: AsyncConnection, rows: Sequence[InHand]) -> None:
    """Write down what became of messages: everything that can change once they are claimed."""
    names = InHand.__struct_fields__[InHand.__struct_fields__.index("state") :]
    fixed = ("content", "template", "claimed_by", "claimed_at")
    await change(
        tx,
        [
            {"id": row.id} | {name: getattr(row, name) for name in names if name not in fixed}
            for row in rows
        ],
    )


async def abandoned(
    tx: AsyncConnection,
    *,
    claimed_before: datetime,
    dead_workers: Collection[str],
    except_ids: Collection[int],
    limit: int,
) -> list[InHand]:
    """Messages in hand of workers that are gone, or in hand for too long; held."""
    query = sa.select(messages.c.id).where(
        IN_HAND,
        sa.or_(
            messages.c.claimed_at < claimed_before, messages.c.claimed_by.in_(sorted(dead_workers))
        ),
    )
    ids = set((await tx.execute(query.limit(limit))).scalars()) - set(except_ids)
    return list((await _held(tx, IN_HAND & messages.c.id.in_(ids))).values()) if ids else []


async def workers_with_messages(tx: AsyncConnection) -> set[str]:
    """The names under which messages are in hand."""
    rows = await tx.execute(sa.select(messages.c.claimed_by).where(IN_HAND).distinct())
    return set(filter(None, rows.scalars()))


async def companies_unconfirmed(tx: AsyncConnection) -> set[int]:
    """The companies with messages nobody knows the fate of."""
    rows = await tx.execute(sa.select(messages.c.company_id).where(UNSURE).distinct())
    return set(rows.scalars())


async def unconfirmed(
    tx: AsyncConnection,
    company_id: int,
    before: datetime,
    *,
    except_ids: Collection[int],
    limit: int,
) -> list[InHand]:
    """A company's messages nobody knows the fate of, claimed before a moment; held."""
    query = (
        sa.select(messages.c.id)
        .where(UNSURE, messages.c.claimed_at < before, messages.c.company_id == company_id)
        .order_by(messages.c.claimed_at)
        .limit(limit)
    )
    ids = set((await tx.execute(query)).scalars()) - set(except_ids)
    return list((await _held(tx, UNSURE & messages.c.id.in_(ids))).values()) if ids else []


_BY_ID = Query(
    sa.select(*columns_of(InHand, messages))
    .where(among(messages.c.id, "messages"))
    .order_by(messages.c.id)
    .with_for_update()
)


async def _held(tx: AsyncConnection, which: sa.ColumnElement[bool]) -> dict[int, InHand]:
    query = sa.select(*columns_of(InHand, messages)).where(which)
    rows = await tx.execute(query.order_by(messages.c.id).with_for_update())
    return {row.id: as_kind(InHand, row) for row in rows}
