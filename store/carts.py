"""Carts: what shops told us about baskets and what became of them.

Rule: the shop's own time decides: an older change never overwrites a newer one, and what was
bought never opens again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into

ALIVE = sa.text("status IN ('open', 'abandoned')")

carts = sa.Table(
    "carts",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("connection_id", BigId, sa.ForeignKey("shop_connections.id"), nullable=False),
    sa.Column("cart_key", Words, nullable=False),
    sa.Column("contact_id", BigId, index=True),
    sa.Column("status", Words, nullable=False, default="open"),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("total", Words, nullable=False, default=""),
    sa.Column("currency", Words, nullable=False, default=""),
    sa.Column("data", JSON, nullable=False, default=dict),
    sa.Column("order_key", Words),
    sa.Column("ordered_at", Moment),
    sa.Column("abandoned_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("connection_id", "cart_key"),
    sa.Index(
        "ix_carts_alive", "company_id", "changed_at", sqlite_where=ALIVE, postgresql_where=ALIVE
    ),
)

cart_starts = sa.Table(
    "cart_starts",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("cart_id", BigId, nullable=False, index=True),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_cart_starts_contact_id_at", "contact_id", "at"),
)

Status = Literal["open", "abandoned", "ordered", "recovered", "expired", "emptied"]
BOUGHT: tuple[Status, ...] = ("ordered", "recovered")


class Cart(Struct, frozen=True):
    """A basket. `total` is a decimal string; `data` is the shop's cart in our own words."""

    id: int
    company_id: int
    connection_id: int
    cart_key: str
    contact_id: int | None
    status: Status
    changed_at: datetime
    total: str
    currency: str
    data: dict[str, Any]
    order_key: str | None
    ordered_at: datetime | None
    abandoned_at: datetime | None
    created_at: datetime


class Told(Struct, frozen=True, kw_only=True):
    """What a shop says of a cart. `changed_at` and `begun_at` are the shop's times.

    `contact_id` is None as long as nobody reachable is known; `emptied`: nothing in it any more.
    """

    cart_key: str
    changed_at: datetime
    begun_at: datetime | None = None
    contact_id: int | None = None
    total: str = ""
    currency: str = ""
    data: dict[str, Any] = {}
    emptied: bool = False


async def upsert(
    tx: AsyncConnection, company_id: int, connection_id: int, told: Told, now: datetime
) -> Cart:
    """Remember a cart and return how it stands now; the caller compares what became of it.

    News older than what we know change nothing. A cart that was bought stays bought, an abandoned
    one stays abandoned when its items change, an emptied or expired one opens again when filled.
    A contact, once known, stays when later news do not name one.
    """
    new = insert_into(tx, carts).values(
        company_id=company_id,
        connection_id=connection_id,
        cart_key=told.cart_key,
        contact_id=told.contact_id,
        status="emptied" if told.emptied else "open",
        changed_at=told.changed_at,
        total=told.total,
        currency=told.currency,
        data=told.data,
        created_at=told.begun_at or told.changed_at,
        updated_at=now,
    )
    status = sa.case(
        (carts.c.status.in_(BOUGHT), carts.c.status),
        (new.excluded.status == "emptied", "emptied"),
        (carts.c.status == "abandoned", "abandoned"),
        else_="open",
    )
    kept = new.on_conflict_do_update(
        index_elements=["connection_id", "cart_key"],
        set_={
            "status": status,
            "contact_id": sa.func.coalesce(new.excluded.contact_id, carts.c.contact_id),
            **{name: new.excluded[name] for name in ("changed_at", "total", "currency", "data")},
            "updated_at": now,
        },
        where=carts.c.changed_at <= new.excluded.changed_at,
    )
    await tx.execute(kept)
    query = sa.select(*columns_of(Cart, carts)).where(
        carts.c.connection_id == connection_id, carts.c.cart_key == told.cart_key
    )
    return as_kind(Cart, (await tx.execute(query)).one())


async def mark_ordered(
    tx: AsyncConnection,
    company_id: int,
    *,
    order_key: str,
    ordered_at: datetime,
    now: datetime,
    connection_id: int | None = None,
    cart_keys: Collection[str] = (),
    contact_id: int | None = None,
) -> list[Cart]:
    """End the carts an order belongs to and return them as they are now.

    Those are the carts with one of these keys at this connection (also expired ones), and every
    living cart the contact began before the order (times are the shop's). An order that is told
    twice ends nothing twice.
    """
    belongs = []
    if keys := [key for key in cart_keys if key]:
        belongs.append(
            (carts.c.connection_id == connection_id)
            & carts.c.cart_key.in_(keys)
            & carts.c.status.not_in(BOUGHT)
        )
    if contact_id is not None:  # else every cart of nobody would be meant
        belongs.append(
            (carts.c.contact_id == contact_id) & (carts.c.created_at <= ordered_at) & ALIVE
        )
    if not belongs:
        return []
    ended = await tx.execute(
        sa.update(carts)
        .where(carts.c.company_id == company_id, sa.or_(*belongs))
        .values(status="ordered", order_key=order_key, ordered_at=ordered_at, updated_at=now)
        .returning(*columns_of(Cart, carts))
    )
    return [as_kind(Cart, row) for row in ended]


async def mark_abandoned(tx: AsyncConnection, cart_ids: Collection[int], now: datetime) -> None:
    """Open carts nobody came back to."""
    await tx.execute(
        sa.update(carts)
        .where(carts.c.id.in_(cart_ids), carts.c.status == "open")
        .values(status="abandoned", abandoned_at=now, updated_at=now)
    )


async def mark_recovered(tx: AsyncConnection, cart_ids: Collection[int], now: datetime) -> None:
    """Carts bought because we reminded; only what was ordered can be recovered."""
    await tx.execute(
        sa.update(carts)
        .where(carts.c.id.in_(cart_ids), carts.c.status == "ordered")
        .values(status="recovered", updated_at=now)
    )


async def expire(tx: AsyncConnection, heard_before: datetime, now: datetime) -> int:
    """Give up living carts nothing was heard of since `heard_before`; how many there were."""
    result = await tx.execute(
        sa.update(carts)
        .where(ALIVE, carts.c.updated_at < heard_before)
        .values(status="expired", updated_at=now)
    )
    return result.rowcount


async def of_contact(tx: AsyncConnection, company_id: int, contact_id: int) -> list[Cart]:
    """All carts of a contact, newest change first."""
    query = (
        sa.select(*columns_of(Cart, carts))
        .where(carts.c.company_id == company_id, carts.c.contact_id == contact_id)
        .order_by(carts.c.changed_at.desc(), carts.c.id.desc())
    )
    return [as_kind(Cart, row) for row in await tx.execute(query)]
