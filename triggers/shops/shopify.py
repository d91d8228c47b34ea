"""Shopify: its signature, and what its topics say. PURE.

Source: Shopify's webhook reference (headers, HMAC over the raw body, shapes up to 2026-04).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from triggers.shops._shopify_parts import items, tracking, who
from triggers.shops.base import (
    Kind,
    NotJson,
    ShopEvent,
    amount,
    digest,
    moment,
    part,
    parts,
    text,
)

SOURCE = "shopify"
_READER = msgspec.json.Decoder(float_hook=Decimal)  # an amount never becomes a float
_GONE = ("cancelled", "error", "failure")  # fulfillments that came to nothing


class _Delivery(Struct, frozen=True):
    """One delivery, opened."""

    body: dict[str, Any]
    shop: str
    key: str
    at: datetime | None
    country: str


def verify(raw: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether one of the app's client secrets has signed `raw` (two are valid while changing).

    Compared in constant time; a delivery without the header is refused.
    """
    given = _lower(headers).get("x-shopify-hmac-sha256", "").strip().encode()
    genuine = False
    for secret in secrets:
        made = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest())
        genuine |= bool(secret) and hmac.compare_digest(made, given)
    return genuine


def read(raw: bytes, headers: Mapping[str, str], *, country: str = "") -> list[ShopEvent]:
    """What a delivery says; nothing for topics that mean nothing to us.

    `country` (ISO 3166 alpha-2) places phone numbers that stand in no address. Raises NotJson.
    """
    names = _lower(headers)
    topic = names.get("x-shopify-topic", "")
    reader = _TOPICS.get(topic)
    if reader is None:
        return []
    try:
        body = _READER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error
    if not isinstance(body, dict):
        return []
    shop = names.get("x-shopify-shop-domain") or text(body.get("shop_domain"))
    key = names.get("x-shopify-event-id") or digest(topic, raw)
    at = moment(names.get("x-shopify-triggered-at"))
    event = reader(_Delivery(body, shop.lower(), key, at, country.upper()))
    return [] if event is None else [event]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _event(delivery: _Delivery, kind: Kind, at: datetime | None, **known: Any) -> ShopEvent:
    return ShopEvent(
        kind=kind,
        source=SOURCE,
        shop=delivery.shop,
        event_key=delivery.key,
        occurred_at=at or delivery.at,
        **known,
    )


def _checkout(delivery: _Delivery) -> ShopEvent | None:
    body = delivery.body
    if not text(body.get("token")):
        return None
    return _event(
        delivery,
        "cart.updated",
        moment(body.get("updated_at")),
        created_at=moment(body.get("created_at")),
        cart_key=text(body.get("token")),
        cart_token=text(body.get("cart_token")),
        completed=bool(body.get("completed_at")),
        total=amount(body.get("total_price")),
        currency=text(body.get("currency")),
        items=items(body),
        recovery_url=text(body.get("abandoned_checkout_url")),
        **who(body, delivery.country),
    )


def _deleted_checkout(delivery: _Delivery) -> ShopEvent:
    body = delivery.body
    return _event(
        delivery,
        "cart.deleted",
        moment(body.get("updated_at")),
        cart_key=text(body.get("token")),
        cart_token=text(body.get("cart_token")),
    )


def _order(kind: Kind) -> Callable[[_Delivery], ShopEvent | None]:
    def reader(delivery: _Delivery) -> ShopEvent | None:
        return _read_order(delivery, kind)

    return reader


def _updated_order(delivery: _Delivery) -> ShopEvent | None:
    """`orders/updated` does not say what changed: the furthest the order has come."""
    body = delivery.body
    paid, sent = text(body.get("financial_status")), text(body.get("fulfillment_status"))
    if body.get("cancelled_at"):
        return _read_order(delivery, "order.cancelled")
    if paid == "refunded":
        return _read_order(delivery, "order.refunded")
    if sent in ("fulfilled", "partial"):
        return _read_order(delivery, "order.fulfilled")
    return _read_order(delivery, "order.paid" if paid == "paid" else "order.created")


def _read_order(delivery: _Delivery, kind: Kind) -> ShopEvent | None:
    body = delivery.body
    order_key = text(body.get("id"))
    if not order_key:
        return None
    changed = "cancelled_at" if kind == "order.cancelled" else "updated_at"
    sent = [one for one in parts(body, "fulfillments") if one.get("status") not in _GONE]
    return _event(
        delivery,
        kind,
        moment(body.get(changed)) or moment(body.get("updated_at")),
        once=f"{kind}:{order_key}",
        created_at=moment(body.get("created_at")),
        cart_key=text(body.get("checkout_token")),
        cart_token=text(body.get("cart_token")),
        order_key=order_key,
        order_name=text(body.get("name")),
        completed=True,
        total=amount(body.get("total_price")),
        currency=text(body.get("currency")),
        items=items(body),
        order_url=text(body.get("order_status_url")),
        landing_site=text(body.get("landing_site")),
        sales_channel=text(body.get("source_name")),
        tracking=tracking(sent[-1]) if sent else None,
        test=body.get("test") is True,
        **who(body, delivery.country),
    )


