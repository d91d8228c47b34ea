"""Webhooks: signature first, stored before it is answered, never lost, never doubled."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from store.carts import carts
from store.events import events
from store.messages import messages
from store.shops import shop_connections
from tests.web.conftest import APP_SECRET, SAMPLES, SHOP_SECRET, House

pytestmark = pytest.mark.anyio
CLOUD = "/hooks/cloud-api"


def cloud_signature(raw: bytes, secret: str = APP_SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


async def post_cloud(
    house: House, raw: bytes, secret: str = APP_SECRET, **headers: str
) -> httpx.Response:
    signed = {"x-hub-signature-256": cloud_signature(raw, secret), **headers}
    return await house.client().post(CLOUD, content=raw, headers=signed)


def inbound(text: str = "Hello", channel_id: str = "wamid.1") -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "100000000000001"},
        "contacts": [{"profile": {"name": "Ada"}, "wa_id": "393331234567"}],
        "messages": [
            {
                "from": "393331234567",
                "id": channel_id,
                "timestamp": "1772445600",
                "type": "text",
                "text": {"body": text},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    entry = {"id": "200000000000002", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


async def test_metas_challenge(house: House) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "<b>42"}
    right = await house.client().get(CLOUD, params=asked)
    assert (right.status_code, right.text) == (200, "<b>42")
    assert right.headers["content-type"].startswith("text/plain")
    wrong = await house.client().get(CLOUD, params={**asked, "hub.verify_token": "x"})
    assert wrong.status_code == 403
    assert (await house.client().get(CLOUD)).status_code == 403


async def test_a_message_is_written_once_however_often_it_is_told(house: House) -> None:
    for _ in range(3):
        assert (await post_cloud(house, inbound())).status_code == 200
    assert len(await house.rows(sa.select(messages.c.id))) == 1
    assert len(await house.rows(sa.select(events.c.id))) == 1


async def test_wrong_signatures_are_refused_and_write_nothing(house: House) -> None:
    raw = inbound()
    client = house.client()
    for headers in (
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": cloud_signature(raw, "other")},
        {"x-hub-signature-256": cloud_signature(raw + b" ")},
        {"x-hub-signature-256": cloud_signature(raw).removeprefix("sha256=")},
    ):
        refused = await client.post(CLOUD, content=raw, headers=headers)
        assert refused.status_code == 401, headers
        assert refused.json()["error"]["code"] == "unauthorized"
    assert not await house.rows(sa.select(messages.c.id))


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"nope", b"[" * 100_000])
async def test_garbage_that_is_signed_is_400(house: House, raw: bytes) -> None:
    assert (await post_cloud(house, raw)).status_code == 400


@pytest.mark.parametrize(
    "value", [None, [], {}, 1, "x", {"entry": 3}, {"entry": [{"changes": [{"field": "new"}]}]}]
)
async def test_json_we_do_not_know_is_taken_and_ignored(house: House, value: Any) -> None:
    answer = await post_cloud(house, json.dumps(value).encode())
    assert answer.status_code == (400 if value is None else 200)


async def test_every_recorded_delivery_is_taken_quickly(house: House) -> None:
    for sample in sorted((SAMPLES / "cloud_api").glob("[is]*_*.json")):
        raw = sample.read_bytes()
        start = time.perf_counter()
        assert (await post_cloud(house, raw)).status_code == 200, sample.name
        assert time.perf_counter() - start < 1, sample.name


async def test_a_body_over_three_megabytes_is_refused(house: House) -> None:
    assert (await post_cloud(house, b" " * 3_000_001)).status_code == 413


async def test_an_error_of_ours_makes_the_sender_try_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("web.hooks.routes.inbound.take_in", broken)
        patch.setattr("web.hooks.routes.intake.take_in", broken)
        assert (await post_cloud(house, inbound())).status_code == 500
        raw = shopify_raw()
        assert (await post_shop(house, raw)).status_code == 500
    assert (await post_cloud(house, inbound())).status_code == 200
    assert (await post_shop(house, raw)).status_code == 200
    assert len(await house.rows(sa.select(messages.c.id))) == 1
    assert len(await house.rows(sa.select(carts.c.id))) == 1


def shopify_raw(name: str = "story_1_checkout_update_abandoned") -> bytes:
    raw = (SAMPLES / "shopify" / f"{name}.json").read_bytes()
    found = json.loads(raw)
    return json.dumps(found.get("body", found)).encode() if isinstance(found, dict) else raw


async def post_shop(
    house: House,
    raw: bytes,
    *,
    secret: str = SHOP_SECRET,
    key: str = "",
    topic: str = "checkouts/update",
    **more: str,
) -> httpx.Response:
    made = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": made,
        "x-shopify-shop-domain": "blue-mug.myshopify.com",
        "x-shopify-event-id": hashlib.sha256(raw).hexdigest(),
        "content-type": "application/json",
        **more,
    }
    address = f"/hooks/shops/{key or house.shop.key}"
    return await house.client().post(address, content=raw, headers=headers)


async def test_a_cart_is_kept_once_and_its_contact_made(house: House) -> None:
    raw = shopify_raw()
    for _ in range(2):
        answer = await post_shop(house, raw)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    [cart] = await house.rows(sa.select(carts.c.status, carts.c.contact_id))
    assert cart.status == "open"
    assert cart.contact_id is not None
    [row] = await house.rows(sa.select(shop_connections.c.last_event_at))
    assert row.last_event_at == house.clock()


async def test_shop_refusals(house: House) -> None:
    raw = shopify_raw()
    assert (await post_shop(house, raw, secret="other")).status_code == 401
    unsigned = await post_shop(house, raw, **{"x-shopify-hmac-sha256": ""})
    assert unsigned.status_code == 401
    assert (await post_shop(house, raw, key="unknown")).status_code == 404
    assert (await post_shop(house, b"{nope")).status_code == 400
    assert (await post_shop(house, b" " * 3_000_001)).status_code == 413
    assert not await house.rows(sa.select(carts.c.id))
    ignored = await post_shop(house, raw, topic="themes/publish")
    assert (ignored.status_code, ignored.json()) == (200, {"status": "ignored"})


async def test_a_shop_that_was_uninstalled_or_of_an_unknown_kind_is_not_there(house: House) -> None:
    raw = shopify_raw()
    for values in ({"status": "uninstalled"}, {"status": "active", "platform": "../os"}):
        async with house.web.database.write() as tx:
            await tx.execute(sa.update(shop_connections).values(**values))
        assert (await post_shop(house, raw)).status_code == 404
