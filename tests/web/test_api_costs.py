"""Costs by API: WhatsApp's counts, priced by the tables of their days."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.prices import Prices, PriceTable
from store import resolve
from store.addresses import Address
from store.contacts import contacts
from store.conversations import conversations
from store.ids import new_id
from store.messages import messages
from tests.web.conftest import NOW, House
from web.app import create_app

pytestmark = pytest.mark.anyio
AT = "/api/v1/costs"
PRICES = Prices(
    "EUR",
    [
        PriceTable(date(2026, 2, 1), "conversation", {"marketing": {"*": "1"}}),
        PriceTable(date(2026, 3, 1), "message", {"marketing": {"IT": "0.10", "*": "0.25"}}),
    ],
    "Ours.",
)


async def delivered(house: House, contact: int, at: datetime, category: str, paid: bool) -> None:
    values: dict[str, Any] = {"id": new_id(at), "company_id": house.company, "contact_id": contact}
    values |= {"direction": "out", "state": "delivered", "kind": "text", "content": {}}
    values |= {"source": "api", "created_at": at, "delivered_at": at}
    values |= {"billed": {"category": category, "billable": paid}}
    opened = {"company_id": house.company, "contact_id": contact, "phone_id": 1, "opened_at": at}
    opened |= {"category": category, "ends_at": at + timedelta(days=1)}
    async with house.web.database.write() as tx:
        await tx.execute(sa.insert(messages).values(values))
        await tx.execute(sa.insert(conversations).values(opened))


async def test_costs_of_two_ways_of_paying(both_houses: House) -> None:
    house = both_houses
    house.app = create_app(replace(house.web, prices=PRICES))
    people = []
    async with house.web.database.write() as tx:
        for number, country in (("+393331234567", "IT"), ("+4930123456", "DE")):
            people.append(
                await resolve.resolve(tx, house.company, [Address("phone", number)], now=NOW)
            )
            await tx.execute(
                sa.update(contacts).where(contacts.c.id == people[-1]).values(country=country)
            )
    ada, bob = people
    february = NOW - timedelta(days=10)
    for contact, at, category, paid in (
        (ada, february, "marketing", True),
        (ada, NOW, "marketing", True),
        (ada, NOW, "marketing", False),
        (bob, NOW, "marketing", True),
        (bob, NOW, "utility", True),
    ):
        await delivered(house, contact, at, category, paid)
    told = (await house.machine().get(AT)).json()
    assert (told["currency"], told["total"], told["note"]) == ("EUR", "1.3500", "Ours.")
    assert told["items"] == [
        {
            "category": "marketing", "conversations": 4, "messages": 4, "billable": 3, "free": 1,
            "cost": "1.3500", "unpriced": 0,
        },
        {
            "category": "utility", "conversations": 1, "messages": 1, "billable": 1, "free": 0,
            "cost": None, "unpriced": 1,
        },
    ]  # fmt: skip
    march = {"from": "2026-03-01", "to": "2026-03-02"}
    told = (await house.machine().get(AT, params=march)).json()
    assert (told["total"], told["items"][0]["messages"]) == ("0.3500", 3)
    other = (await house.machine(house.other_key).get(AT)).json()
    assert (other["items"], other["total"]) == ([], "0.0000")


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2020-03-02", "to": "2026-03-01"},
        {"from": "yesterday"},
    ],
)
async def test_days_that_cannot_be(house: House, asked: dict[str, str]) -> None:
    assert (await house.machine().get(AT, params=asked)).status_code == 400
