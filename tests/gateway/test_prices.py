"""What WhatsApp says our messages cost is kept once; prices are dated data."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from flows.content import Text
from gateway.prices import EXAMPLE, Prices, PriceTable, load_prices, price_of, spans
from store import conversations as store
from store.contacts import contacts
from store.conversations import conversations
from tests.gateway.conftest import NOON, House
from tests.gateway.test_inbound import AT, change, post, status, tell, text

pytestmark = pytest.mark.anyio
PMP = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
FREE = PMP | {"billable": False, "type": "free_customer_service", "category": "service"}
CBP = {"billable": True, "pricing_model": "CBP", "category": "utility"}


async def sent(house: House, contact: int, wamid: str) -> int:
    return await house.queue(
        contact, Text("Hi"), state="sent", channel_id=wamid, phone_id=house.phone,
        sent_at=house.clock(),
    )  # fmt: skip


async def told(house: House, wamid: str, state: str, of: int, **more: Any) -> None:
    await tell(house, post(change({"statuses": [status(wamid, state, of, more)]})))


async def test_a_price_is_kept_as_it_was_told_first(house: House) -> None:
    one = await sent(house, await house.contact(), "wamid.1")
    for state in ("sent", "delivered", "read", "read"):
        await told(house, "wamid.1", state, one, pricing=PMP)
    await told(house, "wamid.1", "read", one, pricing=FREE)
    billed = (await house.message(one)).billed
    assert (billed["category"], billed["billable"], billed["model"]) == ("marketing", True, "PMP")
    assert len(await house.rows(conversations)) == 1


async def test_a_day_with_one_category_is_one_conversation(house: House) -> None:
    ada, bob = await house.contact(), await house.contact()
    for number, (contact, hours, pricing) in enumerate(
        [(ada, 0, PMP), (ada, 1, PMP), (ada, 23, PMP), (ada, 1, FREE), (ada, 30, PMP),
            (bob, 30, PMP)]
    ):  # fmt: skip
        house.clock.now = NOON + timedelta(hours=hours)
        one = await sent(house, contact, f"wamid.{number}")
        await told(house, f"wamid.{number}", "delivered", one, pricing=pricing)
    rows = await house.rows(conversations)
    found = [(row.contact_id, row.category, row.opened_at - NOON) for row in rows]
    assert found == [
        (ada, "marketing", timedelta()),
        (ada, "service", timedelta(hours=1)),
        (ada, "marketing", timedelta(hours=30)),
        (bob, "marketing", timedelta(hours=30)),
    ]
    assert {row.ends_at - row.opened_at for row in rows} == {timedelta(hours=24)}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_named_conversation_is_kept_once_in_any_order(
    house: House, order: tuple[int, ...]
) -> None:
    ada = await house.contact()
    ids = [await sent(house, ada, f"wamid.{n}") for n in range(2)]
    named = {"id": "conv1", "origin": {"type": "utility"}}
    ends = named | {"expiration_timestamp": str(AT + 3600)}
    news = [
        ("wamid.0", "sent", ids[0], ends),
        ("wamid.0", "delivered", ids[0], named),
        ("wamid.1", "delivered", ids[1], named),
    ]
    for place in order:
        wamid, state, of, conversation = news[place]
        await told(house, wamid, state, of, pricing=CBP, conversation=conversation)
    [row] = await house.rows(conversations)
    assert (row.remote_id, row.category) == ("conv1", "utility")
    assert row.ends_at == NOON + timedelta(hours=1)


async def test_an_answer_to_somebody_from_an_advertisement_opens_their_free_time(
    house: House,
) -> None:
    referral = {"source_type": "ad", "source_id": "7", "source_url": "https://fb.test/7"}
    for number, hours in enumerate((23, 25)):
        house.clock.now = NOON
        sender = {"from": f"39333111222{number}"}
        message = text(f"wamid.in{number}", referral=referral) | sender
        await tell(house, post(change({"messages": [message]})))
        house.clock.go(hours=hours)
        rows = await house.rows(contacts)
        person = max(rows, key=lambda row: row.id)
        assert person.referred_at == NOON
        one = await house.queue(person.id, Text("Hi"), state="sending", phone_id=house.phone)
        stamp = {"timestamp": str(int(house.clock().timestamp()))}
        await told(house, f"wamid.{number}", "sent", one, **stamp)
        [person] = [row for row in await house.rows(contacts) if row.id == person.id]
        free = NOON + timedelta(hours=23 + 72) if hours == 23 else None
        assert (person.free_until, person.referred_at) == (free, None)


async def test_costs_are_counted_by_category_and_country(house: House) -> None:
    ada = await house.contact(country="IT")
    bob = await house.contact(country="DE")
    for number, (contact, pricing, state) in enumerate(
        [(ada, PMP, "delivered"), (ada, PMP, "read"), (ada, FREE, "delivered"),
         (bob, PMP, "delivered"), (bob, PMP, "sent")]
    ):  # fmt: skip
        one = await sent(house, contact, f"wamid.{number}")
        await told(house, f"wamid.{number}", state, one, pricing=pricing)
    async with house.db.read() as tx:
        day = (NOON - timedelta(hours=1), NOON + timedelta(hours=1))
        found = await store.count_messages(tx, house.company, *day)
        opened = await store.count_conversations(tx, house.company, *day)
        nothing = await store.count_messages(tx, house.company, day[1], day[1] + timedelta(days=1))
    assert [(one.category, one.country, one.count, one.paid) for one in found] == [
        ("marketing", "DE", 1, 1),
        ("marketing", "IT", 2, 2),
        ("service", "IT", 1, 0),
    ]
    assert [(one.category, one.country, one.count) for one in opened] == [
        ("marketing", "DE", 1),
        ("marketing", "IT", 1),
        ("service", "IT", 1),
    ]
    assert nothing == []


async def test_messages_without_a_price_are_not_counted(house: House) -> None:
    one = await sent(house, await house.contact(), "wamid.1")
    await told(house, "wamid.1", "delivered", one)
    assert (await house.message(one)).billed is None
    assert await house.rows(conversations) == []


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("category", "country", "when", "price"),
    [
        ("marketing", "IT", at(2026, 1, 1), "0.02"),
        ("marketing", "ZZ", at(2026, 1, 1), "0.01"),
        ("marketing", "IT", at(2025, 12, 31, 23, 59), "0.05"),
        ("marketing", "IT", at(2024, 12, 31), None),
        ("utility", "IT", at(2026, 1, 1), None),
    ],
)
def test_a_price_is_that_of_its_day(
    category: str, country: str, when: datetime, price: str | None
) -> None:
    found = price_of(PRICES, category, country, when)
    assert found == (None if price is None else Decimal(price))


PRICES = Prices(
    "EUR",
    [
        PriceTable(date(2025, 1, 1), "conversation", {"marketing": {"*": "0.05"}}),
        PriceTable(date(2026, 1, 1), "message", {"marketing": {"IT": "0.02", "*": "0.01"}}),
    ],
)


def test_a_time_is_cut_where_prices_change() -> None:
    found = list(spans(PRICES, at(2024, 6, 1), at(2026, 6, 1)))
    assert [(one.begins, one.ends) for one in found] == [
        (at(2024, 6, 1), at(2025, 1, 1)),
        (at(2025, 1, 1), at(2026, 1, 1)),
        (at(2026, 1, 1), at(2026, 6, 1)),
    ]
    assert [one.table and one.table.unit for one in found] == [None, "conversation", "message"]
    assert list(spans(PRICES, at(2026, 1, 1), at(2026, 1, 1))) == []


def test_the_shipped_prices_say_that_they_are_examples() -> None:
    assert load_prices().note.startswith("Examples")
    assert price_of(load_prices(), "service", "IT", at(2026, 9, 30)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "euro"},
        {"tables": []},
        {"what": 1},
        {"tables": [{"valid_from": "2025-01-01", "unit": "day", "prices": {}}]},
        {"tables": [{"valid_from": "2025-01-01", "unit": "message", "prices": {"a": {"*": "-1"}}}]},
        {"tables": [{"valid_from": d, "unit": "message", "prices": {}}
            for d in ("2026-01-01", "2025-01-01")]},
    ],
)  # fmt: skip
def test_a_file_that_is_no_price_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(json.loads(EXAMPLE.read_text()) | change))
    with pytest.raises(ValueError, match=r"prices\.json"):
        load_prices(path)
