"""Marketing to one contact, over all automations: never more than the company allows, and of
several that wait the more important goes first.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from flows.content import Template
from store.messages import messages
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio
ADVERT = Template("offer", "it")
HOUR = timedelta(hours=1)


async def advert(house: House, contact: int, **values: Any) -> int:
    told = {"template": "offer", "category": "marketing", "priority": 2} | values
    return await house.queue(contact, ADVERT, **told)


async def sent_before(house: House, contact: int, *hours_ago: float, **values: Any) -> None:
    """Marketing that left a while ago."""
    for ago in hours_ago:
        at = house.clock() - ago * HOUR
        one = await advert(house, contact, state="delivered", claimed_at=at, sent_at=at, **values)
        assert one


async def go(house: House) -> None:
    await house.dispatcher().drain()


async def test_over_the_budget_it_waits_until_there_is_room(house: House) -> None:
    await house.settings(gap_minutes=0)
    contact = await house.contact()
    await sent_before(house, contact, 23, 5)
    one = await advert(house, contact)
    await go(house)
    row = await house.message(one)
    assert (row.state, row.due_at) == ("queued", NOON + HOUR)
    said = "The contact had 2 marketing messages in the last 24 hours, at most 2"
    assert row.why == [f"{said}; tries again Wed 18 Nov 13:00 (Europe/Rome)."]
    house.clock.go(minutes=59, seconds=59)
    await go(house)
    assert house.meta.taken == []
    house.clock.go(seconds=1)
    await go(house)
    assert house.meta.references() == [one]


async def test_a_full_week_waits_for_days(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_week=3)
    contact = await house.contact()
    await sent_before(house, contact, 150, 100, 50)
    one = await advert(house, contact)
    await go(house)
    row = await house.message(one)
    assert row.due_at == NOON + 18 * HOUR + 3 * HOUR  # 6 in the morning is too early
    assert "3 marketing messages in the last 7 days, at most 3" in row.why[0]


async def test_what_is_over_is_dropped_where_its_automation_says_so(house: House) -> None:
    contact = await house.contact()
    await sent_before(house, contact, 5, 4)
    one = await advert(house, contact, over_budget="drop", run_id=7, seq=3)
    await go(house)
    row = await house.message(one)
    assert (row.state, row.error_class) == ("suppressed", "over_budget")
    assert row.error.endswith("at most 2; its automation drops what is over.")
    assert await house.verdicts() == [(7, "suppressed", "over_budget")]


async def test_who_waits_for_room_still_expires(house: House) -> None:
    contact = await house.contact()
    await sent_before(house, contact, 5, 4)
    one = await advert(house, contact, run_id=7, expires_at=NOON + HOUR)
    await go(house)
    assert (await house.message(one)).due_at == NOON + HOUR
    house.clock.go(hours=1)
    await go(house)
    assert (await house.message(one)).state == "expired"
    assert await house.verdicts() == [(7, "expired", "expired")]


async def test_what_may_have_left_counts_and_what_did_not_does_not(house: House) -> None:
    await house.settings(gap_minutes=0)
    for state, goes in {
        "sending": False,
        "unconfirmed": False,
        "sent": False,
        "read": False,
        "failed": True,
        "cancelled": True,
        "suppressed": True,
    }.items():
        contact = await house.contact()
        at = NOON - HOUR
        await advert(house, contact, state="sent", claimed_at=at, sent_at=at)
        claimed = {"claimed_at": at, "claimed_by": "gateway:test:1"}
        stuck = state == "sending"
        await advert(house, contact, state="unconfirmed" if stuck else state, **claimed)
        one = await advert(house, contact)
        await go(house)
        assert ((await house.message(one)).state == "sent") == goes, state


async def test_only_marketing_of_automations_counts(house: House) -> None:
    await house.settings(gap_minutes=0)
    contact = await house.contact(wrote_minutes_ago=3)
    await sent_before(house, contact, 5, 4, 3, category="utility")
    await sent_before(house, contact, 5, 4, 3, priority=0)
    await sent_before(house, contact, 5, 4, 3, source="person")
    await sent_before(house, contact, 5)
    first = await advert(house, contact)
    await go(house)
    assert (await house.message(first)).state == "sent"
    full = await advert(house, contact)
    answer = await advert(house, contact, priority=0)
    news = await advert(house, contact, category="utility", priority=1)
    await go(house)
    assert [(await house.message(one)).state for one in (full, answer, news)] == [
        *("queued", "sent", "sent")
    ]


async def test_a_message_that_waited_for_weeks_counts_when_it_left(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=1)
    contact = await house.contact()
    old = await advert(house, contact, due_at=NOON + timedelta(days=21))
    house.clock.go(days=21)  # the day before is a holiday
    await go(house)
    assert (await house.message(old)).state == "sent"
    one = await advert(house, contact)
    await go(house)
    assert (await house.message(one)).due_at == NOON + timedelta(days=22)


async def test_two_in_one_claim_do_not_both_pass(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=1)
    contact = await house.contact()
    mine = [await advert(house, contact) for _ in range(3)]
    workers = [house.dispatcher(f"w{n}") for n in range(3)]
    for _ in range(3):
        await asyncio.gather(*(worker.drain() for worker in workers))
    assert house.meta.references() == mine[:1]


async def test_the_more_important_automation_gets_the_last_place(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=2)
    low, high = await house.automation(0), await house.automation(5)
    contact = await house.contact()
    other = await house.contact()
    lows = [await advert(house, contact, automation_id=low) for _ in range(2)]
    alone = await advert(house, other, automation_id=low)
    highs = [await advert(house, contact, automation_id=high) for _ in range(2)]
    await go(house)
    assert sorted(house.meta.references()) == sorted([alone, *highs])
    mine = [one for one in house.meta.references() if one != alone]
    assert mine == highs  # one run's own messages keep their order
    house.clock.go(days=1)
    await go(house)
    assert house.meta.references()[3:] == lows


async def test_the_more_important_one_need_not_be_in_the_same_claim(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=1)
    low, high = await house.automation(0), await house.automation(5)
    contact = await house.contact()
    await advert(house, contact, automation_id=low, due_at=NOON - HOUR)
    better = await advert(house, contact, automation_id=high)
    dispatcher = house.dispatcher()
    claimed = await dispatcher.claim(room=1)
    assert [parcel.queued.id for parcel in claimed.parcels] == [better]
    await dispatcher.deliver(claimed.parcels)


async def test_a_better_one_that_cannot_go_lets_the_next_pass(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=1)
    low, high = await house.automation(0), await house.automation(5)
    contact = await house.contact()
    worse = await advert(house, contact, automation_id=low)
    gone = await advert(house, contact, automation_id=high, expires_at=NOON)
    paused = await house.automation(9, "paused")
    resting = await advert(house, contact, automation_id=paused)
    await go(house)
    assert house.meta.references() == [worse]
    assert (await house.message(gone)).state == "expired"
    assert (await house.message(resting)).state == "queued"


async def test_a_thousand_claims_never_go_over(house: House) -> None:
    await house.settings(gap_minutes=0, marketing_per_day=2, marketing_per_week=3)
    people = [await house.contact() for _ in range(4)]
    high = await house.automation(3)
    for n in range(60):
        await advert(house, people[n % 4], automation_id=high if n % 5 else None)
    workers = [house.dispatcher(f"w{n}", throughput_per_s=10_000) for n in range(2)]
    for _ in range(40):
        await asyncio.gather(*(worker.drain() for worker in workers))
        house.clock.go(hours=7)
    rows = [row for row in await house.rows(messages) if row.state == "sent"]
    for person in people:
        left = sorted(row.sent_at for row in rows if row.contact_id == person)
        for at in left:
            assert sum(at - timedelta(days=1) < one <= at for one in left) <= 2
            assert sum(at - timedelta(days=7) < one <= at for one in left) <= 3
        assert len(left) == 6  # 280 hours: two in the first day, the third, the same a week later
