"""Templates by API: read, made, edited, deleted, with WhatsApp at the other end of a wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from store import templates
from store.phones import phones
from tests.gateway.test_templates import Graph
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
AT = "/api/v1/templates"
ACCOUNT = "waba-7"
MADE = {
    "name": "order_here",
    "language": "en",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Your order is here."}],
}
LIST = f"GET /v24.0/{ACCOUNT}/message_templates"
CREATE = f"POST /v24.0/{ACCOUNT}/message_templates"
DELETE = f"DELETE /v24.0/{ACCOUNT}/message_templates"


class Meta(Graph):
    """The pretend Graph API, and a key that comes to the house whose phone uses it."""

    machine: httpx.AsyncClient
    house: House

    def calls(self) -> list[str]:
        return [f"{method} {target.partition('?')[0]}" for method, target, _, _ in self.asked]

    def body(self, place: int = -1) -> Any:
        return json.loads(self.asked[place][3])

    async def made(self, **more: Any) -> dict[str, Any]:
        self.answers[CREATE] = (200, {"id": "900", "status": "PENDING", "category": "UTILITY"})
        answer = await self.machine.post(AT, json=MADE | more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def status(self, status: str) -> None:
        async with self.house.web.database.write() as tx:
            changed = sa.update(templates.templates).where(templates.templates.c.remote_id == "900")
            await tx.execute(changed.values(status=status))


@pytest.fixture
async def meta(house: House) -> AsyncIterator[Meta]:
    one = Meta()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with house.web.database.write() as tx:
        told = {"credentials": {"token": "t"}, "account_id": ACCOUNT, "remote_id": "1000"}
        told |= {"base_url": one.url, "version": "v24.0"}
        await tx.execute(sa.delete(phones))
        await phones_of(tx, house.company, **told)
    one.machine, one.house = house.machine(), house
    yield one
    server.close()


async def phones_of(tx: Any, company_id: int, **told: Any) -> None:
    row = {"company_id": company_id, "kind": "cloud_api", "added_at": NOW} | told
    await tx.execute(sa.insert(phones).values(**row))


async def test_made_and_listed(meta: Meta) -> None:
    made = await meta.made()
    assert {name: made[name] for name in ("name", "status", "account_id", "quality")} == {
        "name": "order_here",
        "status": "PENDING",
        "account_id": ACCOUNT,
        "quality": "UNKNOWN",
    }
    assert meta.calls() == [CREATE]
    assert meta.body() == MADE
    listed = (await meta.machine.get(AT)).json()
    assert made in listed["items"]
    assert (await meta.machine.get(f"{AT}/{made['id']}")).json() == made
    stranger = meta.house.machine(meta.house.other_key)
    assert (await stranger.get(f"{AT}/{made['id']}")).status_code == 404
    assert (await stranger.delete(f"{AT}/{made['id']}")).status_code == 404
    viewer = await meta.house.signed_in("viewer")
    assert (await viewer.get(AT)).status_code == 200
    assert (await viewer.post(AT, json=MADE)).status_code == 403


async def test_what_is_wrong_is_said_before_whatsapp_is_asked(meta: Meta) -> None:
    wrong = MADE | {"name": "Order!", "components": [{"type": "BODY", "text": ""}]}
    answer = await meta.machine.post(AT, json=wrong)
    assert answer.status_code == 422
    found = [one["pointer"] for one in answer.json()["error"]["details"]]
    assert found == ["/name", "/components/0/text"]
    assert meta.asked == []


async def test_what_whatsapp_says_is_passed_on(meta: Meta) -> None:
    told = {"code": 100, "message": "Invalid", "error_user_msg": "There is one already."}
    meta.answers[CREATE] = (400, {"error": told})
    answer = await meta.machine.post(AT, json=MADE)
    assert (answer.status_code, "There is one already." in answer.text) == (422, True)
    meta.answers[CREATE] = (500, {"error": {"code": 2, "message": "down"}})
    assert (await meta.machine.post(AT, json=MADE)).status_code == 424
    async with meta.house.web.database.write() as tx:
        await tx.execute(sa.update(phones).values(base_url="http://127.0.0.1:1"))
    answer = await meta.machine.post(AT, json=MADE)
    assert (answer.status_code, "cannot be reached" in answer.text) == (424, True)


async def test_which_account(meta: Meta) -> None:
    async with meta.house.web.database.write() as tx:
        told = {"credentials": {"token": "t"}, "account_id": "waba-8", "remote_id": "2000"}
        await phones_of(tx, meta.house.company, **told)
    answer = await meta.machine.post(AT, json=MADE)
    assert (answer.status_code, "waba-7, waba-8" in answer.text) == (422, True)
    assert (await meta.machine.post(AT, json=MADE | {"account_id": "x"})).status_code == 422
    assert (await meta.made(account_id=ACCOUNT))["account_id"] == ACCOUNT


async def test_edited_as_often_as_whatsapp_allows(meta: Meta) -> None:
    made = await meta.made()
    at = f"{AT}/{made['id']}"
    change = {"components": [{"type": "BODY", "text": "Your order has come."}]}
    refused = await meta.machine.patch(at, json=change)
    assert (refused.status_code, "is pending" in refused.text) == (409, True)
    await meta.status("APPROVED")
    meta.answers["POST /v24.0/900"] = (200, {"success": True})
    answer = await meta.machine.patch(at, json=change)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["components"]) == (
        "PENDING", change["components"],
    )  # fmt: skip
    assert meta.body() == change
    await meta.status("APPROVED")
    again = await meta.machine.patch(at, json={"category": "MARKETING"})
    assert (again.status_code, "Try again tomorrow" in again.text) == (409, True)
    meta.house.clock.pass_by(days=1, seconds=1)
    assert (await meta.machine.patch(at, json={"category": "ADS"})).status_code == 422
    moved = await meta.machine.patch(at, json={"category": "MARKETING"})
    assert (moved.status_code, moved.json()["category"]) == (200, "MARKETING")
    assert meta.body() == {"category": "MARKETING"}
    await meta.status("REJECTED")
    meta.answers["POST /v24.0/900"] = (400, {"error": {"code": 100, "message": "no"}})
    assert (await meta.machine.patch(at, json=change)).status_code == 422


async def test_deleted(meta: Meta) -> None:
    made = await meta.made()
    at = f"{AT}/{made['id']}"
    meta.answers[DELETE] = (400, {"error": {"code": 100, "message": "Not yet."}})
    assert (await meta.machine.delete(at)).status_code == 422
    meta.answers[DELETE] = (200, {"success": True})
    assert (await meta.machine.delete(at)).status_code == 204
    assert meta.asked[-1][1].endswith("?name=order_here&hsm_id=900")
    for answer in (await meta.machine.get(at), await meta.machine.delete(at)):
        assert answer.status_code == 404


async def test_a_picture_as_an_example(meta: Meta) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"a mug"
    uploaded = await meta.machine.post("/api/v1/media", files={"file": ("a.png", png, "")})
    sha256 = uploaded.json()["sha256"]
    meta.answers |= {
        "GET /v24.0/app": (200, {"id": "app-1"}),
        "POST /v24.0/app-1/uploads": (200, {"id": "upload:x?sig=y"}),
        "POST /v24.0/upload:x": (200, {"h": "4::aW1h"}),
    }
    header = {"type": "HEADER", "format": "IMAGE", "sha256": sha256}
    body = {"type": "BODY", "text": "Only today"}
    carousel = {"type": "CAROUSEL", "cards": [{"components": [header, body]}] * 2}
    await meta.made(components=[body, header])
    shown = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1h"]}}
    assert meta.body()["components"] == [body, shown]
    await meta.made(category="MARKETING", components=[body, carousel])
    assert meta.body()["components"][1] == {
        "type": "CAROUSEL",
        "cards": [{"components": [shown, body]}] * 2,
    }
    for part, words in (
        (header | {"sha256": "0" * 64}, "Upload it first"),
        (header | {"format": "VIDEO"}, "takes no image/png as video"),
    ):
        answer = await meta.machine.post(AT, json=MADE | {"components": [body, part]})
        assert (answer.status_code, words in answer.text) == (422, True)
        assert answer.json()["error"]["details"][0]["pointer"] == "/components/1/sha256"


async def test_read_anew(meta: Meta) -> None:
    row = MADE | {"id": "901", "status": "APPROVED"}
    meta.answers[LIST] = (200, {"data": [row]})
    answer = await meta.machine.post(f"{AT}/sync")
    assert answer.json() == {"accounts": 1, "found": 1, "gone": 0, "problems": []}
    meta.answers[LIST] = (401, {"error": {"code": 190, "message": "The token has expired."}})
    [problem] = (await meta.machine.post(f"{AT}/sync")).json()["problems"]
    assert "The token has expired." in problem
