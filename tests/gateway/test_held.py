"""A paused automation keeps what it has queued: nothing leaves, nothing is lost, expiry goes on."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from flows.content import Text
from store import bulk, queue
from store import messages as mail
from store.ids import new_id
from store.messages import messages
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio
HELD = "Held: the automation is paused."


async def test_it_is_held_and_goes_when_the_automation_goes_on(house: House) -> None:
    automation = await house.automation()
    other = await house.automation()
    held = await house.queue(await house.contact(wrote_minutes_ago=3), automation_id=automation)
    free = await house.queue(await house.contact(wrote_minutes_ago=3), automation_id=other)
    await house.set_status(automation, "paused")
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert house.meta.references() == [free]
    row = await house.message(held)
    assert (row.state, row.held_at, row.due_at, row.why) == ("queued", NOON, None, [HELD])
    async with house.db.read() as tx:
        assert await queue.due_lines(tx, NOON) == []
        shown = await mail.find(tx, house.company, held)
        assert shown is not None
        assert shown.held
    house.clock.go(minutes=5)
    await dispatcher.drain()
    await house.set_status(automation, "live")
    await dispatcher.drain()
    assert house.meta.references() == [free, held]
    row = await house.message(held)
    assert (row.held_at, row.why[0], row.state) == (None, HELD, "sent")


async def test_expiry_counts_while_it_is_held(house: House) -> None:
    automation = await house.automation(status="paused")
    contact = await house.contact(wrote_minutes_ago=3)
    one = await house.queue(
        contact, automation_id=automation, run_id=7, expires_at=NOON + timedelta(hours=2)
    )
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await house.message(one)).due_at == NOON + timedelta(hours=2)
    house.clock.go(hours=2)
    await dispatcher.drain()
    assert (await house.message(one)).state == "expired"
    assert await house.verdicts() == [(7, "expired", "expired")]
    await house.set_status(automation, "live")
    await dispatcher.drain()
    assert house.meta.taken == []


async def test_what_was_due_later_is_held_when_its_time_comes(house: House) -> None:
    automation = await house.automation(status="paused")
    contact = await house.contact(wrote_minutes_ago=3)
    later = NOON + timedelta(minutes=5)
    one = await house.queue(contact, automation_id=automation, due_at=later)
    async with house.db.read() as tx:
        shown = await mail.find(tx, house.company, one)
        assert shown is not None
        assert shown.held  # already: pages say so before the gateway has come across it
    dispatcher = house.dispatcher()
    house.clock.go(minutes=5)
    await dispatcher.drain()
    assert (await house.message(one)).held_at == later
    other = await house.queue(contact, source="person")  # held ones stand in nobody's way
    await dispatcher.drain()
    assert house.meta.references() == [other]


async def test_a_recalled_message_is_not_released(house: House) -> None:
    automation = await house.automation(status="paused")
    contact = await house.contact(wrote_minutes_ago=3)
    one = await house.queue(contact, automation_id=automation, run_id=7)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    async with house.db.write() as tx:
        assert await mail.recall(tx, [7], NOON) == [one]
    await house.set_status(automation, "live")
    assert await dispatcher.release() == 0
    await dispatcher.drain()
    assert house.meta.taken == []


async def test_many_held_messages_cost_a_claim_nothing(house: House) -> None:
    """A line of held messages is walked once, not at every look."""
    automation = await house.automation(status="paused")
    contact = await house.contact(wrote_minutes_ago=3)
    whose = ("id", "company_id", "contact_id", "automation_id", "direction", "state", "kind")
    names = (*whose, "content", "source", "due_at", "created_at")
    content = msgspec.to_builtins(Text("Hello"))
    fixed = (house.company, contact, automation, "out", "queued", "text", content, "automation")
    rows = [(new_id(NOON), *fixed, NOON, NOON) for _ in range(5_000)]
    async with house.db.write() as tx:
        await bulk.insert(tx, messages, names, rows)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    held = sum(row.held_at is not None for row in await house.rows(messages))
    assert (held, house.meta.taken) == (5_000, [])
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    due = messages.c.due_at <= house.clock()
    async with house.db.read() as tx:
        waiting = await tx.scalar(sa.select(sa.func.count()).select_from(messages).where(due))
    assert waiting == 1  # all that a claim's index holds below this moment
    await dispatcher.drain()
    assert house.meta.references() == [one]
    await house.set_status(automation, "live")
    assert await dispatcher.release() == 5_000
