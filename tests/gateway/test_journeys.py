"""The engine and the gateway together, where the world changes under a run: a template is
withdrawn, a contact is deleted, a budget is used up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from engine.runner import Runner
from flows.events import ApiCalled, HttpAnswered, ShopHappened, TimerDue, Verdict
from store import automations as book
from store import events as news
from store import http_calls, lists, notes, resolve, templates, visits
from store.addresses import Address
from store.contacts import contact_addresses, contact_tags, contacts
from store.doorbell import Doorbell
from store.erasure import erase
from store.events import events
from store.links import links
from store.lists import list_members
from store.messages import messages
from store.runs import runs
from tests.gateway.conftest import NOON, House
from tests.gateway.test_inbound import change, post, tell

pytestmark = pytest.mark.anyio
OFFER = {"name": "offer", "language": "it", "category": "MARKETING", "status": "APPROVED"}
BODY = [{"type": "BODY", "text": "Ciao {{1}}"}]


class Town(House):
    """A house whose engine is at home too."""

    runner: Runner

    async def open(self) -> None:
        await self.build(gap_minutes=0)
        self.runner = Runner(self.db, self.clock, Doorbell(None))
        await self.template("APPROVED")

    async def template(self, status: str) -> None:
        row = OFFER | {"components": BODY, "account_id": "waba-1", "status": status}
        async with self.db.write() as tx:
            await templates.upsert(tx, self.company, [row], self.clock())

    async def live(self, steps: dict[str, Any], **more: Any) -> int:
        document = {"name": "Offers", "triggers": {"api": {"type": "api"}}} | more
        document |= {"start": next(iter(steps)), "steps": steps}
        async with self.db.write() as tx:
            made = await book.create(tx, self.company, document, self.clock())
            await book.publish(tx, self.company, made, None, "", self.clock())
        return made

    async def happen(self, contact: int, *told: Any, run: int | None = None) -> None:
        rows = [
            {
                "company_id": self.company,
                "contact_id": contact,
                "kind": str(one.__struct_config__.tag),
                "data": msgspec.to_builtins(one),
                "run_id": run,
                "at": self.clock(),
                "created_at": self.clock(),
            }
            for one in told
        ]
        async with self.db.write() as tx:
            await news.insert_many(tx, rows)

    async def all_at_work(self) -> None:
        dispatcher = self.dispatcher()
        busy = 1
        while busy:
            busy = await self.runner.drain() + await dispatcher.drain()
            busy += await self.runner.drain()  # what it did not send is told as well

    async def run_of(self, contact: int) -> Any:
        query = sa.select(runs).where(runs.c.contact_id == contact).order_by(runs.c.id.desc())
        async with self.db.read() as tx:
            return (await tx.execute(query.limit(1))).one()

    async def exits(self, run_id: int) -> list[tuple[str, str]]:
        async with self.db.read() as tx:
            lines = await visits.of_run(tx, run_id)
        return [(line.step, line.exit or line.did) for line in lines if line.step]


@pytest.fixture
async def town(db: Any, clock: Any, meta: Any) -> AsyncIterator[Town]:
    one = Town(db, clock, meta)
    await one.open()
    yield one
    await one.close()


def offer(next_: dict[str, str], **more: Any) -> dict[str, Any]:
    body = ['{{ contact.first_name | default: "there" }}']
    step = {"type": "send_template", "template": "offer", "language": "it", "body": body}
    return step | {"next": next_} | more


ENDS = {"sent": "end", "failed": "sorry", "suppressed": "end", "expired": "end"}
TWO_ENDS: dict[str, Any] = {
    "sorry": {"type": "tag", "add": ["could not reach"], "next": {"next": "end"}},
    "end": {"type": "end"},
}


@pytest.mark.parametrize("status", ["PAUSED", "REJECTED", "DELETED", "DISABLED"])
async def test_a_template_withdrawn_mid_run_lets_the_run_leave_by_failed(
    town: Town, status: str
) -> None:
    town.clock.go(hours=12)  # midnight: it waits for the morning, and the template is gone by then
    automation = await town.live({"send": offer(ENDS), **TWO_ENDS})
    contact = await town.contact()
    await town.happen(contact, ApiCalled(automation))
    await town.all_at_work()
    [row] = await town.rows(messages)
    assert row.state == "queued"
    await town.template(status)
    town.clock.go(hours=10)
    await town.all_at_work()
    row = await town.message(row.id)
    assert (row.state, row.error_class) == ("failed", "template")
    assert row.error == f"The template is {status.lower()} at WhatsApp."
    run = await town.run_of(contact)
    assert run.status == "done"
    assert ("send", "failed") in await town.exits(run.id)
    assert [tag.tag for tag in await town.rows(contact_tags)] == ["could not reach"]
    assert town.meta.taken == []


async def test_a_template_that_whatsapp_refuses_lets_the_run_leave_by_failed(town: Town) -> None:
    automation = await town.live({"send": offer(ENDS), **TWO_ENDS})
    contact = await town.contact()
    town.meta.refuse(132000)  # the number of variables is not the template's
    await town.happen(contact, ApiCalled(automation))
    await town.all_at_work()
    run = await town.run_of(contact)
    assert ("send", "failed") in await town.exits(run.id)
    assert [tag.tag for tag in await town.rows(contact_tags)] == ["could not reach"]


async def test_over_the_budget_the_run_leaves_by_suppressed(town: Town) -> None:
    ends = ENDS | {"suppressed": "sorry"}
    dropping = await town.live({"send": offer(ends), **TWO_ENDS}, over_budget="drop")
    waiting = await town.live({"send": offer(ends), **TWO_ENDS})
    contact = await town.contact()
    for automation in (waiting, waiting, dropping, waiting):
        await town.happen(contact, ApiCalled(automation))
        await town.all_at_work()
    states = [(row.state, row.over_budget) for row in await town.rows(messages)]
    assert states == [("sent", None), ("sent", None), ("suppressed", "drop"), ("queued", None)]
    assert [tag.tag for tag in await town.rows(contact_tags)] == ["could not reach"]
    town.clock.go(days=1)
    await town.all_at_work()
    assert len(town.meta.taken) == 3


JOURNEY: dict[str, Any] = {
    "send": offer({"sent": "wait"}),
    "wait": {"type": "delay", "duration": "2h", "next": {"after": "again"}},
    "again": offer({"sent": "end"}),
    "end": {"type": "end"},
}


async def test_a_contact_deleted_mid_run_leaves_every_queue(town: Town) -> None:
    automation = await town.live(JOURNEY)
    contact = await town.contact()
    other = await town.contact()
    for one in (contact, other):
        await town.happen(one, ApiCalled(automation, {"order": {"name": "Ada"}}))
    await town.all_at_work()
    waiting = await town.queue(contact, due_at=NOON + timedelta(hours=1), run_id=1)
    run = await town.run_of(contact)
    async with town.db.write() as tx:
        told = [(town.company, one, "Friends") for one in (contact, other)]
        await lists.join_rows(tx, told, NOON)
        await notes.add(tx, town.company, contact, "Likes blue", None, NOON)
        link = {"token": "t", "company_id": town.company, "contact_id": contact, "run_id": run.id}
        link |= {"automation_id": automation, "step": "send", "url": "https://shop.test/ada"}
        await tx.execute(sa.insert(links).values(**link, created_at=NOON))
        call = {"id": 5, "company_id": town.company, "contact_id": contact, "run_id": run.id}
        call |= {"seq": 1, "request": {"url": "https://x.test"}, "due_at": NOON}
        await http_calls.insert_many(tx, [call | {"created_at": NOON}])
        assert await erase(tx, [contact], town.clock()) == 1
    await town.all_at_work()
    run = await town.run_of(contact)
    assert (run.status, run.reason) == ("stopped", "the contact was deleted")
    assert "Ada" not in str(run.state)
    async with town.db.read() as tx:
        assert "Ada" not in str([line.data for line in await visits.of_run(tx, run.id)])
    row = await town.message(waiting)
    assert (row.state, row.preview, row.content["kind"]) == ("cancelled", "", "erased")
    assert [row.contact_id for row in await town.rows(list_members)] == [other]
    assert await town.rows(notes.notes) == []
    assert await town.rows(links) == []
    [call] = await town.rows(http_calls.http_calls)
    assert call.state == "failed"
    # What was under way comes back late, and finds nobody.
    seq = run.seq
    late = (Verdict(seq, "sent"), TimerDue(seq), HttpAnswered(seq, ok=True), Verdict(99, "failed"))
    for event in late:
        await town.happen(contact, event, run=run.id)
    await town.happen(contact, ShopHappened("order.created"))
    town.clock.go(days=1)
    await town.all_at_work()
    assert all(row.handled_at and not row.fault for row in await town.rows(events))
    assert (await town.run_of(contact)).status == "stopped"
    sent_to = {row.contact_id for row in await town.rows(messages) if row.state == "sent"}
    assert len(town.meta.taken) == 3  # one before it was deleted, two for the other one
    assert sent_to == {contact, other}


async def test_a_deleted_contact_who_writes_again_is_somebody_new(town: Town) -> None:
    number = "393331112223"
    async with town.db.write() as tx:
        known = await resolve.resolve(tx, town.company, [Address("wa_id", number)], now=NOON)
        await erase(tx, [known], NOON)
        await erase(tx, [known], NOON)
    wrote = {"from": number, "id": "wamid.new", "timestamp": str(int(NOON.timestamp()))}
    wrote |= {"type": "text", "text": {"body": "Hello again"}}  # type: ignore[dict-item]
    await tell(town, post(change({"messages": [wrote]})))
    old, new = sorted(await town.rows(contacts), key=lambda row: row.id)
    assert (old.id, old.deleted_at, old.last_inbound_text) == (known, NOON, "")
    assert (new.deleted_at, new.last_inbound_text, new.consent) == (None, "Hello again", "unknown")


async def test_deleted_while_the_message_is_on_its_way(town: Town) -> None:
    """WhatsApp's answer names an id of theirs: it must not bring them back."""
    contact = await town.contact(wrote_minutes_ago=3)
    one = await town.queue(contact, run_id=7, seq=1)
    dispatcher = town.dispatcher()
    claimed = await dispatcher.claim()
    async with town.db.write() as tx:
        await erase(tx, [contact], NOON)

    def learns(_body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        spelled = [{"input": "391230000000", "wa_id": "391239999999"}]
        return 200, {"contacts": spelled, "messages": [{"id": "wamid.1"}]}

    town.meta.answer = learns
    await dispatcher.deliver(claimed.parcels)
    await town.all_at_work()
    assert (await town.message(one)).state == "sent"
    assert await town.rows(contact_addresses) == []
