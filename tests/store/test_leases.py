"""Leases of phones, on both databases: one owner, never two."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from store import companies, leases, phones
from store.database import Database

LEASE = timedelta(seconds=20)


@pytest.fixture
async def ids(db: Database, company: int, now: datetime) -> list[int]:
    async with db.write() as tx:
        homes = [await companies.create(tx, f"Shop {n}", now=now) for n in range(5)]
        made = [await phones.create(tx, home, "neonize", now) for home in homes]
        await phones.create(tx, company, "cloud_api", now, name="Meta's", remote_id="1")
    return made


async def take(db: Database, owner: str, now: datetime, at_most: int = 10) -> set[int]:
    async with db.write() as tx:
        return await leases.take(tx, "neonize", owner, now, now + LEASE, at_most)


async def renew(db: Database, owner: str, now: datetime) -> set[int]:
    async with db.write() as tx:
        return await leases.renew(tx, "neonize", owner, now, now + LEASE)


@pytest.mark.anyio
async def test_a_phone_has_one_owner(db: Database, ids: list[int], now: datetime) -> None:
    assert await take(db, "a", now, at_most=2) == set(ids[:2])
    assert await take(db, "b", now) == set(ids[2:])
    assert await take(db, "c", now) == set()


@pytest.mark.anyio
async def test_two_who_take_at_once_share(db: Database, ids: list[int], now: datetime) -> None:
    found = await asyncio.gather(*(take(db, f"worker-{n}", now, at_most=2) for n in range(6)))
    taken = [phone_id for some in found for phone_id in some]
    assert len(taken) == len(set(taken))
    for n in range(6):  # what somebody looked past while it was locked is free for the next
        taken += await take(db, f"worker-{n}", now)
    assert sorted(taken) == ids


@pytest.mark.anyio
async def test_a_lease_that_is_renewed_stays(db: Database, ids: list[int], now: datetime) -> None:
    await take(db, "a", now)
    later = now + timedelta(seconds=15)
    assert await renew(db, "a", later) == set(ids)
    assert await take(db, "b", later + timedelta(seconds=15)) == set()


@pytest.mark.anyio
async def test_a_dead_owner_is_followed_by_another(
    db: Database, ids: list[int], now: datetime
) -> None:
    await take(db, "a", now)
    later = now + LEASE
    assert await take(db, "b", later) == set(ids)
    assert await renew(db, "a", later) == set()
    assert await renew(db, "a", later + LEASE) == set()


@pytest.mark.anyio
async def test_a_lease_that_ran_out_is_lost_though_nobody_took_it(
    db: Database, ids: list[int], now: datetime
) -> None:
    await take(db, "a", now)
    assert await renew(db, "a", now + LEASE) == set()


@pytest.mark.anyio
async def test_what_is_given_up_is_free_at_once(
    db: Database, ids: list[int], now: datetime
) -> None:
    await take(db, "a", now)
    async with db.write() as tx:
        await leases.give_up(tx, "a", ids[:2])
        await leases.give_up(tx, "somebody else", ids)
    assert await take(db, "b", now) == set(ids[:2])


@pytest.mark.anyio
async def test_all_phones_of_a_company_have_the_same_owner(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        mine = [await phones.create(tx, company, "neonize", now) for _ in range(3)]
    assert await take(db, "a", now, at_most=1) == {mine[0]}
    assert await take(db, "b", now) == set()
    assert await take(db, "a", now) == set(mine[1:])
    async with db.read() as tx:
        for owner, others in (("a", set()), ("b", {company})):
            assert await leases.companies_of_others(tx, ["neonize"], owner, now) == others
    at_once = await asyncio.gather(*(take(db, f"{n}", now + LEASE, 1) for n in range(4)))
    assert len([taken for taken in at_once if taken]) == 1
