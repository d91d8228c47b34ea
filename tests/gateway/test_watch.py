"""What the gateway's eyes see of phones, and that an alarm ends with its cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.channels.cloud_api import CloudApi
from gateway.watch import Watch
from store import alerts, templates
from store.companies import CompanySettings
from store.phones import company_days, phone_days, phones
from tests.gateway.conftest import NOON, House
from tests.gateway.test_inbound import change, post, tell
from tests.gateway.test_inbound import status as status_of

pytestmark = pytest.mark.anyio
TODAY = NOON.date()


def watch_of(house: House) -> Watch:
    channel = CloudApi()
    house._opened.append(channel)
    return Watch(house.db, {"cloud_api": channel}, house.clock)


async def phone_is(house: House, **values: Any) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).where(phones.c.id == house.phone).values(**values))


async def told(house: House) -> dict[str, tuple[str, str]]:
    async with house.db.read() as tx:
        return {
            one.kind: (one.severity, one.details) for one in await alerts.page(tx, house.company)
        }


async def raise_one(house: House, kind: str, *, of_phone: bool = True) -> None:
    async with house.db.write() as tx:
        await alerts.raise_once(
            tx, house.company, "critical", kind, "!", house.clock(),
            phone_id=house.phone if of_phone else None,
        )  # fmt: skip


async def test_a_quiet_house_is_left_alone(house: House) -> None:
    assert await watch_of(house).look() == 0
    assert await told(house) == {}


async def test_a_full_day_is_told_and_over_with_it(house: House) -> None:
    watch = watch_of(house)
    await phone_is(house, daily_limit=50)
    async with house.db.write() as tx:
        row = {"phone_id": house.phone, "day": TODAY, "sent": 50}
        await tx.execute(sa.insert(phone_days).values(row))
    assert await watch.look() == 1
    assert await told(house) == {
        "daily_cap": ("info", "Phone 1000 has sent its 50 messages for today.")
    }
    assert await watch.look() == 0
    house.clock.go(days=1)
    assert await watch.look() == 1
    assert await told(house) == {}


async def test_the_companys_own_limit_is_told_too(house: House) -> None:
    watch = watch_of(house)
    await house.settings(**vars_of(daily_limit=10))
    async with house.db.write() as tx:
        row = {"company_id": house.company, "day": TODAY, "sent": 10}
        await tx.execute(sa.insert(company_days).values(row))
    await watch.look()
    assert await told(house) == {
        "daily_cap": ("info", "The company has sent its 10 messages for today.")
    }


async def test_a_phone_that_stays_offline_is_told_and_one_that_blinks_is_not(house: House) -> None:
    watch = watch_of(house)
    await phone_is(house, status="offline")
    for minutes in (0, 2):
        house.clock.go(minutes=minutes)
        await watch.look()
    await phone_is(house, status="connected")
    await watch.look()
    await phone_is(house, status="offline")
    for minutes in (1, 4):
        house.clock.go(minutes=minutes)
        await watch.look()
    assert await told(house) == {}
    house.clock.go(minutes=1)
    await watch.look()
    assert (await told(house))["phone_offline"][0] == "critical"
    await phone_is(house, status="connected")
    await watch.look()
    assert await told(house) == {}


async def test_a_phone_nobody_reports_on_is_told(house: House) -> None:
    watch = watch_of(house)
    house.clock.go(hours=1)
    await phone_is(house, unreceipted=10, last_receipt_at=house.clock() - timedelta(minutes=29))
    await watch.look()
    assert await told(house) == {}
    house.clock.go(minutes=1)
    await watch.look()
    assert "Check the webhook" in (await told(house))["silent"][1]
    await phone_is(house, unreceipted=0, last_receipt_at=house.clock())
    await watch.look()
    assert await told(house) == {}


async def test_a_number_whose_webhook_works_is_not_silent(house: House) -> None:
    watch = watch_of(house)
    sent = [await house.queue(await house.contact(wrote_minutes_ago=3)) for _ in range(12)]
    await house.dispatcher().drain()
    house.clock.go(minutes=40)
    news = [status_of(f"wamid.{n}", "delivered", one) for n, one in enumerate(sent, 1)]
    await tell(house, post(change({"statuses": news})))
    await watch.look()
    assert await told(house) == {}


@pytest.mark.parametrize(
    ("kind", "bad", "good"),
    [
        ("number_stopped", {"status": "logged_out"}, {"status": "connected"}),
        ("failures_in_row", {"status": "flagged"}, {"status": "connected"}),
        ("phone_banned", {"status": "banned"}, {"status": "draining"}),
        ("number_in_danger", {"paused_until": NOON + timedelta(hours=1)}, {"paused_until": NOON}),
    ],
)
async def test_an_alarm_about_a_phone_ends_with_its_cause(
    house: House, kind: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    watch = watch_of(house)
    await raise_one(house, kind)
    await phone_is(house, **bad)
    assert await watch.look() == 0
    await phone_is(house, **good)
    assert await watch.look() == 1
    assert await told(house) == {}


async def test_a_share_of_failures_is_of_a_day(house: House) -> None:
    watch = watch_of(house)
    await raise_one(house, "failure_rate")
    async with house.db.write() as tx:
        row = {"phone_id": house.phone, "day": TODAY, "sent": 100, "failed": 30}
        await tx.execute(sa.insert(phone_days).values(row))
    assert await watch.look() == 0
    async with house.db.write() as tx:
        await tx.execute(sa.update(phone_days).values(sent=300))
    assert await watch.look() == 1


async def test_a_template_that_is_approved_again_and_events_that_passed(house: House) -> None:
    watch = watch_of(house)
    kind = "template:hi:it"
    await raise_one(house, kind, of_phone=False)
    await raise_one(house, "trouble")
    await raise_one(house, "account:account_violation", of_phone=False)
    row: dict[str, Any] = {"name": "hi", "language": "it", "category": "UTILITY", "components": []}
    for status, left in (("PAUSED", True), ("APPROVED", False)):
        async with house.db.write() as tx:
            await templates.upsert(tx, house.company, [row | {"status": status}], NOON)
        await watch.look()
        assert (kind in await told(house)) is left
    house.clock.go(hours=25)
    await watch.look()
    assert set(await told(house)) == {"account:account_violation"}  # for a person to judge


def vars_of(**settings: Any) -> dict[str, Any]:
    return {name: getattr(CompanySettings(**settings), name) for name in settings}
