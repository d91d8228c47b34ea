"""Our list of templates is WhatsApp's: read in pages, account by account, and told in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.channel import LocalFile, PhoneAccess, SendError
from gateway.channels.cloud_api.account import Account
from gateway.channels.cloud_api.wire import Wire
from gateway.templates import sync
from store import templates
from store.alerts import alerts
from store.phones import phones
from tests.gateway.circle import Circle
from tests.gateway.conftest import House
from tests.gateway.test_inbound import change, post, tell

pytestmark = pytest.mark.anyio
CART = {
    "name": "cart",
    "language": "it",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Ciao!"}],
}
WABA = "419561257915477"


async def listed(house: House) -> list[tuple[str, str, str]]:
    async with house.db.read() as tx:
        found = await templates.of_company(tx, house.company)
    return [(one.account_id, one.name, one.status) for one in found]


async def test_read_from_whatsapp_page_by_page(circle: Circle) -> None:
    house = circle.house
    async with house.db.write() as tx:  # kept before its account was known
        await templates.upsert(tx, house.company, [CART | {"status": "APPROVED"}], house.clock())
    names = [f"cart_{n:03}" for n in range(103)]
    for name in names:
        await circle.bench.seed(CART | {"name": name})
    await circle.bench.seed(CART)
    done = await sync(house.db, circle.channel, house.clock, house.company)
    assert (done.accounts, done.found, done.gone, done.problems) == (1, 104, 0, ())
    assert await listed(house) == [(WABA, name, "APPROVED") for name in ["cart", *names]]
    await circle.bench.graph("DELETE", f"{WABA}/message_templates", params={"name": "cart_007"})
    done = await sync(house.db, circle.channel, house.clock)
    assert (done.found, done.gone) == (103, 1)
    assert (WABA, "cart_007", "APPROVED") not in await listed(house)


async def test_an_account_that_cannot_be_read_loses_nothing(circle: Circle) -> None:
    house = circle.house
    await circle.bench.seed(CART)
    await sync(house.db, circle.channel, house.clock)
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(credentials={"token": "expired"}))
    done = await sync(house.db, circle.channel, house.clock)
    assert (done.accounts, len(done.problems)) == (0, 1)
    assert "cannot be read" in done.problems[0]
    assert await listed(house) == [(WABA, "cart", "APPROVED")]


async def test_two_accounts_may_use_one_name(house: House) -> None:
    rows = [
        CART | {"account_id": "waba-1", "status": "PAUSED"},
        CART | {"account_id": "waba-2", "status": "APPROVED"},
        CART | {"account_id": "waba-3", "status": "REJECTED"},
    ]
    key = (house.company, "cart", "it")
    async with house.db.write() as tx:
        await templates.upsert(tx, house.company, rows, house.clock())
        assert (await templates.find_many(tx, [key]))[key].account_id == "waba-2"
        assert await templates.status_by_account(tx, [key]) == {
            key: {"waba-1": "PAUSED", "waba-2": "APPROVED", "waba-3": "REJECTED"}
        }
        assert await templates.find_many(tx, []) == {}


async def test_what_webhooks_tell_is_kept_in_words(house: House) -> None:
    async with house.db.write() as tx:
        row = CART | {"account_id": "waba-1", "status": "PENDING"}
        await templates.upsert(tx, house.company, [row], house.clock())
    name = {"message_template_name": "cart", "message_template_language": "it"}
    rejected = name | {"event": "REJECTED", "reason": "INCORRECT_CATEGORY"}
    await tell(house, post(change(rejected, "message_template_status_update")))
    [one] = await house.rows(templates.templates)
    assert one.rejected_because == "It belongs to another category: advertising is MARKETING."
    coming = name | {"new_category": "UTILITY", "correct_category": "MARKETING"}
    await tell(house, post(change(coming, "template_category_update")))
    [one] = await house.rows(templates.templates)
    assert one.category == "UTILITY"
    moved = name | {"previous_category": "UTILITY", "new_category": "MARKETING"}
    await tell(house, post(change(moved, "template_category_update")))
    approved = name | {"event": "APPROVED", "reason": "NONE"}
    await tell(house, post(change(approved, "message_template_status_update")))
    [one] = await house.rows(templates.templates)
    assert (one.category, one.rejected_because, one.status) == ("MARKETING", "", "APPROVED")
    told = {row.kind: row.details for row in await house.rows(alerts)}
    assert "costs more" in told["template_category:cart:it"]


class Graph:
    """Says what a test wrote down for each request, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method, target, _ = line.decode().split(" ", 2)
            headers = {}
            while (header := await reader.readline()).strip():
                name, _, value = header.decode().partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked.append((method, target, headers, body))
            known = f"{method} {target.partition('?')[0]}"
            status, told = self.answers.get(known, (404, {"error": {"code": 100}}))
            raw = json.dumps(told).encode()
            head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(raw)}\r\n\r\n"
            writer.write(head.encode() + raw)
        writer.close()


@pytest.fixture
async def graph(anyio_backend: str) -> AsyncIterator[Graph]:
    one = Graph()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield one
    server.close()


async def test_an_example_is_shown_to_meta(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a picture")
    file = LocalFile(tmp_path / "a", "image/png", "mug.png")
    graph.answers = {
        "GET /v24.0/app": (200, {"id": "app-1"}),
        "POST /v24.0/app-1/uploads": (200, {"id": "upload:MTph?sig=ARZ"}),
        "POST /v24.0/upload:MTph": (200, {"h": "4::aW1h"}),
    }
    wire = Wire(graph.url, "v24.0")
    account = Account(wire, PhoneAccess(1, "1000", "token"), "waba-1")
    assert await account.example(file) == "4::aW1h"
    _, (_, opened, _, _), (_, sent, headers, data) = graph.asked
    assert "file_length=9" in opened
    assert "file_type=image/png" in opened.replace("%2F", "/")
    assert sent.endswith("/upload:MTph?sig=ARZ")
    assert (headers["authorization"], headers["file_offset"]) == ("OAuth token", "0")
    assert data == b"a picture"
    user_words = {"error": {"code": 100, "message": "Invalid", "error_user_msg": "Too large."}}
    graph.answers["POST /v24.0/app-1/uploads"] = (400, user_words)
    refused = await account.example(file)
    assert isinstance(refused, SendError)
    assert refused.message == "Too large."
    await wire.close()
