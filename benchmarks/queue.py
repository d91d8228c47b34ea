"""Whether the gateway's claim gets slower with the length of the queue, and whether it is fair.

The same real claim (everything in its transaction: finding, loading, deciding, writing) on two
houses of the same million contacts: in one ten thousand messages wait, in the other a million; one
company is large, the others small, each with several automations. It is asked at two moments: when
two thousand messages are due in both, and when half of all are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import NamedTuple

import sqlalchemy as sa

from benchmarks import outbox
from benchmarks.figures import Figure, Size, at_most
from benchmarks.outbox import NOW
from benchmarks.places import copy_of, new_database
from gateway.channels.cloud_api import CloudApi
from gateway.claims import Claimed, claim
from gateway.dispatcher import BATCH
from gateway.throttle import Throttles
from store.database import Database

FEW, MANY = 10_000, 1_000_000
SMALL = 9  # companies beside the large one
PARTS = (64, *[4] * SMALL)  # of a hundred messages and contacts
AUTOMATIONS = (10, *[2] * SMALL)
PHONES = (5, *[2] * SMALL)
DUE = (1_000, *[100] * SMALL)  # messages at once
HOURS = 20  # the others' times lie in these next hours
HALF = NOW + timedelta(hours=HOURS / 2, minutes=30)
CLAIMS, WARM_UP = 25, 5
CAMPAIGN, SOME = 100_000, 50
UNHURRIED = 1e9  # permits a second: what WhatsApp lets through is not the question here
WORKER = "measured"


class House(NamedTuple):
    """How many contacts and messages."""

    contacts: int = MANY
    few: int = FEW
    many: int = MANY


@cache
def _times_slower(kind: str) -> float:
    """The claim with many queued ÷ the claim with few: the worse of both moments."""
    return times_slower(kind, House(), CLAIMS)


def times_slower(kind: str, house: House, claims: int) -> float:
    """The same with a house of any size."""
    few = new_database(kind)
    asyncio.run(_settle(few, house.contacts))
    many = copy_of(few)
    asyncio.run(_fill(few, house.few, house.contacts))
    asyncio.run(_fill(many, house.many, house.contacts))
    return asyncio.run(_compare((few, many), claims))


async def _settle(url: str, people: int) -> None:
    """Companies with their phones and people, but nothing to send."""
    database, first = Database(url), 1
    async with database.write() as tx:
        for number, part in enumerate(PARTS):
            company_id = await outbox.company(tx, f"Company {number}")
            for line in range(PHONES[number]):
                await outbox.phone(tx, company_id, f"{number}{line}")
            last = first + people * part // 100 - 1
            await outbox.people(tx, company_id, first, last)
            first = last + 1
    await database.close()


async def _fill(url: str, queued: int, people: int) -> None:
    """Queue so many messages: those that are due, then hour by hour."""
    database, place, apart, first = Database(url), 0, people // queued, 1
    async with database.write() as tx:
        for number, part in enumerate(PARTS):
            mine, used = queued * part // 100, 0
            for hour in range(HOURS + 1):
                upto = DUE[number] + (mine - DUE[number]) * hour // HOURS
                at, several = NOW + timedelta(hours=hour), AUTOMATIONS[number]
                for automation in range(several):
                    until = used + (upto - used) // (several - automation)
                    await outbox.queue(
                        tx,
                        number + 1,
                        range(place, place + until - used),
                        range(first + used * apart, first + until * apart, apart),
                        automation_id=100 * number + automation + 1,
                        priority=1 if not automation and at > HALF else 2,
                        due_at=at,
                    )
                    place, used = place + until - used, until
            first += people * part // 100
    if database.dialect == "postgresql":  # as its autovacuum does in a house that is lived in
        async with database.write() as tx:
            await tx.execute(sa.text("ANALYZE"))
    await database.close()


async def _compare(urls: Sequence[str], claims: int) -> float:
    databases, worst = [Database(url) for url in urls], 0.0
    try:
        for now in (NOW, HALF):
            times: list[list[float]] = [[], []]
            for _ in range(WARM_UP + claims):
                for database, taken in zip(databases, times, strict=True):  # in turn: a busy
                    taken.append(await _timed(database, now))  # minute is then both's
            few, many = (median(taken[WARM_UP:]) for taken in times)
            worst = max(worst, many / few)
        return worst
    finally:
        for database in databases:
            await database.close()


async def _timed(database: Database, now: datetime) -> float:
    """Seconds of one claim with its commit. What it took waits again afterwards."""
    throttles = Throttles(UNHURRIED, time.monotonic)
    began = time.perf_counter()
    claimed = await _claim(database, throttles, now)
    taken = time.perf_counter() - began
    assert len(claimed.parcels) == BATCH, claimed
    async with database.write() as tx:
        await outbox.put_back(tx, WORKER, now)
    return taken


async def _claim(database: Database, throttles: Throttles, now: datetime) -> Claimed:
    channels = {"cloud_api": CloudApi()}
    async with database.write() as tx:
        return await claim(
            tx, worker=WORKER, channels=channels, room=BATCH, throttles=throttles, now=now
        )


@cache
def unfairness(campaign: int = CAMPAIGN, some: int = SOME) -> float:
    """How many messages leave before the last of `some` that came later than a campaign of another
    automation, or company, ÷ how many would if both sent in turn. The worse of both.
    """
    return asyncio.run(_unfairness(new_database("sqlite"), campaign, some))


async def _unfairness(url: str, campaign: int, some: int) -> float:
    database, beside = Database(url), range(campaign + 1, campaign + some + 1)
    later, last = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    async with database.write() as tx:
        for name in ("Large", "Small"):
            company_id = await outbox.company(tx, name)
            await outbox.phone(tx, company_id, name)
        everybody = range(1, campaign + 1)
        others = range(campaign + some + 1, campaign + 2 * some + 1)
        await outbox.people(tx, 1, 1, beside.stop - 1)
        await outbox.people(tx, 2, others.start, others.stop - 1)
        await outbox.queue(tx, 1, everybody, everybody, automation_id=1)
        await outbox.queue(tx, 1, beside, beside, automation_id=2, due_at=later)
        await outbox.queue(tx, 2, others, others, automation_id=3, due_at=last)
    try:
        within = await _sent_before_the_last(database, 2, some, later)
        return max(within, await _sent_before_the_last(database, 3, some, last)) / (2 * some)
    finally:
        await database.close()


async def _sent_before_the_last(
    database: Database, automation_id: int, some: int, now: datetime
) -> int:
    """Messages that leave until all of this automation have left."""
    throttles = Throttles(UNHURRIED, time.monotonic)
    sent, left = 0, some
    while left:
        for parcel in (await _claim(database, throttles, now)).parcels:
            sent += 1
            left -= parcel.queued.automation_id == automation_id
            if not left:
                break
    return sent


def _worst(size: Size) -> float:
    """The worse of both databases; the short bench looks at the one that is filled quickest."""
    kinds = ("sqlite", "postgresql") if size.full else ("sqlite",)
    return max(_times_slower(kind) for kind in kinds)


FIGURES = (
    Figure(
        "gateway_claim_1m_vs_10k",
        "times",
        "the gateway's claim with 1,000,000 queued ÷ with 10,000 (on SQLite; full: on both)",
        _worst,
        at_most(1.5),
    ),
    Figure(
        "gateway_fair_share",
        "times",
        "messages before the last of 50 beside a campaign of 100,000 ÷ if both sent in turn",
        lambda _size: unfairness(),
        at_most(1.5),
    ),
)
