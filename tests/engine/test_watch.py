"""A queue that does not move is noticed, and forgotten when it moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.watch import watch_queue
from store import alerts, companies, phones
from store.ids import new_id
from store.messages import messages
from tests.engine.conftest import House
from tests.engine.flows import NOW

pytestmark = pytest.mark.anyio


async def queue(house: House, at: datetime, *, priority: int = 1, **more: Any) -> None:
    values: dict[str, Any] = {"id": new_id(at), "company_id": house.company, "contact_id": 1}
    values |= {"direction": "out", "state": "queued", "kind": "text", "content": {}}
    values |= {"source": "api", "priority": priority, "due_at": at, "created_at": at}
    async with house.database.write() as tx:
        await tx.execute(sa.insert(messages).values(values | more))


async def watch(house: House) -> list[str]:
    async with house.database.write() as tx:
        await watch_queue(tx, house.now)
        return [one.details for one in await alerts.page(tx, house.company)]


async def test_messages_that_wait_for_half_an_hour_are_told_once(house: House) -> None:
    await queue(house, NOW)
    await queue(house, NOW + timedelta(minutes=20), priority=0)
    house.now = NOW + timedelta(minutes=29)
    assert await watch(house) == []
    house.now = NOW + timedelta(minutes=31)
    [said] = await watch(house)
    assert said.startswith("1 news about orders wait, the oldest for 31 minutes.")
    house.now = NOW + timedelta(minutes=55)
    assert await watch(house) == [said]
    async with house.database.write() as tx:
        await tx.execute(sa.update(messages).values(state="sent"))
    assert await watch(house) == []


async def test_what_waits_on_purpose_is_not_late(house: House) -> None:
    await queue(house, NOW, held_at=NOW)
    await queue(house, NOW + timedelta(hours=9))
    house.now = NOW + timedelta(hours=1)
    assert await watch(house) == []
    await queue(house, NOW)
    async with house.database.write() as tx:
        await companies.set_subscription(tx, house.company, NOW)
    assert await watch(house) == []


async def test_a_campaign_is_late_when_nothing_leaves_at_all(house: House) -> None:
    async with house.database.write() as tx:
        phone = await phones.create(tx, house.company, "cloud_api", NOW, name="Main")
    await queue(house, NOW, priority=2)
    house.now = NOW + timedelta(minutes=40)

    async def last_sent(at: datetime) -> None:
        change = sa.update(phones.phones).where(phones.phones.c.id == phone)
        async with house.database.write() as tx:
            await tx.execute(change.values(last_sent_at=at))

    await last_sent(NOW + timedelta(minutes=30))
    assert await watch(house) == []
    await last_sent(NOW)
    [said] = await watch(house)
    assert said.startswith("1 campaign messages wait")
    async with house.database.write() as tx:
        await alerts.raise_once(
            tx, house.company, "info", "daily_cap", "Full.", house.now, phone_id=phone
        )
    assert await watch(house) == ["Full."]
