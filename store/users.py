"""Users: the people who log in.

Rule: a wrong password and an unknown e-mail cost the same work and give the same answer.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import lru_cache
from typing import Literal

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.errors import InvalidError

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False, index=True),
    sa.Column("email", Words, nullable=False, unique=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("role", Words, nullable=False),
    sa.Column("password_hash", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment),
)

Role = Literal["owner", "admin", "editor", "agent", "viewer"]
MIN_PASSWORD = 10  # letters; NIST SP 800-63B asks for 8, length is what protects
HASHER = PasswordHasher()  # argon2id with the library's current recommendation (RFC 9106)


class User(Struct, frozen=True):
    """A person who may log in to one company."""

    id: int
    company_id: int
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


async def create(
    tx: AsyncConnection,
    company_id: int,
    *,
    email: str,
    password: str,
    name: str = "",
    role: Role = "viewer",
    now: datetime,
) -> int:
    """Make a user and return their id.

    Raises InvalidError for a short password or an e-mail that is taken (in any company).
    """
    password_hash = await _hash(password)
    row = await tx.execute(
        insert_into(tx, users)
        .values(
            company_id=company_id,
            email=_normal(email),
            name=name,
            role=role,
            password_hash=password_hash,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(users.c.id)
    )
    if (user_id := row.scalar_one_or_none()) is None:
        message = f"a user with the e-mail {_normal(email)} exists already"
        raise InvalidError(message)
    return int(user_id)


async def verify(tx: AsyncConnection, email: str, password: str) -> User | None:
    """The user these belong to; None when e-mail, password or a disabled user is in the way.

    Takes long on purpose (argon2), so it wants a `read`: no writer should wait for it.
    """
    query = sa.select(*columns_of(User, users), users.c.password_hash).where(
        users.c.email == _normal(email)
    )
    row = (await tx.execute(query)).one_or_none()
    stored = row.password_hash if row is not None else await asyncio.to_thread(_nobodys_hash)
    right = await asyncio.to_thread(_matches, stored, password)
    if row is None or not right or row.disabled_at is not None:
        return None
    return as_kind(User, row)


async def renew(tx: AsyncConnection, user_id: int, password: str) -> None:
    """After a right `password`: replace a hash that is weaker than today's."""
    stored = await tx.scalar(sa.select(users.c.password_hash).where(users.c.id == user_id))
    if stored is not None and HASHER.check_needs_rehash(stored):
        renewed = await asyncio.to_thread(HASHER.hash, password)
        await tx.execute(
            sa.update(users).where(users.c.id == user_id).values(password_hash=renewed)
        )


async def find_by_email(tx: AsyncConnection, email: str) -> User | None:
    """The user with this e-mail, upper and lower case alike."""
    query = sa.select(*columns_of(User, users)).where(users.c.email == _normal(email))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(User, row)


async def of_company(tx: AsyncConnection, company_id: int) -> list[User]:
    """Everybody of a company, in the order they joined."""
    query = (
        sa.select(*columns_of(User, users))
        .where(users.c.company_id == company_id)
        .order_by(users.c.id)
    )
    return [as_kind(User, row) for row in await tx.execute(query)]


async def set_password(tx: AsyncConnection, user_id: int, password: str) -> None:
    """Give a user a new password. Raises InvalidError when it is too short."""
    password_hash = await _hash(password)
    await tx.execute(
        sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


async def disable(tx: AsyncConnection, company_id: int, user_id: int, now: datetime) -> None:
    """Keep a user from logging in; open sessions end with it (`sessions.find_user`)."""
    await tx.execute(
        sa.update(users)
        .where(users.c.company_id == company_id, users.c.id == user_id)
        .where(users.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )


def _normal(email: str) -> str:
    return email.strip().lower()


async def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        message = f"a password needs at least {MIN_PASSWORD} letters"
        raise InvalidError(message)
    return await asyncio.to_thread(HASHER.hash, password)


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash("an unknown e-mail costs the same work as a wrong password")
