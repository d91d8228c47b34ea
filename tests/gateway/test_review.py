"""Lines that stand still, and lines that share a worker: none keeps another waiting for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store.phones import phones
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio


async def test_a_line_that_stands_still_is_looked_at_each_minute(house: House) -> None:
    """A person lifts a rest, raises a limit or connects another number: it counts soon."""
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(paused_until=NOON + timedelta(hours=12)))
    await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher()
    assert (await dispatcher.claim()).shut
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(paused_until=None))
    assert not (await dispatcher.claim()).parcels  # nothing is asked in between
    house.clock.go(minutes=1)
    assert len((await dispatcher.claim()).parcels) == 1


async def test_a_line_opens_when_the_clock_is_put_back(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(status="paused"))
    dispatcher = house.dispatcher()
    house.clock.go(hours=5)
    await house.queue(await house.contact(wrote_minutes_ago=3), due_at=NOON)
    assert (await dispatcher.claim()).shut
    house.clock.now = NOON
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(status="connected"))
    assert len((await dispatcher.claim()).parcels) == 1
