"""A flow played for a person at the terminal: how it begins, and its transcript as text.

Rule: what happens is the simulator's; here it is only set up and put into words.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from engine.simulator import SIMULATED
from engine.transcript import Line, Transcript
from flows.contact import Contact
from flows.content import Buttons, Choices, Content, Template, Text, parse_payload
from flows.document import AnyFlow
from flows.events import ApiCalled, Event, Replied, ShopHappened
from flows.trigger import Trigger
from tiptoe.errors import MistakeError
from triggers.customer_message import CustomerMessage
from triggers.shop import Shop
from triggers.shops.base import Item, ShopEvent, Tracking, cart_data, order_data

MARKS = {"message": "▸", "customer": "◂", "event": "●", "flow": " ", "end": "■"}
COLOURS = {"message": "green", "customer": "cyan", "event": "yellow", "end": "magenta"}
INDENT = 22
"""Columns before the words of a line: time, mark, who, step."""


class CannotBeginError(MistakeError):
    """Nothing natural starts this flow; the message says which option helps."""


def first_event(
    flow: AnyFlow, trigger: str | None, say: str | None, data: dict[str, Any] | None = None
) -> Event:
    """Return what starts `flow`: `say` as the customer's message, else something its `trigger`
    (the first one by default) hears. `data` is laid over what that brings along.

    Raises CannotBeginError for a trigger that is not there or that needs a message to be invented.
    """
    if say is not None:
        return Replied(say, Text(say))
    if trigger is not None and trigger not in flow.triggers:
        names = ", ".join(flow.triggers) or "it has none"
        raise CannotBeginError(f"There is no trigger “{trigger}” in this flow ({names}).")
    name = trigger if trigger is not None else next(iter(flow.triggers), None)
    return _heard_by(flow.triggers[name] if name is not None else None, name, data or {})


def text_of(flow: AnyFlow, transcript: Transcript, contact: Contact) -> Iterator[str]:
    """Yield the lines of the transcript, times in the contact's zone."""
    zone = ZoneInfo(contact.zone)
    sent = iter(transcript.messages)
    day = ""
    for line in transcript.lines:
        at = line.at.astimezone(zone)
        if f"{at:%a %d %b %Y}" != day:
            day = f"{at:%a %d %b %Y}"
            yield click.style(day, bold=True)
        yield _line(flow, line, at)
        if line.who == "message":
            tappable = [f"[{label}]" for label in _tappable(next(sent))]
            if tappable:
                yield " " * INDENT + click.style(" ".join(tappable), fg="green")
    yield ""
    yield _outcome(transcript, zone)


def _line(flow: AnyFlow, line: Line, at: datetime) -> str:
    time = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}   "
    step = flow.steps.get(line.step)
    said = line.text
    if line.who == "flow" and step is not None:
        said = f"{step.name or step.label}: {said}"
    said = said.replace("\n", "\n" + " " * INDENT)
    words = f"  {time} {MARKS[line.who]} {line.who:<8} {said}"
    colour = COLOURS.get(line.who)
    return click.style(words, fg=colour) if colour else click.style(words, dim=True)


def _tappable(content: Content) -> Iterator[str]:
    match content:
        case Buttons(options=options) | Choices(options=options):
            yield from (option.label for option in options)
        case Template(buttons=buttons, cards=cards):
            for button in (*buttons, *(one for card in cards for one in card.buttons)):
                parsed = parse_payload(button.value)
                if button.kind == "quick_reply" and parsed is not None:
                    yield parsed[2]
        case _:
            return


def _outcome(transcript: Transcript, zone: ZoneInfo) -> str:
    count = len(transcript.messages)
    messages = f"{count} message{'' if count == 1 else 's'}"
    if transcript.status == "not started":
        return f"It did not start: {transcript.reason or 'no trigger hears this'}."
    if transcript.status == "waiting":
        until = transcript.waits_until
        till = f", at the latest until {until.astimezone(zone):%a %d %b %Y %H:%M}" if until else ""
        return f"Still waiting{till}; {messages} so far."
    reason = f" ({transcript.reason})" if transcript.reason else ""
    return f"{transcript.status.capitalize()}{reason}; {messages}."


def _heard_by(trigger: Trigger | None, name: str | None, data: dict[str, Any]) -> Event:
    match trigger:
        case Shop():
            happened = _sample(trigger)
            return msgspec.structs.replace(happened, data=happened.data | data)
        case CustomerMessage():
            text = _keyword(trigger, name)
            return Replied(text, Text(text))
        case _:
            return ApiCalled(SIMULATED, data)


def _keyword(trigger: CustomerMessage, name: str | None) -> str:
    for rule in trigger.rules:
        for word in rule.words:
            if rule.match != "regex" and word.strip():
                return word
    if trigger.catch_all:
        return "Hello"
    raise CannotBeginError(
        f"Trigger “{name}” hears regular expressions only; give a message with --say."
    )


def _sample(trigger: Shop) -> ShopHappened:
    """Something plausible of the kind the trigger hears, in the form real shops' news have."""
    least = Decimal(trigger.minimum_total or 0)
    mug, tea = Decimal("14.90"), Decimal("25.00")
    total = max(mug + tea, least)
    news = ShopEvent(
        kind=trigger.on,
        source="sample",
        shop="shop.example.com",
        event_key="sample",
        cart_key="cart-1",
        order_key="1001",
        order_name="#1001",
        total=f"{total:.2f}",
        currency="EUR",
        items=(Item("Blue mug", 1, str(mug)), Item("Green tea", 1, str(tea))),
        recovery_url="https://shop.example.com/carts/cart-1/recover",
        order_url="https://shop.example.com/orders/1001",
        tracking=Tracking("Parcel post", "PP123", "https://parcels.example.com/PP123"),
    )
    data: dict[str, Any] = {"shop": {"name": "Example shop", "domain": news.shop}}
    if trigger.on.startswith("cart."):
        data["cart"] = cart_data(news)
    elif trigger.on.startswith("order."):
        data["order"] = order_data(news)
    return ShopHappened(trigger.on, data, trigger.shop or "")
