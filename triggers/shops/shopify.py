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

from flows.contact import Consent
from triggers.shops.base import (
    Item,
    Kind,
    NotJson,
    Phone,
    ShopEvent,
    Tracking,
    amount,
    digest,
    may_be_number,
    moment,
    part,
    parts,
    text,
)

SOURCE = "shopify"
_READER = msgspec.json.Decoder(float_hook=Decimal)  # an amount never becomes a float
_GONE = ("cancelled", "error", "failure")  # fulfillments that came to nothing
_CONSENT: dict[str, Consent] = {"subscribed": "yes", "unsubscribed": "no", "redacted": "no"}


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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
        items=_items(body),
        recovery_url=text(body.get("abandoned_checkout_url")),
        **_who(body, delivery.country),
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
        items=_items(body),
        order_url=text(body.get("order_status_url")),
        landing_site=text(body.get("landing_site")),
        sales_channel=text(body.get("source_name")),
        tracking=_tracking(sent[-1]) if sent else None,
        test=body.get("test") is True,
        **_who(body, delivery.country),
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
        items=_items(body),
        tracking=_tracking(body),
        **_who(
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
        items=_items(
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
            **_who({"customer": body}, delivery.country),
        )

    return reader


def _privacy(kind: Kind) -> Callable[[_Delivery], ShopEvent | None]:
    def reader(delivery: _Delivery) -> ShopEvent:
        customer = {"customer": part(delivery.body, "customer")}
        return _event(delivery, kind, None, **_who(customer, delivery.country))

    return reader


def _who(body: Mapping[str, Any], country: str) -> dict[str, Any]:
    """Everything a payload says about the person."""
    customer = part(body, "customer")
    shipping, billing = part(body, "shipping_address"), part(body, "billing_address")
    home = part(customer, "default_address")
    places = [one for one in (shipping, billing, home) if one]
    place = next((code for one in places if (code := text(one.get("country_code")))), "")
    named = next(
        (one for one in (customer, *places) if one.get("first_name") or one.get("last_name")), {}
    )
    first, last = text(named.get("first_name")), text(named.get("last_name"))
    emails = (body.get("email"), body.get("contact_email"), customer.get("email"))
    return {
        "customer_key": text(customer.get("id")),
        "phones": _phones(body, customer, (shipping, billing, home), place or country),
        "email": next((text(one) for one in emails if text(one)), "").lower(),
        "name": f"{first} {last}".strip(),
        "first_name": first,
        "last_name": last,
        "locale": text(body.get("customer_locale")) or text(customer.get("locale")),
        "country": place or country,
        "sms_consent": _sms_consent(body, customer),
    }


def _phones(
    body: Mapping[str, Any],
    customer: Mapping[str, Any],
    addresses: Iterable[Mapping[str, Any]],
    country: str,
) -> tuple[Phone, ...]:
    found = [
        *(Phone(text(body.get(name)), country) for name in ("phone", "sms_marketing_phone")),
        Phone(text(customer.get("phone")), country),
        *(
            Phone(text(one.get("phone")), text(one.get("country_code")) or country)
            for one in addresses
        ),
    ]
    return tuple(dict.fromkeys(phone for phone in found if may_be_number(phone.number)))


def _sms_consent(body: Mapping[str, Any], customer: Mapping[str, Any]) -> Consent:
    """Not ticking a box is no refusal: only an unsubscription is a no."""
    said = text(part(customer, "sms_marketing_consent").get("state"))
    if said in _CONSENT:
        return _CONSENT[said]
    return "yes" if body.get("buyer_accepts_sms_marketing") is True else "unknown"


def _items(body: Mapping[str, Any]) -> tuple[Item, ...]:
    return tuple(
        Item(
            title=text(line.get("title")) or text(line.get("name")),
            quantity=line["quantity"] if isinstance(line.get("quantity"), int) else 1,
            price=amount(line.get("price")),
            id=text(line.get("product_id")),
            variant=text(line.get("variant_title")),
            sku=text(line.get("sku")),
        )
        for line in parts(body, "line_items")
    )


def _tracking(fulfillment: Mapping[str, Any]) -> Tracking:
    return Tracking(
        company=text(fulfillment.get("tracking_company")),
        number=text(fulfillment.get("tracking_number")) or _first(fulfillment, "tracking_numbers"),
        url=text(fulfillment.get("tracking_url")) or _first(fulfillment, "tracking_urls"),
    )


def _first(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return text(found[0]) if isinstance(found, list) and found else ""


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