def _fulfillment(delivery: _Delivery) -> ShopEvent | None:
    body = delivery.body
    order_key = text(body.get("order_id"))
    if not order_key or body.get("status") in _GONE:
        return None
    arrived = body.get("shipment_status") == "delivered"
    kind: Kind = "order.delivered" if arrived else "order.fulfilled"
    return _event(
        delivery,
        kind,
        moment(body.get("updated_at")),
        once=f"{kind}:{order_key}",
        order_key=order_key,
        order_name=text(body.get("name")).partition(".")[0],  # "#1001.1" is its first parcel
        completed=True,
        items=items(body),
        tracking=tracking(body),
        **who(
            {"email": body.get("email"), "shipping_address": body.get("destination")},
            delivery.country,
        ),
    )


def _carrier_event(delivery: _Delivery) -> ShopEvent | None:
    body = delivery.body
    order_key = text(body.get("order_id"))
    if not order_key or body.get("status") != "delivered":
        return None
    return _event(
        delivery,
        "order.delivered",
        moment(body.get("happened_at")),
        once=f"order.delivered:{order_key}",
        order_key=order_key,
        completed=True,
    )


def _refund(delivery: _Delivery) -> ShopEvent | None:
    body = delivery.body
    order_key = text(body.get("order_id"))
    if not order_key:
        return None
    paid_back = [
        one
        for one in parts(body, "transactions")
        if one.get("kind") == "refund" and one.get("status") == "success"
    ]
    total = sum((Decimal(amount(one.get("amount")) or 0) for one in paid_back), Decimal(0))
    currencies = {text(one.get("currency")) for one in paid_back} - {""}
    return _event(
        delivery,
        "order.refunded",
        moment(body.get("created_at")),
        once=f"order.refunded:{order_key}:{text(body.get('id'))}",
        order_key=order_key,
        completed=True,
        total=amount(total),
        currency=currencies.pop() if len(currencies) == 1 else "",
        items=items(
            {"line_items": [part(one, "line_item") for one in parts(body, "refund_line_items")]}
        ),
        test=any(one.get("test") is True for one in paid_back),
    )


def _customer(kind: Kind) -> Callable[[_Delivery], ShopEvent | None]:
    def reader(delivery: _Delivery) -> ShopEvent | None:
        body = delivery.body
        if not text(body.get("id")):
            return None
        said = part(body, "sms_marketing_consent")
        changed = said.get("consent_updated_at") if kind == "consent.changed" else None
        return _event(
            delivery,
            kind,
            moment(changed) or moment(body.get("updated_at")),
            created_at=moment(body.get("created_at")),
            **who({"customer": body}, delivery.country),
        )

    return reader


def _privacy(kind: Kind) -> Callable[[_Delivery], ShopEvent | None]:
    def reader(delivery: _Delivery) -> ShopEvent:
        customer = {"customer": part(delivery.body, "customer")}
        return _event(delivery, kind, None, **who(customer, delivery.country))

    return reader


_TOPICS: dict[str, Callable[[_Delivery], ShopEvent | None]] = {
    "checkouts/create": _checkout,
    "checkouts/update": _checkout,
    "checkouts/delete": _deleted_checkout,
    "orders/create": _order("order.created"),
    "orders/paid": _order("order.paid"),
    "orders/updated": _updated_order,
    "orders/edited": _updated_order,
    "orders/fulfilled": _order("order.fulfilled"),
    "orders/partially_fulfilled": _order("order.fulfilled"),
    "orders/cancelled": _order("order.cancelled"),
    "fulfillments/create": _fulfillment,
    "fulfillments/update": _fulfillment,
    "fulfillment_events/create": _carrier_event,
    "refunds/create": _refund,
    "customers/create": _customer("customer.created"),
    "customers/update": _customer("customer.updated"),
    "customers_marketing_consent/update": _customer("consent.changed"),
    "customers/redact": _privacy("customer.redacted"),
    "customers/data_request": _privacy("customer.data_requested"),
    "shop/redact": _privacy("shop.redacted"),
    "app/uninstalled": _privacy("shop.uninstalled"),
}
