"""The first company and its owner, made by whoever comes first to a fresh installation.

Rule: only while there is no user at all. Of two who come at the same moment one wins.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import companies, users

LOCK = 0x7469_7074_6F66  # beside the one of store/migrate.py


async def nobody_yet(tx: AsyncConnection) -> bool:
    """Whether nobody can sign in, because there is no user."""
    return await tx.scalar(sa.select(users.users.c.id).limit(1)) is None


async def begin(
    tx: AsyncConnection,
    *,
    company: str,
    zone: str,
    language: str,
    country: str,
    name: str,
    email: str,
    password: str,
    now: datetime,
) -> tuple[int, int] | None:
    """Make the first company and its owner: their ids, or None when somebody was there already.

    Raises InvalidError for a zone that does not exist and a password that is too short.
    """
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        await tx.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if not await nobody_yet(tx):
        return None
    company_id = await companies.create(
        tx, company, now=now, zone=zone, language=language, country=country
    )
    owner = await users.create(
        tx, company_id, email=email, password=password, name=name, role="owner", now=now
    )
    return company_id, owner
