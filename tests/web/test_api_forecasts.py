"""Forecasts by API: of the queue, and of a campaign that is only thought of."""

from __future__ import annotations

from typing import Any

import pytest

from store import contacts, resolve
from store.addresses import Address
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
QUEUE, CAMPAIGN = "/api/v1/queue/forecast", "/api/v1/campaigns/forecast"


async def test_a_campaign_that_is_only_thought_of(both_houses: House) -> None:
    house, machine = both_houses, both_houses.machine()
    empty: dict[str, Any] = {
        "messages": 0,
        "last_at": None,
        "left_out": [],
        "by_day": [],
        "later": 0,
    }
    assert (await machine.get(QUEUE)).json() == empty | {"is_part": False}
    numbers = [f"+39333123456{n}" for n in range(4)]
    async with house.web.database.write() as tx:
        people = [
            await resolve.resolve(tx, house.company, [Address("phone", one)], now=NOW)
            for one in numbers
        ]
        await contacts.opt_out(tx, people[:1], NOW, "test")
    body = {"audience": {"everybody": True}, "at": "2026-03-02T20:00:00Z"}
    answer = await machine.post(CAMPAIGN, json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["messages"] == 3
    assert told["last_at"].startswith("2026-03-03T08:00")  # nine in Rome
    assert told["by_day"] == [{"day": "2026-03-03", "messages": 3}]
    assert told["left_out"] == [
        {"why": "They are blocked, erased, or asked for no messages.", "messages": 1}
    ]
    assert (await machine.get(QUEUE)).json()["messages"] == 0  # nothing was started


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"audience": {"lists": ["Nobody"]}}, "/audience/lists/0"),
        ({"audience": {"everybody": True}, "category": "spam"}, "/category"),
        ({"audience": {"everybody": True}, "at": "2026-03-02T20:00:00"}, "/at"),
        ({}, "/audience"),
    ],
)
async def test_what_cannot_be_foretold(house: House, body: dict[str, Any], pointer: str) -> None:
    answer = await house.machine().post(CAMPAIGN, json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["details"][0]["pointer"] == pointer


@pytest.mark.parametrize("automation", ["x", "1x"])
async def test_an_automation_that_is_none(house: House, automation: str) -> None:
    answer = await house.machine().get(QUEUE, params={"automation": automation})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["pointer"] == "/automation"
