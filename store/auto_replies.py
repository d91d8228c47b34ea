"""Auto-reply rules: words and the text that answers them, of one company or of the whole house.

Rule: a rule here is what its author sees; what answers customers is an ordinary automation that
is kept like it (`engine/auto_replies.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.words import Way
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of
from store.errors import NotFoundError

auto_replies = sa.Table(
    "auto_replies",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, index=True),  # empty: a rule of the house
    sa.Column("match", Words, nullable=False),
    sa.Column("words", JSON, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False, default=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)


class AutoReply(Struct, frozen=True):
    """A rule: a message that fits any of `words` is answered with `text`, which may hold
    variables. `company_id` None: of the house.
    """

    id: int
    company_id: int | None
    match: Way
    words: list[str]
    text: str
    enabled: bool
    created_at: datetime
    updated_at: datetime


async def of_owner(tx: AsyncConnection, company_id: int | None) -> list[AutoReply]:
    """All rules of a company, or of the house, oldest first."""
    query = sa.select(*columns_of(AutoReply, auto_replies)).where(_owner(company_id))
    return [as_kind(AutoReply, row) for row in await tx.execute(query.order_by(auto_replies.c.id))]


async def get(tx: AsyncConnection, company_id: int | None, rule_id: int) -> AutoReply:
    """One rule. Raises NotFoundError, also for somebody else's."""
    query = sa.select(*columns_of(AutoReply, auto_replies)).where(
        _owner(company_id), auto_replies.c.id == rule_id
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise _missing(rule_id)
    return as_kind(AutoReply, row)


async def create(
    tx: AsyncConnection, company_id: int | None, now: datetime, **values: Any
) -> AutoReply:
    """Make a rule of `match`, `words`, `text` and `enabled`."""
    made = await tx.execute(
        sa.insert(auto_replies)
        .values(company_id=company_id, created_at=now, updated_at=now, **values)
        .returning(auto_replies.c.id)
    )
    return await get(tx, company_id, int(made.scalar_one()))


async def change(
    tx: AsyncConnection, company_id: int | None, rule_id: int, now: datetime, **values: Any
) -> AutoReply:
    """Change what is given of `match`, `words`, `text` and `enabled`. Raises NotFoundError."""
    await tx.execute(
        sa.update(auto_replies)
        .where(_owner(company_id), auto_replies.c.id == rule_id)
        .values(updated_at=now, **values)
    )
    return await get(tx, company_id, rule_id)


async def delete(tx: AsyncConnection, company_id: int | None, rule_id: int) -> None:
    """Take a rule away; it may be gone already."""
    await tx.execute(
        sa.delete(auto_replies).where(_owner(company_id), auto_replies.c.id == rule_id)
    )


def _owner(company_id: int | None) -> sa.ColumnElement[bool]:
    own = auto_replies.c.company_id
    return own.is_(None) if company_id is None else own == company_id


def _missing(rule_id: int) -> NotFoundError:
    return NotFoundError(f"auto-reply {rule_id} does not exist")
