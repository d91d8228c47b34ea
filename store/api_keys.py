"""API keys: a machine that may act for a company.

Rule: the key itself is shown once, when it is made; only its hash and last four letters are kept.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False, index=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("key_hash", Words, nullable=False, unique=True),
    sa.Column("last4", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Column("last_used_at", Moment),
)

PREFIX = "tt_"  # lets people and secret scanners recognise a key of ours
RANDOM_BYTES = 30  # 40 letters in URL-safe base64
SHOWN = 4
USE_NOTED_EVERY = timedelta(minutes=1)  # so that a busy key is not one hot row


class ApiKey(Struct, frozen=True):
    """A key as the settings page lists it; `last4` helps to tell keys apart."""

    id: int
    company_id: int
    name: str
    last4: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


async def create(tx: AsyncConnection, company_id: int, name: str, now: datetime) -> str:
    """Make a key and return it in plain: the only time it can be seen."""
    key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    await tx.execute(
        sa.insert(api_keys).values(
            company_id=company_id,
            name=name,
            key_hash=_digest(key),
            last4=key[-SHOWN:],
            created_at=now,
        )
    )
    return key


async def find_company(tx: AsyncConnection, key: str) -> ApiKey | None:
    """The key's row, which names its company; None when it is unknown or revoked."""
    query = sa.select(*columns_of(ApiKey, api_keys)).where(
        api_keys.c.key_hash == _digest(key), api_keys.c.revoked_at.is_(None)
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(ApiKey, row)


async def of_company(tx: AsyncConnection, company_id: int) -> list[ApiKey]:
    """All keys of a company, revoked ones too, newest first."""
    query = (
        sa.select(*columns_of(ApiKey, api_keys))
        .where(api_keys.c.company_id == company_id)
        .order_by(api_keys.c.id.desc())
    )
    return [as_kind(ApiKey, row) for row in await tx.execute(query)]


def use_is_worth_noting(key: ApiKey, now: datetime) -> bool:
    """Whether `note_use` would change anything: saves most calls a write transaction."""
    return key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY


async def note_use(tx: AsyncConnection, key_id: int, now: datetime) -> None:
    """Remember that a key was used just now."""
    await tx.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


async def revoke(tx: AsyncConnection, company_id: int, key_id: int, now: datetime) -> None:
    """Let a key open nothing any more."""
    await tx.execute(
        sa.update(api_keys)
        .where(api_keys.c.company_id == company_id, api_keys.c.id == key_id)
        .where(api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
