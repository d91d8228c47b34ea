"""Never two owners of one phone, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store import leases, phones
from store.database import Database
from tests.gateway.neonize.conftest import PairedHouse, is_alive, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def db(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


async def test_a_phone_has_one_owner_and_goes_to_another(paired: PairedHouse) -> None:
    paired.work(name="gateway:a")
    await paired.is_("connected")
    first = paired.pretend().pid
    second = paired.open_channel()
    paired.work(second, name="gateway:b")

    async def looked() -> bool:
        return second.care.host is not None

    await until(looked)
    await second.care.hold()
    assert (paired.channel.owns(paired.phone), second.owns(paired.phone)) == (True, False)
    assert second.care.lines == {}

    paired._tasks[0].cancel()  # the first worker stops in peace: the other need not wait

    async def taken() -> bool:
        await second.care.hold()
        return second.owns(paired.phone) and paired.pretend().pid != first

    await until(taken)
    assert not paired.channel.owns(paired.phone)
    assert not is_alive(first)


async def test_a_lease_that_cannot_be_renewed_cuts_the_line(paired: PairedHouse) -> None:
    paired.work()
    await paired.is_("connected")
    pid = paired.pretend().pid
    async with paired.db.write() as tx:  # somebody else has it: ours ran out while we slept
        now = datetime.now(UTC)
        change = sa.update(phones.phones).where(phones.phones.c.id == paired.phone)
        await tx.execute(change.values(lease_until=now - timedelta(seconds=1)))
        taken = await leases.take(tx, "neonize", "gateway:b", now, now + timedelta(hours=1), 9)
    assert taken == {paired.phone}
    await paired.channel.care.hold()
    assert not paired.channel.owns(paired.phone)
    assert not is_alive(pid)
