"""Links of ours in messages: where each leads, and whether it was opened.

Rule: a link leads only where the message's author pointed it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of

links = sa.Table(
    "links",
    metadata,
    sa.Column("token", Words, primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("run_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("step", Words, nullable=False),
    sa.Column("url", Words, nullable=False),
    sa.Column("clicks", sa.Integer, nullable=False, default=0),
    sa.Column("first_clicked_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_links_created_at", "created_at"),
)


TOKEN_BYTES = 9  # of chance, twelve signs: nobody finds somebody else's link by trying


def new_token() -> str:
    """A link's own part of its address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Link(Struct, frozen=True):
    """A link of ours. `clicks` counts people, not the programs that look ahead."""

    token: str
    company_id: int
    contact_id: int
    run_id: int
    step: str
    url: str
    clicks: int


async def insert_many(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new links: token, company, contact, run and automation id, step, url, created_at."""
    await bulk.insert_all(tx, links, rows)


async def find(tx: AsyncConnection, token: str) -> Link | None:
    """The link, None for one that was never made or is forgotten."""
    query = sa.select(*columns_of(Link, links)).where(links.c.token == token)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Link, row)


async def count_click(tx: AsyncConnection, token: str, now: datetime) -> bool:
    """Somebody opened it; whether that was the first time."""
    first = sa.func.coalesce(links.c.first_clicked_at, sa.bindparam("now", now, Moment()))
    counted = await tx.execute(
        sa.update(links)
        .where(links.c.token == token)
        .values(clicks=links.c.clicks + 1, first_clicked_at=first)
        .returning(links.c.clicks)
    )
    clicks: int | None = counted.scalar_one_or_none()
    return clicks == 1


async def forget(tx: AsyncConnection, before: datetime) -> None:
    """Delete links made before `before`."""
    await tx.execute(sa.delete(links).where(links.c.created_at < before))
