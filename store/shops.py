"""Shop connections: where a company's shop events come from.

Rule: the key in the address finds the connection; only its secrets prove who is calling.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of

shop_connections = sa.Table(
    "shop_connections",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False, index=True),
    sa.Column("platform", Words, nullable=False),
    sa.Column("name", Words, nullable=False, default=""),
    sa.Column("domain", Words, nullable=False, default=""),
    sa.Column("key", Words, nullable=False, unique=True),
    sa.Column("secrets", JSON, nullable=False, default=list),
    sa.Column("country", Words, nullable=False, default=""),
    sa.Column("status", Words, nullable=False, default="active"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_event_at", Moment),
)

KEY_BYTES = 18  # 144 random bits: for shops that cannot sign, the address is the only secret


class Shop(Struct, frozen=True):
    """A connection. Several `secrets` are valid at once while one is being replaced."""

    id: int
    company_id: int
    platform: str
    name: str
    domain: str
    key: str
    secrets: list[str]
    country: str
    status: str
    created_at: datetime
    last_event_at: datetime | None


async def create(
    tx: AsyncConnection,
    company_id: int,
    platform: str,
    now: datetime,
    *,
    name: str = "",
    domain: str = "",
    shop_secrets: Sequence[str] = (),
    country: str = "",
) -> Shop:
    """Connect a shop; its `key` is the unguessable part of the webhook address."""
    made = await tx.execute(
        sa.insert(shop_connections)
        .values(
            company_id=company_id,
            platform=platform,
            name=name,
            domain=domain,
            key=secrets.token_urlsafe(KEY_BYTES),
            secrets=list(shop_secrets),
            country=country,
            created_at=now,
        )
        .returning(*columns_of(Shop, shop_connections))
    )
    return as_kind(Shop, made.one())


async def find_by_key(tx: AsyncConnection, key: str) -> Shop | None:
    """The connection whose webhook address has this key, or None."""
    query = sa.select(*columns_of(Shop, shop_connections)).where(shop_connections.c.key == key)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Shop, row)


async def of_company(tx: AsyncConnection, company_id: int) -> list[Shop]:
    """All connections of a company, in the order they were made."""
    query = (
        sa.select(*columns_of(Shop, shop_connections))
        .where(shop_connections.c.company_id == company_id)
        .order_by(shop_connections.c.id)
    )
    return [as_kind(Shop, row) for row in await tx.execute(query)]


async def set_secrets(
    tx: AsyncConnection, company_id: int, shop_id: int, shop_secrets: Sequence[str]
) -> None:
    """Replace the secrets; keep the old one in the list while the shop still signs with it."""
    await tx.execute(
        sa.update(shop_connections)
        .where(shop_connections.c.company_id == company_id, shop_connections.c.id == shop_id)
        .values(secrets=list(shop_secrets))
    )


async def note_event(tx: AsyncConnection, shop_id: int, now: datetime) -> None:
    """Remember that the shop spoke to us: a shop that goes silent is worth an alert."""
    await tx.execute(
        sa.update(shop_connections)
        .where(shop_connections.c.id == shop_id)
        .values(last_event_at=now)
    )


async def set_status(tx: AsyncConnection, shop_id: int, status: str) -> None:
    """`active`, or `uninstalled` once the shop has sent us away."""
    await tx.execute(
        sa.update(shop_connections).where(shop_connections.c.id == shop_id).values(status=status)
    )
