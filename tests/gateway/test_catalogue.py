"""Orders and questions from WhatsApp's catalogue: an event beside the message, once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flows.content import Content, Other, Text
from flows.events import Event, Replied, ShopHappened
from gateway.catalogue import catalogue_row
from gateway.channels.cloud_api import parse
from gateway.inbound import take_in
from gateway.news import Inbound, Sender
from store.events import events
from tests.gateway.conftest import House

pytestmark = pytest.mark.anyio
SAMPLES = Path(__file__).parents[1] / "samples" / "cloud_api"
AT = datetime(2026, 3, 2, tzinfo=UTC)


def sample(name: str) -> bytes:
    """A sample as if our own phone had got it."""
    body = json.loads((SAMPLES / name).read_text())
    body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "1000"
    return json.dumps(body).encode()


async def told(house: House, raw: bytes) -> list[Any]:
    for _ in range(2):  # WhatsApp repeats what it is not sure about
        async with house.db.write() as tx:
            await take_in(tx, parse(raw), app_secret="app-secret", now=house.clock())
    rows = sorted(await house.rows(events), key=lambda row: row.id)
    return [msgspec.convert(row.data, Event) for row in rows]


async def test_an_order_from_the_catalogue(house: House) -> None:
    reply, order = await told(house, sample("in_order.json"))
    assert isinstance(reply, Replied)
    assert isinstance(order, ShopHappened)
    assert (order.kind, order.shop) == ("catalogue.order", "whatsapp")
    assert order.data["order"] == {
        "catalog_id": "194836987003835",
        "note": "",
        "items": [
            {"id": "di9ozbzfi4", "quantity": 2, "price": "30", "currency": "USD"},
            {"id": "nqryix03ez", "quantity": 1, "price": "25", "currency": "USD"},
        ],
        "count": 3,
        "total": "85",
        "currency": "USD",
    }
    assert order.data["message"]["id"] == str(reply.message_id)


async def test_a_question_about_a_product(house: House) -> None:
    reply, question = await told(house, sample("in_text_product_context.json"))
    assert reply.text == "Is this still available?"
    assert isinstance(question, ShopHappened)
    assert question.kind == "product.question"
    assert question.data == {
        "product": {"id": "di9ozbzfi4", "catalog_id": "194836987003835"},
        "message": {"text": "Is this still available?", "id": str(reply.message_id)},
    }


async def test_a_message_is_nothing_else(house: House) -> None:
    assert [type(one) for one in await told(house, sample("in_text.json"))] == [Replied]


def row_of(content: Content, **more: Any) -> Any:
    one = Inbound("1000", "wamid.1", AT, Sender("39333"), content, **more)
    return catalogue_row({"id": 7, "company_id": 1, "contact_id": 2, "created_at": AT}, one)


def order(*items: Any, **more: Any) -> Any:
    made = row_of(Other("order", "", {"product_items": list(items), **more}))
    return made["data"]["data"]["order"]


@pytest.mark.parametrize(
    ("items", "total", "currency", "count"),
    [
        ([], "", "", 0),
        ([{"quantity": "3", "item_price": "9.90", "currency": "EUR"}], "29.7", "EUR", 3),
        ([{"item_price": 0.1, "currency": "EUR"}] * 3, "0.3", "EUR", 3),
        ([{"item_price": 1, "currency": "EUR"}, {"item_price": 1, "currency": "USD"}], "", "", 2),
        ([{"item_price": "free", "currency": "EUR"}], "", "EUR", 1),
        ([{"item_price": "1e999999999", "currency": "EUR"}], "", "EUR", 1),
        ([{"item_price": True, "quantity": None}, "garbage", None], "", "", 1),
        ([{"item_price": 0, "currency": "EUR"}], "0", "EUR", 1),
    ],
)
def test_what_an_order_is_worth(items: Any, total: str, currency: str, count: int) -> None:
    found = order(*items)
    assert (found["total"], found["currency"], found["count"]) == (total, currency, count)


def test_garbage_where_the_products_should_be() -> None:
    assert row_of(Other("order", "", {"product_items": 3}))["data"]["data"]["order"]["items"] == []
    assert row_of(Other("order", "Ring twice", {}))["data"]["data"]["message"]["text"] == (
        "Ring twice"
    )
    assert row_of(Text("hello")) is None
