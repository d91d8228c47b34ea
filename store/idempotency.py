"""Idempotency keys: an API request that is repeated is answered, not done again.

Rule: a key is bound to the request it came with; the same key with another request is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import insert_into

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("company_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("key", Words, primary_key=True),
    sa.Column("request_hash", Words, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("response", JSON),
    sa.Column("created_at", Moment, nullable=False),
)


class Fresh(Struct, frozen=True):
    """Never seen: do the work and `finish` in the same transaction."""


class Unfinished(Struct, frozen=True):
    """The same request is being worked on, or died half-way in an earlier transaction."""


class Answered(Struct, frozen=True):
    """Done before: give this HTTP status and answer again."""

    status: int
    response: Any


class Mismatch(Struct, frozen=True):
    """The key was used for another request: refuse this one."""


async def begin(
    tx: AsyncConnection, company_id: int, key: str, request_hash: str, now: datetime
) -> Fresh | Unfinished | Answered | Mismatch:
    """Claim a key. A request that comes at the same moment waits until the first one committed."""
    claimed = await tx.execute(
        insert_into(tx, idempotency_keys)
        .values(company_id=company_id, key=key, request_hash=request_hash, created_at=now)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
    )
    if claimed.one_or_none() is not None:
        return Fresh()
    query = sa.select(idempotency_keys).where(
        idempotency_keys.c.company_id == company_id, idempotency_keys.c.key == key
    )
    row = (await tx.execute(query)).one()
    if row.request_hash != request_hash:
        return Mismatch()
    return Unfinished() if row.status is None else Answered(row.status, row.response)


async def finish(
    tx: AsyncConnection, company_id: int, key: str, status: int, response: object
) -> None:
    """Keep the answer for whoever repeats the request."""
    await tx.execute(
        sa.update(idempotency_keys)
        .where(idempotency_keys.c.company_id == company_id, idempotency_keys.c.key == key)
        .values(status=status, response=response)
    )


async def forget(tx: AsyncConnection, before: datetime) -> int:
    """Delete keys made before `before`; how many."""
    result = await tx.execute(
        sa.delete(idempotency_keys).where(idempotency_keys.c.created_at < before)
    )
    return result.rowcount
