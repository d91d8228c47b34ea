"""Numbers in danger rest from campaigns, and a person hears of it: once, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Template
from gateway.guard import end_rests, judge, note_quality
from gateway.inbound import take_in
from gateway.news import AccountChanged, PhoneChanged, Quality
from store import phone_care, phone_use
from store.alerts import alerts
from store.database import Database
from store.house import HouseSettings, set_settings
from store.phone_use import SendingPhone
from store.phones import phone_days, phones
from tests.gateway.conftest import NOON, Clock, House, Meta

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
WEEK = 7 * DAY


@pytest.fixture
async def home(db: Database, clock: Clock, meta: Meta) -> AsyncIterator[House]:
    house = House(db, clock, meta)
    await house.build(gap_minutes=0, marketing_per_day=None, marketing_per_week=None)
    async with db.write() as tx:
        await tx.execute(sa.update(phones).values(added_at=NOON - 400 * DAY))
    yield house
    await house.close()


async def the_phone(house: House) -> SendingPhone:
    async with house.db.read() as tx:
        return (await phone_use.of_companies(tx, [house.company]))[0]


async def told(house: House) -> dict[str, tuple[str, bool]]:
    return {row.kind: (row.severity, row.resolved_at is None) for row in await house.rows(alerts)}


async def note(house: House, quality: Quality) -> None:
    phone = await the_phone(house)
    async with house.db.write() as tx:
        await note_quality(tx, phone, quality, "people block it", house.clock())


async def advert(house: House, **values: Any) -> int:
    marketing = {"priority": 2, "category": "marketing"}
    return await house.queue(await house.contact(), Template("offer", "it"), **marketing | values)


async def test_a_low_quality_rests_campaigns_and_nothing_else(home: House) -> None:
    await note(home, "RED")
    phone = await the_phone(home)
    assert (phone.quality, phone.campaigns_rest_until) == ("RED", NOON + WEEK)
    assert await told(home) == {"low_quality": ("critical", True)}
    offer, news = await advert(home), await advert(home, category="utility")
    answer = await home.queue(await home.contact(wrote_minutes_ago=1))
    await home.dispatcher().drain()
    states = [(await home.message(one)).state for one in (offer, news, answer)]
    assert states == ["queued", "sent", "sent"]
    waits = await home.message(offer)
    assert "sends no campaigns" in waits.why[0]
    assert waits.due_at == NOON + timedelta(hours=1)  # the rest may be lifted any time


async def test_another_phone_sends_the_campaign_meanwhile(home: House) -> None:
    await note(home, "RED")
    await home.add_phone("2000", paired_at=NOON - 400 * DAY)
    offer = await advert(home)
    await home.dispatcher().drain()
    assert (await home.message(offer)).state == "sent"
    assert home.meta.paths == ["/v24.0/2000/messages"]


async def test_a_person_may_lift_it_and_it_begins_anew_only_when_it_falls_again(
    home: House,
) -> None:
    await note(home, "RED")
    phone = await the_phone(home)
    async with home.db.write() as tx:
        await phone_care.end_rest(tx, home.company, phone.id)
    await note(home, "RED")  # the same news once more
    assert (await the_phone(home)).campaigns_rest_until is None
    await note(home, "YELLOW")
    assert await told(home) == {
        "low_quality": ("critical", False),
        "quality_fell": ("warning", True),
    }
    await note(home, "RED")
    assert (await the_phone(home)).campaigns_rest_until == NOON + WEEK


async def test_a_rest_ends_by_itself(home: House) -> None:
    async with home.db.write() as tx:
        await set_settings(tx, HouseSettings(quality_rest_days=2))
    await note(home, "RED")
    await note(home, "GREEN")  # it got better, and rests to the end all the same
    assert (await the_phone(home)).campaigns_rest_until == NOON + 2 * DAY
    home.clock.go(days=2)
    async with home.db.write() as tx:
        await end_rests(tx, await phone_use.resting(tx), home.clock())
    assert (await the_phone(home)).campaigns_rest_until is None
    assert await told(home) == {"low_quality": ("critical", False)}


@pytest.mark.parametrize(
    ("kind", "quality", "rest"),
    [("cloud_api", "RED", NOON + 14 * DAY), ("neonize", "UNKNOWN", None)],
)
async def test_a_rest_goes_on_while_whatsapp_says_that_the_quality_is_low(
    home: House, kind: str, quality: str, rest: datetime | None
) -> None:
    await note(home, "RED")
    home.clock.go(days=7)
    async with home.db.write() as tx:
        await tx.execute(sa.update(phones).values(kind=kind))
        await end_rests(tx, await phone_use.resting(tx), home.clock())
    phone = await the_phone(home)
    assert (phone.quality, phone.campaigns_rest_until) == (quality, rest)


async def test_whatsapp_tells_quality_and_limits_by_webhook(home: House) -> None:
    news = [
        PhoneChanged("waba-1", "+39 1000", "FLAGGED", "TIER_2K", quality="RED", limit=2000),
        PhoneChanged("waba-1", "+39 4711", "UNFLAGGED", quality="GREEN"),  # another number
    ]
    async with home.db.write() as tx:
        await take_in(tx, news, app_secret=home.secret, now=home.clock())
    phone = await the_phone(home)
    assert (phone.quality, phone.messaging_limit) == ("RED", 2000)
    async with home.db.read() as tx:
        why = await tx.scalar(sa.select(phones.c.campaigns_rest_why))
    assert why == "its quality is low: WhatsApp says so"
    more = AccountChanged("waba-1", "MESSAGING_LIMIT", "-1", limit=-1)
    async with home.db.write() as tx:
        await take_in(tx, [more], app_secret=home.secret, now=home.clock())
    assert (await the_phone(home)).messaging_limit == -1


async def test_a_restricted_account_begins_no_chats_until_its_end(home: House) -> None:
    until = NOON + 3 * DAY
    news = AccountChanged(
        "waba-1", "ACCOUNT_RESTRICTION", "RESTRICTED_BIZ_INITIATED_MESSAGING",
        no_campaigns=True, until=until,
    )  # fmt: skip
    async with home.db.write() as tx:
        await take_in(tx, [news], app_secret=home.secret, now=home.clock())
    phone = await the_phone(home)
    assert (phone.no_new_until, phone.campaigns_rest_until) == (until, until)
    offer = await advert(home, category="utility")
    answer = await home.queue(await home.contact(wrote_minutes_ago=1))
    await home.dispatcher().drain()
    assert [(await home.message(one)).state for one in (offer, answer)] == ["queued", "sent"]


@pytest.mark.parametrize(
    ("days", "quality", "kinds"),
    [
        ([(30, 0, 29, 10), (30, 0, 28, 9)], "GREEN", set()),
        ([(30, 0, 29, 1), (30, 0, 28, 0)], "RED", {"low_quality", "few_answers"}),
        ([(30, 0, 12, 10), (30, 0, 11, 10)], "RED", {"low_quality"}),
        ([(30, 4, 25, 10), (30, 4, 25, 10)], "YELLOW", {"quality_fell"}),
        ([(5, 5, 0, 0)], "UNKNOWN", set()),
    ],
)
async def test_paired_phones_are_judged_by_how_people_take_their_messages(
    home: House, days: list[tuple[int, int, int, int]], quality: str, kinds: set[str]
) -> None:
    phone_id = home.phone
    async with home.db.write() as tx:
        for back, (sent, failed, delivered, answered) in enumerate(days, 1):
            counts = {"sent": sent, "failed": failed, "delivered": delivered, "answered": answered}
            day = date(2026, 11, 18) - back * DAY
            row = {"phone_id": phone_id, "day": day, "fresh": 0} | counts
            await tx.execute(sa.insert(phone_days).values(row))
    for _ in range(2):  # the second time it is no news
        phone = await the_phone(home)
        async with home.db.write() as tx:
            await judge(tx, [phone], datetime(2026, 11, 18, 11, tzinfo=UTC))
    assert (await the_phone(home)).quality == quality
    assert set(await told(home)) == kinds
