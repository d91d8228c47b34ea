"""The whole circle against the pretend WhatsApp: sent by our channel, told by its webhooks."""

from __future__ import annotations

import pytest

from flows.content import (
    Buttons,
    Card,
    Choices,
    LinkButton,
    Location,
    Media,
    Option,
    Template,
    TemplateButton,
    Text,
)
from store.contacts import contact_addresses
from store.messages import messages
from tests.gateway.circle import Circle
from tests.sandbox.bench import ADA

pytestmark = pytest.mark.anyio
TEMPLATE = {
    "name": "cart",
    "language": "it",
    "category": "UTILITY",
    "components": [
        {"type": "BODY", "text": "Ciao {{1}}!", "example": {"body_text": [["Ada"]]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}]},
    ],
}

CARD = {
    "components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::a"]}},
        {"type": "BODY", "text": "Only {{1}}!", "example": {"body_text": [["9 €"]]}},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "More"},
                {
                    "type": "URL",
                    "text": "Buy",
                    "url": "https://x.example/{{1}}",
                    "example": ["https://x.example/mug"],
                },
            ],
        },
    ]
}
CAROUSEL = {
    "name": "goods",
    "language": "it",
    "category": "MARKETING",
    "components": [
        {"type": "BODY", "text": "Ciao {{1}}!", "example": {"body_text": [["Ada"]]}},
        {"type": "CAROUSEL", "cards": [CARD, CARD]},
    ],
}


async def test_a_chat(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.quiet()
    assert [data["text"] for data in await circle.happened()] == ["Hello"]

    options = (Option("r7.ask.yes", "Yes"), Option("r7.ask.no", "No"))
    asked = await circle.send(Buttons("Shall we?", options), run_id=7)
    assert asked.state in ("sent", "delivered")
    circle.house.clock.go(seconds=5)
    await circle.quiet()
    assert (await circle.house.message(asked.id)).state == "read"
    await circle.bench.acts(tap={"message_id": asked.channel_id, "option": 0})
    await circle.quiet()
    tapped = (await circle.happened())[-1]
    assert tapped["content"] == {"type": "tap", "payload": "r7.ask.yes", "label": "Yes"}
    assert tapped["quoted"] == asked.channel_id
    for content in (
        Choices("Which?", "Sizes", (Option("r7.size.s", "S", "small"), Option("r7.size.l", "L"))),
        Choices(
            "Which?",
            "Sizes",
            (Option("r7.b.s", "S"), Option("r7.b.l", "L", section="Large")),
            header="Our sizes",
        ),
        LinkButton("It is back", "Have a look", "https://shop.example.com/new", header="New"),
        Buttons("Well?", options, header_media=Media("image", "https://x.example/a.png")),
        Location(45.4, 9.2, "Shop"),
        Text("Bye"),
    ):
        sent = await circle.send(content, quoted_channel_id=tapped["quoted"])
        assert (sent.error, sent.state) == (None, "delivered")


async def test_only_templates_outside_the_window(circle: Circle) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    always = dict.fromkeys(days, ("00:00", "24:00"))
    await circle.house.settings(gap_minutes=0, sending_hours=always)
    await circle.bench.seed(TEMPLATE)
    await circle.bench.opened()
    await circle.quiet()
    circle.house.clock.go(hours=24)
    late = await circle.send(Text("Hi"))
    assert (late.state, late.error_class, circle.bench.receiver.statuses) == (
        "failed",
        "window_closed",
        [],
    )
    template = Template("cart", "it", ("Ada",))
    sent = await circle.send(template, template="cart", category="utility")
    assert sent.state == "delivered"
    wrong = await circle.send(Template("cart", "it"), template="cart", category="utility")
    assert (wrong.state, wrong.error_code) == ("failed", "132000")


async def test_a_carousel(circle: Circle) -> None:
    await circle.bench.opened()
    await circle.bench.seed(CAROUSEL)
    await circle.quiet()
    cards = tuple(
        Card(
            Media("image", f"https://x.example/{name}.png"),
            (price,),
            (TemplateButton(0, "quick_reply", f"r7.it.{name}"), TemplateButton(1, "url", name)),
        )
        for name, price in (("mug", "12 €"), ("towel", "8 €"))
    )
    template = Template("goods", "it", ("Ada",), cards=cards)
    sent = await circle.send(template, template="goods", category="marketing")
    assert (sent.error, sent.state) == (None, "delivered")


async def test_somebody_without_a_number(circle: Circle) -> None:
    await circle.bench.opened(user_id="US.1349120865530274", hide_number=True)
    await circle.quiet()
    [address] = await circle.house.rows(contact_addresses)
    assert (address.kind, address.value) == ("user_id", "US.1349120865530274")
    sent = await circle.send(Text("Hi"))
    assert (sent.error, sent.state) == (None, "delivered")


async def test_nobody_there(circle: Circle) -> None:
    await circle.bench.opened(unreachable=True)
    await circle.quiet()
    sent = await circle.send(Text("Hi"), run_id=3)
    assert (sent.state, sent.error_class, sent.error_code) == ("failed", "contact", "131026")
    assert ADA in {row.value for row in await circle.house.rows(contact_addresses)}
    assert len(await circle.house.rows(messages)) == 2
