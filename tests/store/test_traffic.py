"""Events, messages, templates, phones and the small nouns beside them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import Verdict
from store import (
    alerts,
    events,
    heartbeats,
    http_calls,
    idempotency,
    messages,
    phone_use,
    phones,
    runs,
    templates,
)
from store.database import Database
from store.ids import new_id

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


def event(company: int, contact: int, now: datetime, source: str | None = None) -> dict[str, Any]:
    return {
        "company_id": company,
        "contact_id": contact,
        "kind": "verdict",
        "data": Verdict(1, "sent"),
        "source_id": source,
        "at": now,
        "created_at": now,
    }


def message(company: int, now: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": new_id(now),
        "company_id": company,
        "contact_id": 1,
        "run_id": None,
        "direction": "out",
        "state": "queued",
        "kind": "text",
        "content": {"type": "text", "body": "Ciao"},
        "source": "automation",
        "seq": 1,
        "due_at": now,
        "created_at": now,
    } | more


async def test_events_wait_in_their_order(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        rows = [event(company, contact, now) for contact in (2, 1, 2, 3)]
        ids = await events.insert_many(tx, rows)
        waiting = await events.unhandled_of(tx, [1, 2])
        assert [(one.contact_id, one.id) for one in waiting] == [
            (1, ids[1]),
            (2, ids[0]),
            (2, ids[2]),
        ]
        told = msgspec.json.decode(waiting[0].data)
        assert told == {"type": "verdict", "seq": 1, "state": "sent"}
        await events.mark_handled(tx, ids[:2], now)
        await events.mark_faulty(tx, {ids[2]: "KeyError: x"}, now)
        await events.mark_handled(tx, [], now)
        await events.mark_faulty(tx, {}, now)
        assert [one.contact_id for one in await events.unhandled_of(tx, [1, 2, 3])] == [3]
        faults = (await tx.execute(sa.select(events.events.c.fault))).scalars().all()
        assert [fault for fault in faults if fault] == ["KeyError: x"]
        assert await events.forget_handled(tx, now + HOUR) == 3


async def test_an_event_told_twice_is_one(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        rows = [event(company, 1, now, source) for source in ("a", "b", "a", None, None)]
        assert len(await events.insert_many(tx, rows)) == 4
        assert await events.insert_many(tx, rows[:3]) == []
        assert len(await events.insert_many(tx, [event(company + 1, 1, now, "a")])) == 1
        assert await events.insert_many(tx, []) == []


async def test_two_workers_tell_the_same_event(db: Database, company: int, now: datetime) -> None:
    async def tell(*sources: str) -> int:
        async with db.write() as tx:
            rows = [event(company, 1, now, source) for source in sources]
            return len(await events.insert_many(tx, rows))

    new = await asyncio.gather(*(tell("a", "b", "c") for _ in range(8)))
    assert sorted(new) == [0] * 7 + [3]


async def test_recalling_cancels_only_what_is_queued(
    db: Database, company: int, now: datetime
) -> None:
    rows = [
        message(company, now, run_id=7),
        message(company, now, run_id=7, state="sending"),
        message(company, now, run_id=8),
        message(company, now),
    ]
    async with db.write() as tx:
        await messages.insert_many(tx, rows)
        assert await messages.recall(tx, [], now) == []
        assert await messages.recall(tx, [7, 9], now) == [rows[0]["id"]]
        assert await messages.recall(tx, [7], now) == []
        shown = await messages.page(tx, company, 1)
        assert [one.state for one in shown] == ["queued", "queued", "sending", "cancelled"]
        first = await messages.page(tx, company, 1, limit=3)
        assert len(await messages.page(tx, company, 1, before=first[-1].id)) == 1
        assert await messages.page(tx, company + 1, 1) == []
        found = await messages.find(tx, company, rows[3]["id"])
        assert found == shown[0]
        assert await messages.find(tx, company + 1, rows[3]["id"]) is None


async def test_a_run_whose_message_left_can_be_answered(
    db: Database, company: int, now: datetime
) -> None:
    told = [(1, "sent", 1), (2, "queued", 1), (3, "read", 2), (4, "unconfirmed", 1)]
    async with db.write() as tx:
        await runs.insert_many(
            tx,
            [
                {
                    "id": run,
                    "company_id": company,
                    "automation_id": 1,
                    "revision_id": 1,
                    "contact_id": run,
                    "status": "waiting",
                    "seq": 1,
                    "state": {},
                    "started_at": now,
                }
                for run, _, _ in told
            ],
        )
        rows = [message(company, now, run_id=run, state=s, seq=seq) for run, s, seq in told]
        await messages.insert_many(tx, rows)
        assert await messages.left_for(tx, [1, 2, 3, 4, 5]) == {1, 4}
        assert await messages.left_for(tx, []) == set()


async def test_one_channel_id_is_one_message(db: Database, company: int, now: datetime) -> None:
    row = message(company, now, phone_id=1, channel_id="wamid.1")
    async with db.write() as tx:
        await messages.insert_many(tx, [row, message(company, now, phone_id=1, channel_id=None)])

    async def again() -> None:
        async with db.write() as tx:
            await messages.insert_many(tx, [row | {"id": new_id(now)}])

    with pytest.raises(sa.exc.IntegrityError):
        await again()


async def test_templates_are_what_the_account_said_last(
    db: Database, company: int, now: datetime
) -> None:
    body = [{"type": "BODY", "text": "Ciao {{1}}, {{ 2 }} {{name}} {{3}}"}]
    row = {
        "name": "cart",
        "language": "it",
        "category": "MARKETING",
        "status": "PENDING",
        "components": body,
        "account_id": "w1",
    }
    async with db.write() as tx:
        await templates.upsert(tx, company, [row, row | {"language": "en"}], now)
        await templates.upsert(tx, company, [row | {"status": "APPROVED"}], now + HOUR)
        await templates.upsert(tx, company, [], now)
        key = (company, "cart", "it")
        found = await templates.find_many(tx, [key, (company, "none", "it")])
        assert list(found) == [key]
        assert (found[key].status, found[key].updated_at) == ("APPROVED", now + HOUR)
        assert found[key].filled(["Ada", "64 €"], {"name": "x"}) == "Ciao Ada, 64 € x {{3}}"
        assert await templates.find_many(tx, []) == {}
        changed = await templates.set_status(tx, "w1", "cart", "en", now, status="PAUSED")
        assert changed == [one.id for one in await templates.of_company(tx, company)][:1]
        assert await templates.set_status(tx, "w2", "cart", "en", now, status="X") == []


async def test_phones_keep_their_secrets_apart(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await phones.create(
            tx,
            company,
            "cloud_api",
            now,
            remote_id="p1",
            account_id="w1",
            credentials={"token": "t", "app_secret": "s"},
        )
        two = await phones.create(tx, company, "neonize", now, name="Shop")
        found = await phones.find_by_remote_id(tx, "p1")
        assert found is not None
        assert (found.id, found.status, found.kind) == (one, "connected", "cloud_api")
        assert await phones.find_by_remote_id(tx, "p2") is None
        assert [phone.id for phone in await phones.of_company(tx, company)] == [one, two]
        assert await phones.find(tx, company + 1, one) is None
        assert await phones.secrets(tx, [one, two]) == {
            one: {"token": "t", "app_secret": "s"},
            two: {},
        }
        assert await phone_use.app_secrets(tx, "cloud_api") == ["s"]
        assert await phone_use.app_secrets(tx, "neonize") == []


async def test_calls_are_queued(db: Database, company: int, now: datetime) -> None:
    row = {
        "id": new_id(now),
        "company_id": company,
        "contact_id": 1,
        "run_id": 1,
        "request": {"url": "https://example.com"},
        "due_at": now,
        "created_at": now,
    }
    async with db.write() as tx:
        await http_calls.insert_many(tx, [row])
        [kept] = (await tx.execute(sa.select(http_calls.http_calls))).all()
    assert (kept.state, kept.attempts, kept.request) == ("queued", 0, row["request"])


async def test_a_request_is_done_once(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        assert await idempotency.begin(tx, company, "k", "h", now) == idempotency.Fresh()
        assert await idempotency.begin(tx, company, "k", "h", now) == idempotency.Unfinished()
        await idempotency.finish(tx, company, "k", 201, {"id": "1"})
        done = idempotency.Answered(201, {"id": "1"})
        assert await idempotency.begin(tx, company, "k", "h", now) == done
        assert await idempotency.begin(tx, company, "k", "x", now) == idempotency.Mismatch()
        assert await idempotency.begin(tx, company + 1, "k", "x", now) == idempotency.Fresh()
        assert await idempotency.forget(tx, now + HOUR) == 2


async def test_a_request_repeated_at_the_same_moment(
    db: Database, company: int, now: datetime
) -> None:
    async def ask() -> object:
        async with db.write() as tx:
            found = await idempotency.begin(tx, company, "k", "h", now)
            if isinstance(found, idempotency.Fresh):
                await idempotency.finish(tx, company, "k", 200, None)
            return found

    found = await asyncio.gather(*(ask() for _ in range(6)))
    assert found.count(idempotency.Fresh()) == 1
    assert found.count(idempotency.Answered(200, None)) == 5


async def test_one_trouble_is_one_open_alert(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:

        async def alarm(phone_id: int | None) -> int | None:
            return await alerts.raise_once(
                tx, company, "warning", "slow", "Queue is old", now, phone_id=phone_id
            )

        first = await alarm(None)
        assert first is not None
        assert await alarm(None) is None
        assert await alarm(1) is not None
        assert await alarm(1) is None
        second = await alarm(2)
        assert second is not None
        await alerts.resolve(tx, company, "slow", now, phone_id=1)
        await alerts.dismiss(tx, company, second, now)
        assert [one.id for one in await alerts.page(tx, company)] == [first]
        assert len(await alerts.page(tx, company, open_only=False, limit=2)) == 2
        assert await alerts.page(tx, company, before=first) == []
        await alerts.resolve(tx, company, "slow", now)
        assert await alarm(None) is not None


async def test_hearts_beat(db: Database, now: datetime) -> None:
    async with db.write() as tx:
        await heartbeats.beat(tx, "engine:a", 7, now, now)
        await heartbeats.beat(tx, "web:a", 8, now, now)
        await heartbeats.beat(tx, "engine:a", 9, now, now + HOUR)
        engine, web = await heartbeats.everybody(tx)
        assert (engine.name, engine.pid, engine.at) == ("engine:a", 9, now + HOUR)
        await heartbeats.forget(tx, now + HOUR)
        assert await heartbeats.everybody(tx) == [engine]
        assert web.pid == 8
