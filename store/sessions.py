"""Sessions: a browser that is logged in.

Rule: only the hash of the cookie's token is stored; a leaked table opens no session.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of
from store.users import User, users

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
)

TOKEN_BYTES = 32  # 256 random bits: nothing to guess, so a plain fast hash is enough


async def open_for(tx: AsyncConnection, user_id: int, now: datetime, lifetime: timedelta) -> str:
    """Log a user in and return the token for the cookie."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    await tx.execute(
        sa.insert(sessions).values(
            id=_digest(token), user_id=user_id, created_at=now, expires_at=now + lifetime
        )
    )
    return token


async def find_user(tx: AsyncConnection, token: str, now: datetime) -> User | None:
    """Who this token belongs to; None when it is unknown, over, revoked or the user disabled."""
    query = (
        sa.select(*columns_of(User, users))
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.id == _digest(token))
        .where(sessions.c.expires_at > now, sessions.c.revoked_at.is_(None))
        .where(users.c.disabled_at.is_(None))
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(User, row)


async def revoke(tx: AsyncConnection, token: str, now: datetime) -> None:
    """Log this browser out."""
    await tx.execute(
        sa.update(sessions)
        .where(sessions.c.id == _digest(token), sessions.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def revoke_all(tx: AsyncConnection, user_id: int, now: datetime) -> None:
    """Log a user out everywhere, for instance after a change of password."""
    await tx.execute(
        sa.update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def forget_expired(tx: AsyncConnection, before: datetime) -> int:
    """Delete sessions that ended before `before`; how many there were."""
    result = await tx.execute(sa.delete(sessions).where(sessions.c.expires_at < before))
    return result.rowcount


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
