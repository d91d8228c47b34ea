"""Lines that stand still, and lines that share a worker: none keeps another waiting for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows.content import Template
from gateway.channel import SendError
from gateway.results import record
from store.ids import first_id_at
from store.messages import messages
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


async def test_a_line_without_permits_leaves_the_room_to_others(house: House) -> None:
    for _ in range(3):
        await house.queue(await house.contact(wrote_minutes_ago=3), priority=1)
    await house.build_another("2000")
    await house.queue(await house.contact(wrote_minutes_ago=3), priority=2)
    dispatcher = house.dispatcher(throughput_per_s=0.001)
    claimed = [await dispatcher.claim(2) for _ in range(5)]
    assert {one.phone.remote_id for two in claimed for one in two.parcels} == {"1000", "2000"}
    assert claimed[-1].held_up  # soon there are permits again
    assert not claimed[-1].parcels


async def test_all_companies_have_their_turn(house: House) -> None:
    """More companies than a claim has room for: none is always behind the first ones."""
    for n in range(5):
        if n:
            await house.build_another(f"200{n}")
        for _ in range(5):
            await house.queue(await house.contact(wrote_minutes_ago=3), priority=2)
    dispatcher = house.dispatcher()
    served = set()
    for _ in range(5):
        served |= {one.queued.company_id for one in (await dispatcher.claim(1)).parcels}
        house.clock.go(milliseconds=7)
    assert len(served) == 5


async def test_a_number_that_is_being_emptied_stops_like_any_other(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(status="draining"))
    house.meta.refuse(190, 401)
    await house.queue(await house.contact(wrote_minutes_ago=3, last_phone_id=house.phone))
    await house.dispatcher().drain()
    assert [row.status for row in await house.rows(phones)] == ["logged_out"]


async def test_the_gap_begins_also_when_a_message_left_that_had_waited_for_weeks(
    house: House,
) -> None:
    contact = await house.contact()
    later = NOON + timedelta(days=12)
    first = first_id_at(NOON)
    await house.queue(contact, Template("news", "it"), id=first, priority=2, due_at=later)
    house.clock.now = later
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    second = await house.queue(contact, Template("news", "it"), priority=2)
    await dispatcher.drain()
    assert house.meta.references() == [first]
    assert (await house.message(second)).due_at == later + timedelta(hours=1)


async def test_campaigns_that_rest_are_looked_at_each_hour_and_not_all_at_once(
    house: House,
) -> None:
    """The number sends everything else, so the line is open; a person may lift the rest."""
    async with house.db.write() as tx:
        until = NOON + timedelta(days=7)
        await tx.execute(sa.update(phones).values(campaigns_rest_until=until))
    for _ in range(4):
        offer = Template("news", "it")
        await house.queue(await house.contact(), offer, priority=2, category="marketing")
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    due = sorted(row.due_at for row in await house.rows(messages))
    assert due == [NOON + timedelta(hours=1, seconds=8 * n) for n in range(4)]
    async with house.db.write() as tx:
        await tx.execute(sa.update(phones).values(campaigns_rest_until=None))
    house.clock.go(hours=2)
    assert await dispatcher.drain() == 4


async def test_whom_a_time_locked_phone_may_not_write_to_another_may(house: House) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher()
    [parcel] = (await dispatcher.claim()).parcels
    locked = SendError("number_in_danger", 463, "server returned error 463")
    async with house.db.write() as tx:
        await record(tx, [(parcel, locked)], worker=dispatcher.name, now=NOON)
    after = await house.message(one)
    assert (after.state, after.phone_id) == ("queued", None)
