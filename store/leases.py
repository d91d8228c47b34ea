"""Leases: which worker owns a phone that only one may speak for.

Rule: a phone has at most one owner. All times are real ones, like heartbeats: who owns a phone
must not depend on a clock that somebody moves.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.companies import companies
from store.database import skip_locked
from store.phones import phones


async def are_needed(tx: AsyncConnection, kind: str) -> bool:
    """Whether there is any phone of this kind."""
    query = sa.select(phones.c.id).where(phones.c.kind == kind).limit(1)
    return (await tx.execute(query)).scalar_one_or_none() is not None


async def take(
    tx: AsyncConnection, kind: str, owner: str, now: datetime, until: datetime, at_most: int
) -> set[int]:
    """Own up to `at_most` phones of a kind that nobody owns (any more); the ids of those.

    All phones of a company have one owner, who alone can choose among them.
    """
    other = phones.alias("other")
    elsewhere = sa.exists().where(
        other.c.company_id == phones.c.company_id,
        other.c.kind == kind,
        other.c.lease_owner != owner,
        other.c.lease_until > now,
    )
    free = (
        sa.select(phones.c.id)
        .join(companies, companies.c.id == phones.c.company_id)
        .where(phones.c.kind == kind, ~elsewhere)
        .where(sa.or_(phones.c.lease_until.is_(None), phones.c.lease_until <= now))
        .order_by(phones.c.company_id, phones.c.id)
        .limit(at_most)
    )
    ids = list((await tx.execute(skip_locked(tx, free, companies))).scalars())
    if ids:
        await tx.execute(
            sa.update(phones)
            .where(phones.c.id.in_(ids))
            .values(lease_owner=owner, lease_until=until)
        )
    return set(ids)


async def companies_of_others(
    tx: AsyncConnection, kinds: Collection[str], owner: str, now: datetime
) -> set[int]:
    """Companies with a phone of these kinds that somebody else owns."""
    if not kinds:
        return set()
    query = sa.select(phones.c.company_id).where(
        phones.c.kind.in_(kinds), phones.c.lease_owner != owner, phones.c.lease_until > now
    )
    return set((await tx.execute(query.distinct())).scalars())


async def renew(
    tx: AsyncConnection, kind: str, owner: str, now: datetime, until: datetime
) -> set[int]:
    """Own what `owner` still owns for longer; the ids of it. A lease that ran out is lost."""
    kept = await tx.execute(
        sa.update(phones)
        .where(phones.c.kind == kind, phones.c.lease_owner == owner, phones.c.lease_until > now)
        .values(lease_until=until)
        .returning(phones.c.id)
    )
    return set(kept.scalars())


async def give_up(tx: AsyncConnection, owner: str, phone_ids: Collection[int]) -> None:
    """Let somebody else own these at once."""
    await tx.execute(
        sa.update(phones)
        .where(phones.c.id.in_(phone_ids), phones.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None)
    )
