"""The kind `shop`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.conditions import look_up
from flows.contact import Contact
from flows.duration import Duration, duration_words, parse_duration
from flows.events import SHOP_WORDS, Event, ShopHappened, ShopKind
from flows.trigger import Match, Trigger
from triggers._samples import SAMPLES

Amount = Annotated[str, Meta(pattern=r"^\d{1,12}(\.\d{1,3})?$")]
ShopName = Annotated[str, Meta(max_length=120)]
OF_WHATSAPP = ("catalogue.order", "product.question")  # what no shop, but WhatsApp itself tells
_LEAST_WAIT = timedelta(minutes=1)


class Shop(Trigger, frozen=True, kw_only=True, tag="shop"):
    """Starts by something that happens in your shop or in WhatsApp's catalogue: a cart left behind,
    an order placed, paid or shipped, a payment, a new customer, an order from the catalogue, a
    question about a product. What was told is found under `cart`, `order` or `product`.
    """

    label: ClassVar[str] = "Shop"
    hears: ClassVar[tuple[type, ...]] = (ShopHappened,)

    on: Annotated[
        ShopKind, Meta(description="What happens", extra_json_schema={"x-words": SHOP_WORDS})
    ] = "cart.abandoned"
    wait: Annotated[
        Duration,
        Meta(
            title="Wait",
            description="How long a cart must rest before it counts as left behind",
            extra_json_schema={"x-when": {"on": ["cart.abandoned"]}},
        ),
    ] = "30m"
    minimum_total: Annotated[
        Amount | None,
        Meta(title="Only from this amount", description="Only from this amount, such as 20.00"),
    ] = None
    shop: Annotated[
        ShopName | None,
        Meta(
            title="Shop",
            description="Only this shop; empty for all",
            extra_json_schema={"x-input": "shop"},
        ),
    ] = None

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, ShopHappened) or event.kind != self.on:
            return None
        if self.shop and event.shop != self.shop:
            return None
        if self.minimum_total is not None:
            total = _amount(event)
            if total is None or total < Decimal(self.minimum_total):
                return None
        told = "WhatsApp" if event.kind in OF_WHATSAPP else "the shop"
        return Match(f"{told} reported “{event.kind.replace('.', ' ')}”", event.data)

    def sample(self, automation_id: int, name: str) -> Event:
        data: dict[str, Any] = SAMPLES[self.on]
        total = self.minimum_total
        for what in ("cart", "order"):
            told = data.get(what, {})
            if total is not None and "total" in told and Decimal(told["total"]) < Decimal(total):
                data = {**data, what: {**told, "total": total}}
        return ShopHappened(self.on, data, self.shop or "", automation_id)

    def summary(self) -> str:
        said = _SAID.get(self.on, self.on.replace(".", " ").capitalize())
        if self.on == "cart.abandoned":
            said = f"{said} for {duration_words(parse_duration(self.wait))}"
        return f"{said}, from {self.minimum_total}" if self.minimum_total else said

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.on == "cart.abandoned" and parse_duration(self.wait) < _LEAST_WAIT:
            yield "/wait", "A cart must rest for at least a minute."


_SAID: dict[ShopKind, str] = {
    "cart.abandoned": "Cart left behind",
    "customer.created": "New customer",
    "catalogue.order": "Order from the WhatsApp catalogue",
    "product.question": "Question about a product",
}


def _amount(event: ShopHappened) -> Decimal | None:
    for path in ("cart.total", "order.total"):
        total = look_up(event.data, path)
        if total is not None:
            try:
                return Decimal(str(total))
            except InvalidOperation:
                return None
    return None
