"""The reply webhook by API: who is told, and a test that is queued like any other call."""

import json

import pytest
import sqlalchemy as sa

from store import companies
from store import house as houses
from store.companies import CompanySettings
from store.house import HouseSettings
from store.http_calls import http_calls
from tests.web.conftest import House

pytestmark = pytest.mark.anyio
AT = "/api/v1/company/reply-webhook"


async def test_a_test_goes_to_the_company_or_to_the_house(both_houses: House) -> None:
    house = both_houses
    admin = await house.signed_in("admin")
    refused = await admin.post(AT + "/test")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "no_reply_webhook")
    assert (await admin.get(AT)).json() == {
        "url": "", "whose": "", "statuses": False, "recent": [],
    }  # fmt: skip
    async with house.web.database.write() as tx:
        await houses.set_settings(tx, HouseSettings(reply_webhook_url="https://house.test/x"))
    assert (await admin.post(AT + "/test")).json()["url"] == "https://house.test/x"
    async with house.web.database.write() as tx:
        own = CompanySettings(reply_webhook_url="https://crm.test:8443/in")
        await companies.set_settings(tx, house.company, own)
    made = await admin.post(AT + "/test")
    assert made.status_code == 202
    rows = await house.rows(sa.select(http_calls).order_by(http_calls.c.id))
    assert [(one.purpose, one.host) for one in rows] == [
        ("house_reply", "house.test"),
        ("reply", "crm.test:8443"),
    ]
    assert json.loads(rows[1].request["body"])["event"] == "test"
    told = (await admin.get(AT)).json()
    assert (told["url"], told["whose"]) == ("https://crm.test:8443/in", "company")
    assert told["recent"][0] == {
        "id": made.json()["id"],
        "state": "queued",
        "tries": 0,
        "status": None,
        "error": None,
        "next_at": "2026-03-02T10:00:00Z",
        "created_at": "2026-03-02T10:00:00Z",
        "done_at": None,
    }
    assert (await (await house.signed_in("owner", "b")).get(AT)).json()["recent"] == []


async def test_it_is_for_admins(house: House) -> None:
    assert (await house.machine().post(AT + "/test")).status_code == 403
