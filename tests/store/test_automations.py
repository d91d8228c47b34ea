"""Drafts, revisions and what is live."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from store import automation_list, automations, companies, revisions, runs
from store.database import Database
from store.errors import NotFoundError
from store.ids import new_id

pytestmark = pytest.mark.anyio


def flow(name: str, steps: int = 1) -> dict[str, Any]:
    return {"spec": 1, "name": name, "steps": {f"s{n}": {"type": "end"} for n in range(steps)}}


async def test_publishing_makes_revisions(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("Welcome"), now)
        assert (await automations.get(tx, company, one)).status == "draft"
        assert await automations.live(tx, [company]) == []
        assert await automations.publish(tx, company, one, None, "first", now) == 1
        assert await automations.publish(tx, company, one, None, "again", now) == 1
        await automations.save_draft(tx, company, one, flow("Welcome 2", 2), now)
        [before] = await automations.live(tx, [company])
        first = await automations.documents(tx, [before.revision_id])
        assert first == {before.revision_id: flow("Welcome")}
        assert await automations.publish(tx, company, one, 7, "second", now) == 2
        history = await revisions.page(tx, company, one)
        texts = [(await revisions.get(tx, company, one, n)).flow for n in (2, 1)]
        automation = await automations.get(tx, company, one)
    assert [(r.number, r.comment, r.inside) for r in history] == [(2, "second", 0), (1, "first", 0)]
    assert texts == [flow("Welcome 2", 2), flow("Welcome")]
    assert (automation.name, automation.status) == ("Welcome 2", "live")
    assert automation.live_revision_id == history[0].id


async def test_going_back_to_an_older_document_is_a_new_revision(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A"), now)
        numbers = []
        for name in ("A", "B", "A"):
            await automations.save_draft(tx, company, one, flow(name), now)
            numbers.append(await automations.publish(tx, company, one, None, "", now))
    assert numbers == [1, 2, 3]


async def test_two_publish_at_once(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A"), now)

    async def publish(name: str) -> int:
        async with db.write() as tx:
            await automations.save_draft(tx, company, one, flow(name), now)
            return await automations.publish(tx, company, one, None, name, now)

    async def publish_as_it_is() -> int:
        async with db.write() as tx:
            return await automations.publish(tx, company, one, None, "same", now)

    same = await asyncio.gather(*(publish_as_it_is() for _ in range(6)))
    assert set(same) == {1}
    numbers = await asyncio.gather(*(publish(f"N{n}") for n in range(6)))
    assert sorted(numbers) == [2, 3, 4, 5, 6, 7]
    async with db.read() as tx:
        history = await revisions.page(tx, company, one)
        made = [await revisions.get(tx, company, one, r.number) for r in history]
        live = await automations.live(tx, [company])
    assert [r.number for r in history] == [7, 6, 5, 4, 3, 2, 1]
    assert live[0].revision_id == history[0].id
    assert all(r.flow["name"] == r.comment for r in made[:-1])


async def test_pause_resume_archive(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A"), now)
        await automations.pause(tx, company, one, now)
        assert (await automations.get(tx, company, one)).status == "draft"
        await automations.publish(tx, company, one, None, "", now)
        await automations.pause(tx, company, one, now, by=7)
        paused = await automations.get(tx, company, one)
        assert (paused.status, paused.paused_at, paused.paused_by) == ("paused", now, 7)
        await automations.pause(tx, company, one, now + timedelta(hours=1), by=8)
        assert await automations.get(tx, company, one) == paused  # who paused it first did
        assert await automations.live(tx, [company]) == []
        await automations.resume(tx, company, one, now)
        assert (await automations.get(tx, company, one)).paused_at is None
        assert len(await automations.live(tx, [company])) == 1
        await automations.pause(tx, company, one, now)
        assert await automations.publish(tx, company, one, None, "", now) == 1
        assert (await automations.get(tx, company, one)).status == "live"
        await automations.archive(tx, company, one, now)
        assert (await automations.get(tx, company, one)).status == "archived"
        assert await automation_list.page(tx, company, now) == []
        await automations.restore(tx, company, one, now, by=7)
        back = await automations.get(tx, company, one)
        assert (back.status, back.paused_at, back.paused_by) == ("paused", now, 7)
        await automations.restore(tx, company, one, now, by=8)
        assert await automations.get(tx, company, one) == back


async def test_test_mode_and_priority(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A"), now)
        await automations.publish(tx, company, one, None, "", now)
        await automations.test_with(tx, company, one, [5, 3, 5], now)
        await automations.set_priority(tx, company, one, 10, now)
        found = await automations.get(tx, company, one)
        assert (found.test_contacts, found.priority) == ([3, 5], 10)
        [live] = await automations.live(tx, [company])
        assert (live.test_contacts, live.priority) == ((3, 5), 10)
        await automations.test_with(tx, company, one, None, now)
        assert (await automations.get(tx, company, one)).test_contacts is None


async def test_what_is_live_in_some_companies(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
        for owner, name in ((company, "A"), (company, "B"), (other, "C")):
            one = await automations.create(tx, owner, flow(name), now)
            await automations.publish(tx, owner, one, None, "", now)
        rows = await automations.live(tx, [company, other])
        assert [row.company_id for row in rows] == [company, company, other]
        found = await automations.documents(tx, [rows[1].revision_id, 10**9])
        assert found == {rows[1].revision_id: flow("B")}
        assert await automations.live(tx, []) == []


async def test_the_list_counts_in_one_query(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A"), now)
        two = await automations.create(tx, company, flow("B"), now)
        old = now - timedelta(days=31)
        told = [(old, "done"), (old, "waiting"), (now, "waiting"), (now, "done"), (now, "failed")]
        rows = [
            {
                "id": new_id(at) if at == now else (new_id(at) >> 60) + number,
                "company_id": company,
                "automation_id": one,
                "revision_id": 1,
                "contact_id": number + 1,
                "status": status,
                "state": {},
                "started_at": at,
            }
            for number, (at, status) in enumerate(told)
        ]
        await runs.insert_many(tx, rows)
        [second, first] = await automation_list.page(tx, company, now)
        assert (first.id, first.started, first.inside, first.finished) == (one, 3, 2, 1)
        assert (second.id, second.started, second.inside, second.finished) == (two, 0, 0, 0)
        [page] = await automation_list.page(tx, company, now, before=two, limit=1)
        assert page.id == one


async def test_another_companys_automation_does_not_exist(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
        one = await automations.create(tx, company, flow("A"), now)
        for verb in (
            automations.get(tx, other, one),
            automations.save_draft(tx, other, one, flow("B"), now),
            automations.publish(tx, other, one, None, "", now),
            automations.pause(tx, other, one, now),
            automations.archive(tx, other, one, now),
            automations.restore(tx, other, one, now),
            automations.test_with(tx, other, one, [1], now),
            automations.set_priority(tx, other, one, 1, now),
        ):
            with pytest.raises(NotFoundError):
                await verb
