"""What shops tell us, into rows: contact, cart, event. Called inside the webhook's transaction.

Rules: told twice is written once; an order ends carts here and now, so that nobody waits for the
engine to know it; test orders are ignored; consent is only taken as the company decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast, get_args

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import ShopHappened, ShopKind
from store import cart_series, carts, changes, companies, contact_list, events, shops
from store.addresses import Address
from store.carts import Cart, Told
from store.erasure import erase
from store.resolve import resolve
from store.shops import Shop
from triggers.shops.base import ShopEvent, cart_data, first_number, order_data

BUYS = ("order.created", "order.paid", "order.fulfilled", "order.delivered")
KINDS = frozenset(get_args(ShopKind))
log = structlog.get_logger(__name__)


async def take_in(tx: AsyncConnection, shop: Shop, told: Sequence[ShopEvent], now: datetime) -> int:
    """Remember what `shop` told us; how many new events it made for the engine."""
    written = 0
    for event in told:
        if event.test:
            continue
        rows = await _rows(tx, shop, event, now)
        written += len(await events.insert_many(tx, rows))
        log.info("shop told", company=shop.company_id, shop=shop.id, kind=event.kind)
    await shops.note_event(tx, shop.id, now)
    return written


async def _rows(
    tx: AsyncConnection, shop: Shop, event: ShopEvent, now: datetime
) -> list[dict[str, Any]]:
    if event.kind == "shop.uninstalled":
        await shops.set_status(tx, shop.id, "uninstalled")
        return []
    contact_id = await _contact(tx, shop, event, now)
    if event.kind == "customer.redacted":
        if contact_id is not None:
            await erase(tx, [contact_id], now)
        return []
    if contact_id is not None:
        await _consent(tx, shop, event, contact_id, now)
    bought = await _carts(tx, shop, event, contact_id, now)
    rows = [
        _row(shop, "cart.recovered", cart.contact_id, {"cart": _cart_words(cart)}, cart, now)
        for cart in bought
        if cart.contact_id is not None
    ]
    if contact_id is not None and event.kind in KINDS:
        rows.append(_own_row(shop, event, contact_id, now))
    return rows


async def _contact(tx: AsyncConnection, shop: Shop, event: ShopEvent, now: datetime) -> int | None:
    """Whom the event is about; somebody without a usable number is only found, never made."""
    number = first_number(event.phones, event.country or shop.country)
    if number is None:
        if event.email:
            known = await contact_list.find_by_email(tx, shop.company_id, event.email)
            if known:
                return known[0]
        # Parcels and refunds name nobody, but we know whose order it was.
        return await cart_series.contact_of_order(tx, shop.id, event.order_key)
    addresses = [Address("phone", number)]
    if event.email:
        addresses.append(Address("email", event.email))
    return await resolve(
        tx,
        shop.company_id,
        addresses,
        now=now,
        name=event.name,
        first_name=event.first_name,
        last_name=event.last_name,
        language=event.locale,
        country=event.country,
    )


async def _consent(
    tx: AsyncConnection, shop: Shop, event: ShopEvent, contact_id: int, now: datetime
) -> None:
    """A yes never overrules what the contact told us themselves."""
    said = event.consent
    if said == "unknown" and event.sms_consent != "unknown":
        company = await companies.get(tx, shop.company_id)
        if company.settings.sms_consent_counts:
            said = event.sms_consent
    if said != "unknown":
        source = f"{shop.platform}: {event.kind}"
        await changes.consent(
            tx, shop.company_id, [contact_id], said, now, source=source, by="shop", third_party=True
        )


async def _carts(
    tx: AsyncConnection, shop: Shop, event: ShopEvent, contact_id: int | None, now: datetime
) -> list[Cart]:
    """Bring the carts up to date; those that were bought after we had reminded of them."""
    at = event.occurred_at or now
    if event.kind == "cart.deleted":
        if event.cart_key:
            gone = Told(cart_key=event.cart_key, changed_at=at, emptied=True)
            await carts.upsert(tx, shop.company_id, shop.id, gone, now)
        elif event.cart_token:
            await cart_series.empty_by_token(tx, shop.id, event.cart_token, now)
        return []
    if event.kind == "cart.updated" and event.cart_key:
        told = Told(
            cart_key=event.cart_key,
            changed_at=at,
            begun_at=event.created_at,
            contact_id=contact_id,
            total=event.total,
            currency=event.currency,
            data=cart_data(event),
            emptied=not event.items and not event.completed,
        )
        await carts.upsert(tx, shop.company_id, shop.id, told, now)
    elif event.kind not in BUYS:
        return []
    if not event.completed:
        return []
    return await _bought(tx, shop, event, contact_id, now)


async def _bought(
    tx: AsyncConnection, shop: Shop, event: ShopEvent, contact_id: int | None, now: datetime
) -> list[Cart]:
    ordered_at = event.created_at if event.order_key else event.occurred_at
    ordered_at = ordered_at or now
    ended = await carts.mark_ordered(
        tx,
        shop.company_id,
        order_key=event.order_key,
        ordered_at=ordered_at,
        now=now,
        connection_id=shop.id,
        cart_keys=[event.cart_key],
        contact_id=contact_id,
    )
    if event.cart_key:
        await cart_series.remember_bought(
            tx,
            shop.company_id,
            shop.id,
            event.cart_key,
            contact_id=contact_id,
            order_key=event.order_key,
            ordered_at=ordered_at,
            now=now,
        )
    reminded = await cart_series.started_for(tx, [cart.id for cart in ended])
    back = [cart for cart in ended if cart.id in reminded]
    await carts.mark_recovered(tx, [cart.id for cart in back], now)
    return back


def _own_row(shop: Shop, event: ShopEvent, contact_id: int, now: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {"shop": {"name": shop.name, "domain": shop.domain}}
    if event.kind.startswith("cart."):
        data["cart"] = cart_data(event)
    elif event.kind.startswith(("order.", "payment.")):
        data["order"] = order_data(event)
    row = _row(shop, cast("ShopKind", event.kind), contact_id, data, None, now)
    return row | {"source_id": f"shop:{shop.id}:{event.once or event.event_key}"}


def _cart_words(cart: Cart) -> dict[str, Any]:
    return cart.data | {"total": cart.total, "currency": cart.currency}


def _row(
    shop: Shop,
    kind: ShopKind,
    contact_id: int | None,
    data: dict[str, Any],
    cart: Cart | None,
    now: datetime,
) -> dict[str, Any]:
    cart_id = cart.id if cart is not None else 0
    happened = ShopHappened(kind=kind, data=data, shop=str(shop.id), cart_id=cart_id)
    return {
        "company_id": shop.company_id,
        "contact_id": contact_id,
        "kind": "shop",
        "data": msgspec.to_builtins(happened),
        "source_id": f"{kind}:{cart_id}",
        "run_id": None,
        "at": now,
        "created_at": now,
    }
