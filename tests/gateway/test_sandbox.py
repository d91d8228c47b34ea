"""The whole circle against the pretend WhatsApp: sent by our channel, told by its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import sqlalchemy as sa

from flows.content import (
    Buttons,
    Card,
    Choices,
    Content,
    LinkButton,
    Location,
    Media,
    Option,
    Template,
    TemplateButton,
    Text,
)
from gateway.channels.cloud_api import CloudApi, parse, verify
from gateway.dispatcher import Dispatcher
from gateway.inbound import take_in
from sandbox.server import server as sandbox_server
from store import phone_use
from store.contacts import contact_addresses, contacts
from store.doorbell import Doorbell
from store.events import events
from store.messages import messages
from store.phones import phones
from tests.gateway.conftest import House
from tests.sandbox.bench import ADA, PNID, WABA, Bench, Receiver, config_for, until

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


class Circle:
    """A house whose phone is the sandbox's number."""

    def __init__(self, house: House, bench: Bench) -> None:
        self.house, self.bench = house, bench
        self.channel = CloudApi()
        self.dispatcher = Dispatcher(
            house.db, Doorbell(None), house.clock, {"cloud_api": self.channel}, name="g"
        )
        self.taken = 0

    async def quiet(self) -> None:
        """Let the sandbox finish, and take in whatever its webhooks told."""
        await self.bench.quiet()
        receiver = self.bench.receiver
        while self.taken < len(receiver.bodies):
            raw, header = receiver.bodies[self.taken], receiver.signatures[self.taken]
            self.taken += 1
            async with self.house.db.write() as tx:
                secret = verify(raw, header, await phone_use.app_secrets(tx, "cloud_api"))
                assert secret is not None
                await take_in(tx, parse(raw), app_secret=secret, now=self.house.clock())

    async def send(self, content: Content, **values: Any) -> Any:
        [person] = await self.house.rows(contacts)
        async with self.house.db.write() as tx:
            await tx.execute(sa.update(events).values(handled_at=self.house.clock()))
        one = await self.house.queue(person.id, content, **values)
        await self.dispatcher.drain()
        await self.quiet()
        return await self.house.message(one)

    async def happened(self) -> list[Any]:
        return [row.data for row in await self.house.rows(events) if row.kind == "replied"]


@pytest.fixture
async def circle(house: House, tmp_path: Path) -> AsyncIterator[Circle]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    config = config_for(tmp_path, f"http://{host}:{port}/hooks/whatsapp")
    served = sandbox_server(config, port=0, clock=house.clock)
    serving = asyncio.create_task(served.serve())
    await until(lambda: served.started)
    url = f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    async with house.db.write() as tx:
        await tx.execute(
            sa.update(phones).values(
                remote_id=PNID,
                account_id=WABA,
                base_url=url,
                credentials={"token": "token", "app_secret": "app-secret"},
            )
        )
    async with httpx.AsyncClient(base_url=url) as client:
        one = Circle(house, Bench(client, cast("Any", house.clock), receiver, config))
        yield one
        await one.channel.close()
    served.should_exit = True
    await serving
    server.close()


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
