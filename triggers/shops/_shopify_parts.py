"""The parts that Shopify's payloads share: the person, the lines, the parcel. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flows.contact import Consent
from triggers.shops.base import Item, Phone, Tracking, amount, may_be_number, part, parts, text

_CONSENT: dict[str, Consent] = {"subscribed": "yes", "unsubscribed": "no", "redacted": "no"}


def who(body: Mapping[str, Any], country: str) -> dict[str, Any]:
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


def items(body: Mapping[str, Any]) -> tuple[Item, ...]:
    """The lines of a cart, an order or a parcel."""
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


def tracking(fulfillment: Mapping[str, Any]) -> Tracking:
    """Where a parcel is."""
    return Tracking(
        company=text(fulfillment.get("tracking_company")),
        number=text(fulfillment.get("tracking_number")) or _first(fulfillment, "tracking_numbers"),
        url=text(fulfillment.get("tracking_url")) or _first(fulfillment, "tracking_urls"),
    )


def _first(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return text(found[0]) if isinstance(found, list) and found else ""
