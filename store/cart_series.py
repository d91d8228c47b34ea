"""Which living carts are abandoned by now, and for which automation a series was started.

Rules (commerce): reachable and willing contact, something in the cart, the contact's newest living
cart only, and no second series of one automation for one contact within a day.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.carts import cart_starts, carts, mark_abandoned
from store.columns import BigId, Moment
from store.contacts import contact_addresses, contacts
from store.database import as_kind, insert_into, insert_rows, skip_locked

LIVING = carts.c.status.in_(("open", "abandoned"))


class CartRule(msgspec.Struct, frozen=True):
    """A live automation that abandoned carts start: those last changed up to `before`.

    `needs_consent`: only of contacts who said yes; otherwise of all who did not say no.
    """

    company_id: int
    automation_id: int
    before: datetime
    needs_consent: bool = False


class DueCart(msgspec.Struct, frozen=True):
    """A cart that is abandoned for one automation."""

    id: int
    company_id: int
    contact_id: int
    connection_id: int
    automation_id: int
    changed_at: datetime
    total: str
    currency: str
    data: dict[str, Any]


async def companies_with_living(tx: AsyncConnection, since: datetime) -> list[int]:
    """Companies that have a living cart changed after `since`."""
    query = sa.select(carts.c.company_id).where(LIVING, carts.c.updated_at > since).distinct()
    return list((await tx.execute(query)).scalars())


async def due(
    tx: AsyncConnection,
    rules: Sequence[CartRule],
    *,
    oldest: datetime,
    quiet_since: datetime,
    limit: int,
) -> list[DueCart]:
    """Carts that `rules` find abandoned, oldest first, nobody else's until `tx` ends."""
    rule = _as_table(rules)
    query = (
        sa.select(
            carts.c.id,
            carts.c.company_id,
            carts.c.contact_id,
            carts.c.connection_id,
            rule.c.automation_id,
            carts.c.changed_at,
            carts.c.total,
            carts.c.currency,
            carts.c.data,
        )
        .join(rule, sa.and_(rule.c.company_id == carts.c.company_id))
        .where(carts.c.changed_at <= rule.c.before)
        .where(_startable(rule, oldest, quiet_since))
        .order_by(carts.c.changed_at, carts.c.id)
        .limit(limit)
    )
    return [as_kind(DueCart, row) for row in await tx.execute(skip_locked(tx, query, carts))]


async def next_due(
    tx: AsyncConnection,
    rules: Sequence[CartRule],
    now: datetime,
    *,
    oldest: datetime,
    quiet_since: datetime,
) -> datetime | None:
    """When the next living cart becomes due under `rules` made at `now`; None when none will."""
    if not rules:
        return None
    rule = _as_table(rules)
    query = (
        sa.select(sa.func.min(carts.c.changed_at, type_=Moment()), rule.c.before)
        .join(rule, rule.c.company_id == carts.c.company_id)
        .where(_startable(rule, oldest, quiet_since))
        .group_by(rule.c.before)
    )
    times = [changed + (now - before) for changed, before in await tx.execute(query)]
    return min(times, default=None)


async def start_series(tx: AsyncConnection, started: Sequence[DueCart], now: datetime) -> None:
    """Remember that these carts started their automations, and call them abandoned."""
    await insert_rows(
        tx,
        cart_starts,
        [
            {
                "company_id": one.company_id,
                "cart_id": one.id,
                "automation_id": one.automation_id,
                "contact_id": one.contact_id,
                "at": now,
            }
            for one in started
        ],
    )
    await mark_abandoned(tx, {one.id for one in started}, now)


async def started_for(tx: AsyncConnection, cart_ids: Collection[int]) -> set[int]:
    """Those of `cart_ids` for which a series was ever started."""
    query = sa.select(cart_starts.c.cart_id).where(cart_starts.c.cart_id.in_(cart_ids)).distinct()
    return set((await tx.execute(query)).scalars())


def _as_table(rules: Sequence[CartRule]) -> sa.CTE:
    columns = (
        sa.column("company_id", BigId),
        sa.column("automation_id", BigId),
        sa.column("before", Moment()),
        sa.column("needs_consent", sa.Boolean()),
    )
    rows = [msgspec.structs.astuple(one) for one in rules]
    return sa.values(*columns, name="rule").data(rows).cte("rule")


def _startable(rule: sa.CTE, oldest: datetime, quiet_since: datetime) -> sa.ColumnElement[bool]:
    newer = carts.alias("newer")
    reachable = sa.exists().where(
        contacts.c.id == carts.c.contact_id,
        contacts.c.consent != "no",
        sa.or_(~rule.c.needs_consent, contacts.c.consent == "yes"),
        contacts.c.blocked_at.is_(None),
        contacts.c.deleted_at.is_(None),
        contact_addresses.c.contact_id == contacts.c.id,
        contact_addresses.c.kind_space != "email",
    )
    superseded = sa.exists().where(
        newer.c.contact_id == carts.c.contact_id,
        newer.c.company_id == carts.c.company_id,
        newer.c.status.in_(("open", "abandoned")),
        sa.or_(
            newer.c.changed_at > carts.c.changed_at,
            sa.and_(newer.c.changed_at == carts.c.changed_at, newer.c.id > carts.c.id),
        ),
    )
    started = sa.exists().where(
        cart_starts.c.automation_id == rule.c.automation_id,
        cart_starts.c.contact_id == carts.c.contact_id,
        sa.or_(
            cart_starts.c.at > quiet_since,
            sa.and_(cart_starts.c.cart_id == carts.c.id, cart_starts.c.at >= carts.c.changed_at),
        ),
    )
    return sa.and_(LIVING, carts.c.updated_at > oldest, reachable, ~superseded, ~started)


async def remember_bought(
    tx: AsyncConnection,
    company_id: int,
    connection_id: int,
    cart_key: str,
    *,
    contact_id: int | None,
    order_key: str,
    ordered_at: datetime,
    now: datetime,
) -> None:
    """Keep a cart that was bought before we ever heard of it, so that late news cannot open it."""
    await tx.execute(
        insert_into(tx, carts)
        .values(
            company_id=company_id,
            connection_id=connection_id,
            cart_key=cart_key,
            contact_id=contact_id,
            status="ordered",
            changed_at=ordered_at,
            order_key=order_key,
            ordered_at=ordered_at,
            created_at=ordered_at,
            updated_at=now,
        )
        .on_conflict_do_nothing(index_elements=["connection_id", "cart_key"])
    )


async def empty_by_token(
    tx: AsyncConnection, connection_id: int, token: str, now: datetime
) -> list[int]:
    """Empty living carts known by the shop's second name for them; their ids."""
    emptied = await tx.execute(
        sa.update(carts)
        .where(carts.c.connection_id == connection_id, LIVING)
        .where(carts.c.data["token"].as_string() == token)
        .values(status="emptied", updated_at=now)
        .returning(carts.c.id)
    )
    return sorted(emptied.scalars())


async def contact_of_order(tx: AsyncConnection, connection_id: int, order_key: str) -> int | None:
    """Whose cart became this order; None when we never knew."""
    if not order_key:
        return None
    query = sa.select(carts.c.contact_id).where(
        carts.c.connection_id == connection_id,
        carts.c.order_key == order_key,
        carts.c.contact_id.is_not(None),
    )
    found: int | None = await tx.scalar(query.limit(1))
    return found
