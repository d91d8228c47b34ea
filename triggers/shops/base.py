"""What every shop platform has to deliver, whatever the shop calls it.

Rule: ids, amounts and texts stay as the shop wrote them (amounts as decimal strings, never
floats); nothing is guessed, and consent least of all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import phonenumbers
from msgspec import Struct, structs

from flows.contact import Consent
from flows.events import ShopKind

Kind = (
    ShopKind
    | Literal[
        "cart.deleted",
        "customer.redacted",
        "customer.data_requested",
        "shop.redacted",
        "shop.uninstalled",
    ]
)
_LEAST_DIGITS = 6
_NORTH_AMERICA = 1
_AMOUNT_DIGITS = 18  # more is no money, and 1E999999999 would fill the memory


class NotJson(Exception):  # noqa: N818  it reads as what happened
    """The body of a delivery cannot be read; the shop should hear 400."""


class Phone(NamedTuple):
    """A number as somebody typed it, and the country of the address it stood in (`GB`)."""

    number: str
    country: str


class Item(Struct, frozen=True, omit_defaults=True):
    """One line of a cart or an order. `price` is for one piece."""

    title: str
    quantity: int = 1
    price: str = ""
    id: str = ""
    variant: str = ""
    sku: str = ""
    image: str = ""
    url: str = ""


class Tracking(Struct, frozen=True, omit_defaults=True):
    """Where a parcel is."""

    company: str = ""
    number: str = ""
    url: str = ""


class ShopEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing a shop told us.

    `event_key` is the same for all deliveries of one event. `once` (orders only) is the same for
    all events that say the same of an order: a shop reports one payment under several topics.
    `cart_key` names the cart, `cart_token` is the shop's second name for it. `phones` are
    candidates, the best first: see `first_number`. `consent` is about WhatsApp, `sms_consent` what
    was said for text messages; whether that counts is the company's decision. `occurred_at` is the
    shop's time of the change, `created_at` that of the cart or order (both UTC). `total` is a
    decimal string in `currency` (ISO 4217).
    """

    kind: Kind
    source: str
    shop: str
    event_key: str
    once: str = ""
    occurred_at: datetime | None = None
    created_at: datetime | None = None
    cart_key: str = ""
    cart_token: str = ""
    order_key: str = ""
    order_name: str = ""
    customer_key: str = ""
    completed: bool = False
    phones: tuple[Phone, ...] = ()
    email: str = ""
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    locale: str = ""
    country: str = ""
    total: str = ""
    currency: str = ""
    items: tuple[Item, ...] = ()
    recovery_url: str = ""
    order_url: str = ""
    landing_site: str = ""
    sales_channel: str = ""
    tracking: Tracking | None = None
    consent: Consent = "unknown"
    sms_consent: Consent = "unknown"
    test: bool = False


def cart_data(event: ShopEvent) -> dict[str, Any]:
    """What texts find under `cart`. `path` is the recovery link without its host, for buttons."""
    return {
        "key": event.cart_key,
        "token": event.cart_token,
        "total": event.total,
        "currency": event.currency,
        "items": _items(event),
        "count": sum(item.quantity for item in event.items),
        "url": event.recovery_url,
        "path": path_of(event.recovery_url),
        "created_at": event.created_at.isoformat() if event.created_at else "",
    }


def order_data(event: ShopEvent) -> dict[str, Any]:
    """What texts find under `order`. `path` is the status page without its host, for buttons."""
    return {
        "key": event.order_key,
        "name": event.order_name,
        "total": event.total,
        "currency": event.currency,
        "items": _items(event),
        "count": sum(item.quantity for item in event.items),
        "url": event.order_url,
        "path": path_of(event.order_url),
        "tracking": structs.asdict(event.tracking or Tracking()),
        "created_at": event.created_at.isoformat() if event.created_at else "",
    }


def first_number(phones: tuple[Phone, ...], country: str = "") -> str | None:
    """The best candidate as E.164 (`+447700900123`): the first valid one, else the first possible.

    A number without a country is read as one of `country`. North American numbers have a fixed
    shape, so an invalid one in national form (`555-625-1199`) is junk and passed over.
    """
    possible: list[str] = []
    for phone in phones:
        try:
            number = phonenumbers.parse(phone.number, phone.country or country or None)
        except phonenumbers.NumberParseException:
            continue
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_valid_number(number):
            return written
        international = phone.number.lstrip().startswith("+")
        shapely = international or number.country_code != _NORTH_AMERICA
        if shapely and phonenumbers.is_possible_number(number):
            possible.append(written)
    return possible[0] if possible else None


def may_be_number(text: str) -> bool:
    """Whether a text can be a phone number at all: digits enough, and no letters."""
    digits = sum(char.isdigit() for char in text)
    return digits >= _LEAST_DIGITS and not any(char.isalpha() for char in text)


def amount(value: object) -> str:
    """`value` as a plain decimal string (`"64.00"`); empty when it is no money."""
    if value is None or isinstance(value, bool):
        return ""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return ""
    sane = number.is_finite() and abs(number.adjusted()) < _AMOUNT_DIGITS
    return f"{number:f}" if sane else ""


def moment(value: object) -> datetime | None:
    """An ISO 8601 time with its zone as UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else None


def text(value: object) -> str:
    """Ids and words of a payload as text; what is missing, and what is no plain value, is empty."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return str(value).strip()


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object inside a payload; empty when it is missing or something else."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def parts(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list inside a payload."""
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def path_of(url: str) -> str:
    """Path and query of an address without the leading slash: what fills a template's link."""
    try:
        split = urlsplit(url)
    except ValueError:
        return ""
    return split.path.lstrip("/") + (f"?{split.query}" if split.query else "")


def digest(topic: str, raw: bytes) -> str:
    """A key for a delivery that has none: the same bytes about the same topic."""
    return hashlib.sha256(topic.encode() + b"\n" + raw).hexdigest()


def _items(event: ShopEvent) -> list[dict[str, Any]]:
    return [structs.asdict(item) for item in event.items]
