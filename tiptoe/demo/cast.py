"""The customers of a demo: what each of them will do, told to the sandbox and to the simulator.

Rule: both are told the same story from one place; only then is a difference a fault.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Any

import msgspec

from engine.kinds import catalog
from engine.scene import Words
from engine.simulator import Pretend, simulate
from flows import library
from flows.contact import Company, Contact
from flows.content import Buttons, Choices, Content, Template, plain
from flows.events import ShopHappened
from flows.scenario import Scripted
from triggers.shops.base import cart_data
from triggers.shops.shopify import read

FLOW = "abandoned_cart"
_VARIABLE = re.compile(r"\{\{(\d+)\}\}")
WAIT = timedelta(minutes=30)  # of the flow's trigger


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer does. `order_after` counts from their checkout or message `order_on`."""

    name: str
    script: tuple[Scripted, ...] = ()
    order_after: timedelta | None = None
    order_on: int = 0


NEVER = Story(name="never answers")
EARLY = Story(name="orders before the reminder", order_after=timedelta(minutes=10))
LATER = Story(name="orders after the reminder", order_after=timedelta(hours=2), order_on=1)
TAPS = Story(
    name="taps a button",
    script=(
        Scripted(on_message=1, after="5m", tap="help"),
        Scripted(on_message=2, after="1m", tap="price"),
    ),
)
WRITES = Story(
    name="writes back", script=(Scripted(on_message=2, after="10m", say="Is it still there?"),)
)
STOPS = Story(name="writes STOP", script=(Scripted(on_message=1, after="3m", say="STOP"),))
REFUSES = Story(name="taps Stop", script=(Scripted(on_message=2, after="3m", tap="stop"),))
MIX = (NEVER, TAPS, LATER, STOPS, NEVER, EARLY, WRITES, NEVER, REFUSES, LATER)
"""One in ten each; three in ten never answer."""

CHECKOUT_TIMES = tuple(timedelta(hours=hours) for hours in (0, 3.5, 7, 11))
"""Of the first day. The last are late enough for their reminder to fall into the night."""


class Customer(msgspec.Struct, frozen=True):
    """One customer. `number` in digits, `begins` when they leave their cart."""

    index: int
    number: str
    name: str
    story: Story
    begins: datetime


def customers(count: int, start: datetime) -> list[Customer]:
    """`count` customers, always the same ones."""
    return [
        Customer(
            index,
            f"4477009{index:05}",
            f"Customer{index}",
            MIX[index % len(MIX)],
            start + CHECKOUT_TIMES[(index // len(MIX)) % len(CHECKOUT_TIMES)],
        )
        for index in range(count)
    ]


def checkout(customer: Customer, at: datetime) -> bytes:
    """The real sample, as this customer's cart."""
    return _payload(
        "checkout",
        customer,
        at,
        token=f"token-{customer.index}",
        name=f"#{customer.index}",
        completed_at=None,
        abandoned_checkout_url=f"https://shop.example.com/recover/{customer.index}",
    )


def order(customer: Customer, at: datetime) -> bytes:
    """The real sample, as the order made from this customer's cart."""
    return _payload(
        "order",
        customer,
        at,
        id=9_000_000 + customer.index,
        checkout_token=f"token-{customer.index}",
        name=f"#{1000 + customer.index}",
    )


def _payload(kind: str, customer: Customer, at: datetime, **changes: Any) -> bytes:
    sample: dict[str, Any] = msgspec.json.decode(
        (files(__name__.rpartition(".")[0]) / f"{kind}.json").read_bytes()
    )
    person = {"first_name": customer.name, "last_name": "Demo", "phone": f"+{customer.number}"}
    sample |= changes | {
        "phone": f"+{customer.number}",
        "email": f"customer{customer.index}@example.com",
        "contact_email": f"customer{customer.index}@example.com",
        "created_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "customer": {"id": customer.index + 1, **person},
        "shipping_address": {**person, "country_code": "GB"},
        "billing_address": None,
    }
    return msgspec.json.encode(sample)


def sandbox_script(customer: Customer) -> list[dict[str, Any]]:
    """The customer's story as the sandbox's control API wants it."""
    rules = []
    for line in customer.story.script:
        after = line.after.removesuffix("m")
        rule: dict[str, Any] = {"on": "message", "nth": line.on_message, "after_s": int(after) * 60}
        if line.tap is not None:
            rule |= {"do": "tap", "option": LABELS[line.tap]}
        else:
            rule |= {"do": "reply", "text": line.say}
        rules.append(rule)
    return rules


LABELS = {"help": "I have a question", "stop": "Stop", "price": "The price"}
"""What stands on the buttons the stories tap, by option."""


class Prompter:
    """Knows what each customer's phone should get."""

    @cached_property
    def _flow(self) -> Any:
        return catalog().read(library.document(FLOW))

    @cached_property
    def _bodies(self) -> dict[str, str]:
        return {
            one["name"]: part["text"]
            for one in library.templates()
            for part in one["components"]
            if part["type"] == "BODY"
        }

    def expected(self, customer: Customer, company: Company, words: Words) -> list[str]:
        """The texts, in order, according to the pure simulator."""
        if customer.story is EARLY:
            return []
        first = ShopHappened(kind="cart.abandoned", data=self._cart(customer))
        contact = Contact(
            id=customer.index + 1,
            first_name=customer.name,
            name=f"{customer.name} Demo",
            zone="Europe/London",
            company=company,
        )
        script = list(customer.story.script)
        if customer.story.order_after is not None:
            hours = int(customer.story.order_after.total_seconds() // 3600)
            bought = ShopHappened(kind="order.created")
            script.append(
                Scripted(on_message=customer.story.order_on, after=f"{hours}h", event=bought)
            )
        world = Pretend(
            contact=contact, start=customer.begins + WAIT, lasts=timedelta(days=14), words=words
        )
        transcript = simulate(self._flow, first, script, world)
        return [self._text(content) for content in transcript.messages]

    def _cart(self, customer: Customer) -> dict[str, Any]:
        headers = {"X-Shopify-Topic": "checkouts/create"}
        [event] = read(checkout(customer, customer.begins), headers, country="GB")
        return {"cart": cart_data(event) | {"total": event.total, "currency": event.currency}}

    def _text(self, content: Content) -> str:
        match content:
            case Template(name=name, body=body):
                return _VARIABLE.sub(lambda found: body[int(found[1]) - 1], self._bodies[name])
            case Buttons(body=body) | Choices(body=body):
                return body
            case _:
                return plain(content)


def index_of(numbers: Sequence[Customer]) -> dict[str, Customer]:
    """Customers by their number in digits."""
    return {customer.number: customer for customer in numbers}
