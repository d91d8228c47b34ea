"""News told to people's own programs: signed, tried again for a day, and nobody waits for the slow
ones. Against real HTTP servers on loopback.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine import telling
from engine.telling import Rests, Teller
from store import companies, erasure, news
from store import house as houses
from store.alerts import alerts
from store.events import events
from store.http_calls import http_calls, insert_many
from store.news import Hearer
from tests.engine.conftest import House
from tests.engine.flows import NOW
from tests.engine.test_webhooks import Outside, server

pytestmark = pytest.mark.anyio
__all__ = ["server"]
NOBODY_THERE = "http://127.0.0.1:9"  # the discard port: the connection is refused


@pytest.fixture
async def teller(house: House) -> AsyncIterator[Teller]:
    one = Teller(house.database, house.at, allow_private=True)
    yield one
    await one.close()


async def queue(house: House, url: str, *, purpose: Any = "reply", count: int = 1) -> None:
    calls = [
        news.call(
            Hearer(url, purpose, "Mugs"),
            house.company,
            {"event": "test", "n": number},
            house.now,
            key=f"k{number}",
            contact_id=5,
        )
        for number in range(count)
    ]
    async with house.database.write() as tx:
        await insert_many(tx, calls)


async def states(house: House) -> list[str]:
    return list(await house.all(sa.select(http_calls.c.state).order_by(http_calls.c.id)))


async def open_alerts(house: House) -> list[tuple[str, str]]:
    query = sa.select(alerts).where(alerts.c.resolved_at.is_(None))
    async with house.database.read() as tx:
        return [(row.kind, row.details) for row in await tx.execute(query)]


async def test_news_are_told_signed_and_forgotten(
    house: House, teller: Teller, server: str
) -> None:
    await queue(house, server)
    await queue(house, server + "/house", purpose="house_reply")
    assert await teller.tell_due() == 2
    async with house.database.write() as tx:
        secrets = {
            "/": (await companies.webhook_secrets(tx, [house.company]))[house.company],
            "/house": await houses.webhook_secret(tx),
        }
    for _, path, headers, body in Outside.heard:
        assert headers["Idempotency-Key"] == "k0"
        assert headers["Content-Type"] == "application/json"
        parts = dict(one.split("=", 1) for one in headers["Tiptoe-Signature"].split(","))
        signed = f"{parts['t']}.".encode() + body
        made = hmac.new(secrets[path].encode(), signed, hashlib.sha256).hexdigest()
        assert made == parts["v1"]
        assert json.loads(body) == {"event": "test", "n": 0}
    assert await states(house) == ["done", "done"]
    assert await house.all(sa.select(http_calls.c.request)) == [{}, {}]
    assert await house.all(sa.select(events.c.id)) == []
    assert await teller.tell_due() == 0


@pytest.mark.parametrize("status", [500, 404, 401, 429])
async def test_any_other_answer_is_tried_again(
    house: House, teller: Teller, server: str, status: int
) -> None:
    Outside.answers = [(status, b"", {}), (200, b"", {})]
    await queue(house, server)
    assert await teller.tell_due() == 1
    assert await teller.tell_due() == 0
    assert await states(house) == ["queued"]
    house.now += timedelta(seconds=4)
    assert await teller.tell_due() == 1
    assert await states(house) == ["done"]
    first, second = (headers["Idempotency-Key"] for _, _, headers, _ in Outside.heard)
    assert first == second


async def test_pauses_grow_and_end_after_a_day_with_an_alert(
    house: House, teller: Teller, server: str
) -> None:
    Outside.answers = [(503, b"", {})]
    await queue(house, server)
    waits = []
    while await states(house) == ["queued"]:
        before = house.now
        [due] = await house.all(sa.select(http_calls.c.due_at))
        house.now = max(due, house.now)
        waits.append((house.now - before).total_seconds())
        assert await teller.tell_due() <= 1
        house.now += timedelta(seconds=telling.LONGEST_REST_S)
    assert 20 < len(waits) < 60
    assert NOW + timedelta(hours=20) < house.now < NOW + timedelta(hours=26)
    [(kind, said)] = await open_alerts(house)
    assert kind == "reply_webhook"
    assert said == "Replies could not be told to your webhook: answered 503."
    assert await house.all(sa.select(http_calls.c.request)) == [{}]
    Outside.answers = [(200, b"", {})]
    await queue(house, server)
    await teller.tell_due()
    assert await open_alerts(house) == []


async def test_a_program_that_is_gone_is_not_asked_again(
    house: House, teller: Teller, server: str
) -> None:
    Outside.answers = [(410, b"", {})]
    await queue(house, server)
    await teller.tell_due()
    assert (await states(house), len(await open_alerts(house))) == (["failed"], 1)


async def test_a_private_address_is_refused_for_ever(house: House, server: str) -> None:
    await queue(house, server.replace("127.0.0.1", "localhost"))
    guarded = Teller(house.database, house.at, allow_private=False)
    await guarded.tell_due()
    await guarded.close()
    assert (Outside.heard, await states(house)) == ([], ["failed"])
    [(_, said)] = await open_alerts(house)
    assert "private network" in said


async def test_one_that_is_away_keeps_nobody_waiting(
    house: House, teller: Teller, server: str
) -> None:
    await queue(house, NOBODY_THERE, count=100)
    await queue(house, server, count=20)
    assert await teller.tell_due() == 32  # 16 of each
    assert await teller.tell_due() == 4  # the rest of who answers; the other one rests
    assert len(Outside.heard) == 20
    house.now += timedelta(seconds=3)
    assert await teller.tell_due() == 1  # one is enough to see that it is still away
    house.now += timedelta(hours=1)
    assert await teller.tell_due() == 1
    tried = await house.all(sa.select(http_calls.c.attempts).where(http_calls.c.attempts > 0))
    assert sum(tried) == 20 + 16 + 1 + 1


async def test_what_nobody_took_for_a_day_is_forgotten_all_at_once(
    house: House, teller: Teller
) -> None:
    await queue(house, NOBODY_THERE, count=50)
    house.now += timedelta(hours=23)
    await queue(house, NOBODY_THERE, purpose="house_reply")
    assert await teller.give_up_old() == 0
    house.now += timedelta(hours=2)
    assert await teller.give_up_old() == 50
    assert (await states(house))[-2:] == ["failed", "queued"]
    [(kind, said)] = await open_alerts(house)
    assert (kind, "50 were given up" in said) == ("reply_webhook", True)


async def test_a_claim_of_a_dead_worker_is_taken_over(
    house: House, teller: Teller, server: str
) -> None:
    await queue(house, server)
    async with house.database.write() as tx:
        await tx.execute(sa.update(http_calls).values(state="calling", claimed_at=house.now))
    assert await teller.tell_due() == 0
    house.now += timedelta(minutes=2)
    assert await teller.tell_due() == 1


async def test_what_cannot_be_read_fails_alone(house: House, teller: Teller, server: str) -> None:
    await queue(house, server, count=2)
    async with house.database.write() as tx:
        first = sa.select(sa.func.min(http_calls.c.id)).scalar_subquery()
        broken = sa.update(http_calls).where(http_calls.c.id == first)
        await tx.execute(broken.values(request={"method": 7}))
    await teller.tell_due()
    assert await states(house) == ["failed", "done"]


async def test_whoever_is_erased_is_not_spoken_of(house: House, teller: Teller) -> None:
    await queue(house, NOBODY_THERE, count=2)
    async with house.database.write() as tx:
        await erasure.erase(tx, [5], house.now)
    assert await states(house) == []


def test_a_host_rests_longer_each_time_and_hosts_are_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests, rested = Rests(), []
    for _ in range(12):
        rests.note("a.test", NOW, well=False)
        [until] = [until for _, until in rests._failed.values()]
        rested.append((until - NOW).total_seconds())
    assert rested[:4] == [2, 4, 8, 16]
    assert rested[-1] == telling.LONGEST_REST_S
    assert rests.resting(NOW) == {"a.test"}
    rests.note("a.test", NOW, well=True)
    assert rests.resting(NOW) == set()
    monkeypatch.setattr(telling, "HOSTS_KEPT", 3)
    for number in range(5):
        rests.note(f"{number}.test", NOW, well=False)
    assert rests.resting(NOW) == {"2.test", "3.test", "4.test"}
