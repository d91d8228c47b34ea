"""Carts whose wait is over become `cart.abandoned` events, once per automation and change.

Due is not stored: it is the cart's last change plus the wait of each live trigger, so a wait that
is edited counts at once. Rules: the newest living cart of a contact only; one series per contact
and automation within 24 hours; nothing after 7 days.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.flowcache import FlowCache
from engine.scene import Live
from flows.duration import parse_duration
from flows.events import ShopHappened
from store import cart_series, companies, events
from store.cart_series import CartRule, DueCart
from store.database import Database
from triggers.shop import Shop

QUIET = timedelta(hours=24)  # no second series for the same contact within this time
EXPIRES = timedelta(days=7)  # older carts are nobody's business any more
BATCH = 1_000


async def ring_carts(database: Database, flows: FlowCache, now: datetime) -> int:
    """Turn due carts into events; how many there were."""
    async with database.read() as tx:
        company_ids = await cart_series.companies_with_living(tx, now - EXPIRES)
        if not company_ids:
            return 0
        rules = await _rules(tx, flows, company_ids, now)
    if not rules:
        return 0
    total = 0
    while True:
        async with database.write("engine.carts") as tx:
            count = await _abandon(tx, rules, now)
        total += count
        if count < BATCH:
            return total


async def next_due(tx: AsyncConnection, flows: FlowCache, now: datetime) -> datetime | None:
    """When the next living cart becomes due, None when none waits: for those who move clocks."""
    company_ids = await cart_series.companies_with_living(tx, now - EXPIRES)
    if not company_ids:
        return None
    rules = await _rules(tx, flows, company_ids, now)
    return await cart_series.next_due(tx, rules, now, oldest=now - EXPIRES, quiet_since=now - QUIET)


async def _rules(
    tx: AsyncConnection, flows: FlowCache, company_ids: Collection[int], now: datetime
) -> list[CartRule]:
    known = await companies.find_many(tx, company_ids)
    return [
        CartRule(
            company_id,
            one.automation_id,
            now - wait,
            known[company_id].settings.cart_marketing_needs_consent,
        )
        for company_id, automations in (await flows.live(tx, company_ids)).items()
        for one in automations
        if (wait := _wait(one)) is not None
    ]


def _wait(live: Live) -> timedelta | None:
    """How long a cart must rest to start this automation; the shortest of its triggers."""
    waits = [
        parse_duration(trigger.wait)
        for trigger in live.flow.triggers.values()
        if isinstance(trigger, Shop) and trigger.on == "cart.abandoned"
    ]
    return min(waits, default=None)


async def _abandon(tx: AsyncConnection, rules: list[CartRule], now: datetime) -> int:
    due = await cart_series.due(
        tx, rules, oldest=now - EXPIRES, quiet_since=now - QUIET, limit=BATCH
    )
    if not due:
        return 0
    rows = [_event(cart, now) for cart in due]
    await events.insert_many(tx, rows)
    await cart_series.start_series(tx, due, now)
    return len(due)


def _event(cart: DueCart, now: datetime) -> dict[str, Any]:
    happened = ShopHappened(
        kind="cart.abandoned",
        data={"cart": cart.data | {"total": cart.total, "currency": cart.currency}},
        shop=str(cart.connection_id),
        automation_id=cart.automation_id,
        cart_id=cart.id,
    )
    return {
        "company_id": cart.company_id,
        "contact_id": cart.contact_id,
        "kind": "shop",
        "data": msgspec.to_builtins(happened),
        "source_id": f"cart:{cart.id}:{cart.automation_id}:{cart.changed_at.isoformat()}",
        "run_id": None,
        "at": now,
        "created_at": now,
    }
