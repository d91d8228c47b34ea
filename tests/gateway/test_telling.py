"""What a webhook of WhatsApp makes us tell the company's own program."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Text
from store import house as houses
from store.house import HouseSettings
from store.http_calls import http_calls
from tests.gateway.conftest import House
from tests.gateway.test_inbound import ERROR, change, post, status, tell, text

pytestmark = pytest.mark.anyio
URL = "https://crm.test/in"
PROFILE = {"contacts": [{"profile": {"name": "Ada"}, "wa_id": "393331112223"}]}


def written(*wamids: str) -> bytes:
    return post(change(PROFILE | {"messages": [text(one, "Hi there") for one in wamids]}))


async def told(house: House) -> list[tuple[str, str, dict[str, Any]]]:
    async with house.db.read() as tx:
        rows = await tx.execute(sa.select(http_calls).order_by(http_calls.c.id))
        return [(row.purpose, row.request["url"], json.loads(row.request["body"])) for row in rows]


async def test_nobody_is_told_where_nobody_listens(house: House) -> None:
    await tell(house, written("wamid.a"))
    assert await told(house) == []


async def test_what_a_customer_writes_is_told_once(house: House) -> None:
    await house.settings(reply_webhook_url=URL)
    for _ in range(2):
        await tell(house, written("wamid.a"))
    [(purpose, url, body)] = await told(house)
    assert (purpose, url) == ("reply", URL)
    async with house.db.read() as tx:
        row = (await tx.execute(sa.select(http_calls))).one()
    assert (row.run_id, row.host, row.state) == (0, "crm.test", "queued")
    assert row.request["headers"] == {"Idempotency-Key": body["id"]}
    assert row.request["sign"] is True
    assert body["event"] == "message.received"
    assert body["company"] == {"id": str(house.company), "name": "Shop"}
    assert (body["contact"]["name"], body["contact"]["wa_id"]) == ("Ada", "393331112223")
    assert body["phone"] == {"id": str(house.phone), "name": "Phone 1000", "number": "+391000"}
    message = body["message"]
    assert (message["type"], message["text"], message["id"]) == ("text", "Hi there", body["id"])
    assert message["content"] == {"type": "text", "body": "Hi there"}
    assert message["whatsapp_id"] == "wamid.a"


async def test_the_house_hears_where_the_company_names_nobody(house: House) -> None:
    async with house.db.write() as tx:
        await houses.set_settings(tx, HouseSettings(reply_webhook_url="https://house.test/"))
    await tell(house, written("wamid.a"))
    await house.settings(reply_webhook_url=URL)
    await tell(house, written("wamid.b"))
    assert [one[:2] for one in await told(house)] == [
        ("house_reply", "https://house.test/"),
        ("reply", URL),
    ]


async def test_what_becomes_of_messages_is_told_by_choice(house: House) -> None:
    contact = await house.contact()
    ids = [
        await house.queue(contact, Text("Hi"), state="sent", channel_id=f"wamid.{n}",
            phone_id=house.phone, sent_at=house.clock())
        for n in range(3)
    ]  # fmt: skip
    await house.settings(reply_webhook_url=URL)
    await tell(house, post(change({"statuses": [status("wamid.0", "delivered", ids[0])]})))
    assert await told(house) == []
    await house.settings(reply_webhook_url=URL, reply_webhook_statuses=True)
    news = [status("wamid.1", "read", ids[1]), status("wamid.2", "failed", ids[2], ERROR)]
    for _ in range(2):
        await tell(house, post(change({"statuses": news})))
    bodies = {body["message"]["state"]: body for _, _, body in await told(house)}
    assert bodies.keys() == {"read", "failed"}
    assert (bodies["read"]["event"], bodies["read"]["id"]) == ("message.status", f"{ids[1]}-read")
    error = bodies["failed"]["message"]["error"]
    assert (error["kind"], error["code"]) == ("contact", "131026")


async def test_sent_and_given_up_is_told_too(house: House) -> None:
    await house.settings(reply_webhook_url=URL, reply_webhook_statuses=True)
    sent = await house.queue(await house.contact(wrote_minutes_ago=1))
    blocked = await house.queue(await house.contact(blocked_at=house.clock()))
    await house.dispatcher().drain()
    states = {body["message"]["id"]: body["message"]["state"] for _, _, body in await told(house)}
    assert states == {str(sent): "sent", str(blocked): "suppressed"}


async def test_what_ends_while_nothing_is_sent_is_told_like_anything_else(house: House) -> None:
    await house.settings(reply_webhook_url=URL, reply_webhook_statuses=True)
    late = await house.queue(await house.contact(), expires_at=house.clock())
    unsure = await house.queue(
        await house.contact(), state="unconfirmed", claimed_at=house.clock(), phone_id=house.phone
    )
    house.clock.go(minutes=16)
    await house.dispatcher().sweep()
    states = {body["message"]["id"]: body["message"]["state"] for _, _, body in await told(house)}
    assert states == {str(late): "expired", str(unsure): "sent"}
