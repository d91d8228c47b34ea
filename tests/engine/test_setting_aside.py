"""One broken contact, revision, event or company never holds up anybody else, nor a stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import engine.play
from engine.carts import ring_carts
from engine.jobs.tick import tick
from engine.person import Person
from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Replied, ShopHappened, TimerDue
from store import contacts as people
from store import events, http_calls, runs, visits
from store.automations import revisions
from store.companies import companies
from store.contacts import contacts
from tests.engine.conftest import House
from tests.engine.test_runner import GREETING

pytestmark = pytest.mark.anyio

FUTURE = {"type": "from the future"}
CALLING: dict[str, Any] = {
    "name": "Hook",
    "triggers": {"api": {"type": "api"}},
    "start": "hook",
    "steps": {
        "hook": {
            "type": "webhook",
            "method": "POST",
            "url": "https://shop.example.com/",
            "next": {"ok": "end"},
        },
        "end": {"type": "end"},
    },
}


async def break_revision(house: House, automation: int) -> None:
    async with house.database.write() as tx:
        await tx.execute(
            sa.update(revisions)
            .where(revisions.c.automation_id == automation)
            .values(flow=GREETING | {"steps": {"greet": {"type": "gone"}, "reply": 7}})
        )
    house.runner = Runner(house.database, house.at, house.runner.bell)


async def raw_event(house: House, contact: int, data: dict[str, Any]) -> None:
    row = {"company_id": house.company, "contact_id": contact, "kind": "?", "data": data}
    async with house.database.write() as tx:
        await events.insert_many(tx, [row | {"at": house.now, "created_at": house.now}])


async def consent(house: House, contact: int) -> str:
    [said] = await house.all(sa.select(contacts.c.consent).where(contacts.c.id == contact))
    return str(said)


async def test_a_revision_that_cannot_be_read_starts_nobody_and_stops_nobody(house: House) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    broken = await house.live(GREETING | {"name": "Broken"})
    await break_revision(house, broken)
    whole = await house.live(GREETING)
    await house.tell(ada, ApiCalled(broken))
    await house.start(bob, whole)
    assert await house.texts(bob) == ["Hello"]
    assert await house.texts(ada) == []


async def test_a_run_on_a_revision_that_cannot_be_read_fails_and_says_why(house: House) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    broken = await house.live(GREETING)
    await house.start(ada, broken)
    await break_revision(house, broken)
    await house.tell(ada, Replied("hello", Text("hello")))
    await house.say(bob, "stop")
    assert await consent(house, bob) == "no"
    await house.verdicts()
    run = await house.run()
    assert (run.status, "cannot be read" in run.reason) == ("failed", True)


async def test_a_stop_reaches_a_run_on_a_revision_that_cannot_be_read(house: House) -> None:
    ada = await house.contact()
    broken = await house.live(GREETING)
    await house.start(ada, broken)
    await break_revision(house, broken)
    await house.say(ada, "stop")
    assert (await house.run()).status == "stopped"
    assert [text for text in await house.texts() if "Hello" in text] == []


async def test_a_run_whose_state_cannot_be_read_is_given_up_alone(house: House) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(GREETING)
    await house.start(ada, automation)
    async with house.database.write() as tx:
        await tx.execute(sa.update(runs.runs).values(state={"id": "?"}))
    await house.tell(ada, Replied("stop", Text("stop")))
    await house.start(bob, automation)
    assert await house.texts(bob) == ["Hello"]
    assert await consent(house, ada) == "no"
    assert not [text for text in await house.texts(ada) if "Hello" in text]
    [status] = await house.all(sa.select(runs.runs.c.status).where(runs.runs.c.contact_id == ada))
    assert status == "failed"


async def test_an_unreadable_event_does_not_take_the_stop_behind_it_along(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(GREETING))
    await raw_event(house, ada, FUTURE)
    await house.say(ada, "stop")
    assert (await house.run()).status == "stopped"
    assert await consent(house, ada) == "no"
    faults = await house.all(sa.select(events.events.c.fault).order_by(events.events.c.id))
    assert [bool(fault) for fault in faults] == [False, True, False]


async def test_a_faulty_trigger_does_not_keep_an_order_from_ending_runs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triggers.shop import Shop

    ada = await house.contact()
    await house.start(ada, await house.live(GREETING | {"exit_rules": [{"on": "order.created"}]}))
    shop = {"type": "shop", "on": "order.created"}
    await house.live(GREETING | {"name": "Thanks", "triggers": {"shop": shop}})

    def breaks(*_: object) -> None:
        raise RuntimeError("a bug of this kind")

    monkeypatch.setattr(Shop, "matches", breaks)
    await house.tell(ada, ShopHappened("order.created"))
    await house.runner.drain()
    assert (await house.run()).status == "stopped"
    assert await house.texts() == []


async def test_a_contact_whose_timers_break_is_looked_at_again_later_and_still_hears_stop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(GREETING)
    for one in (ada, bob):
        await house.start(one, automation)
    await house.verdicts()
    real, tries = Person.happen, 0

    def breaks(self: Person, event: Any, now: Any, run_id: int = 0) -> None:
        nonlocal tries
        if isinstance(event, TimerDue) and self.contact.id == ada:
            tries += 1
            raise RuntimeError("a bug")
        real(self, event, now, run_id)

    monkeypatch.setattr(Person, "happen", breaks)
    await house.later(hours=24)
    for _ in range(3):
        await house.later(seconds=1)
    assert tries == 1
    assert await house.texts(bob) == ["Hello", "Still there?"]
    await house.say(ada, "stop")
    assert await consent(house, ada) == "no"
    monkeypatch.setattr(Person, "happen", real)


async def test_timers_that_broke_ring_when_the_fault_is_gone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(GREETING))
    await house.verdicts()

    def breaks(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(engine.play, "_ring_timers", breaks)
    await house.later(hours=24)
    monkeypatch.undo()
    await house.later(minutes=10)
    assert await house.texts() == ["Hello", "Still there?"]


@pytest.mark.parametrize("kind", [OverflowError, KeyError])
async def test_rows_the_database_refuses_set_aside_their_contact_alone(
    house: House, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(GREETING)
    real = runs.insert_many

    async def refuses(tx: Any, rows: Any) -> None:
        if any(row.contact_id == ada for row in rows):
            raise kind("too big")
        await real(tx, rows)

    monkeypatch.setattr(runs, "insert_many", refuses)
    for one in (ada, bob):
        await house.tell(one, ApiCalled(automation))
    await house.runner.drain()
    assert (await house.texts(ada), await house.texts(bob)) == ([], ["Hello"])
    faults = await house.all(sa.select(events.events.c.fault).order_by(events.events.c.id))
    assert [bool(fault) for fault in faults] == [True, False]


async def test_what_breaks_for_everybody_sets_nobody_aside(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    automation = await house.live(GREETING)

    async def refuses(*_: Any) -> None:
        raise KeyError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(visits, "insert_many", refuses)
        for one in (ada, bob):
            await house.tell(one, ApiCalled(automation))
        with pytest.raises(KeyError):
            await house.runner.drain()
    await house.runner.drain()
    assert await house.texts() == ["Hello", "Hello"]


async def test_settings_that_cannot_be_read_hold_up_nobody(house: House) -> None:
    ada = await house.contact()
    automation = await house.live(GREETING)
    async with house.database.write() as tx:
        broken = {"gap_minutes": -5, "stop_words": ["basta ora"], "of the future": 1}
        await tx.execute(sa.update(companies).values(settings=sa.literal(broken, sa.JSON)))
    await house.start(ada, automation)
    assert await house.texts() == ["Hello"]
    await ring_carts(house.database, house.runner.flows, house.now)
    await house.say(ada, "Basta ora")
    assert await consent(house, ada) == "no"


async def test_a_tick_whose_carts_fail_still_rings_timers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    await house.tell(ada, ApiCalled(await house.live(GREETING)))

    async def fails(*_: Any) -> int:
        raise KeyError("a bug")

    class Nobody:
        async def call_due(self) -> int:
            return 0

        async def ring(self) -> int:
            return 0

    monkeypatch.setattr("engine.jobs.tick.ring_carts", fails)
    with pytest.raises(KeyError):
        await tick({"runner": house.runner, "caller": Nobody(), "occasions": Nobody()})
    assert await house.texts() == ["Hello"]


async def test_a_stopped_run_does_not_call_webhooks_any_more(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(CALLING))
    await house.say(ada, "stop")
    states = list(await house.all(sa.select(http_calls.http_calls.c.state)))
    assert states == ["failed"]


async def test_many_starts_of_one_contact_all_happen(house: House) -> None:
    ada = await house.contact()
    automation = await house.live(GREETING | {"entry": {"policy": "parallel"}})
    await house.tell(ada, *(ApiCalled(automation) for _ in range(60)))
    await house.runner.drain()
    assert len(await house.texts()) == 60


async def test_late_news_of_a_yes_does_not_undo_a_newer_no(house: House) -> None:
    from flows.events import ConsentChanged

    ada = await house.contact()
    async with house.database.write() as tx:
        await people.opt_in(tx, [ada], house.now, "WhatsApp settings")
    await house.tell(ada, ConsentChanged("yes", "whatsapp"))
    house.now += timedelta(minutes=1)
    async with house.database.write() as tx:
        await people.opt_out(tx, [ada], house.now, "shopify: customer.updated")
    await house.runner.drain()
    assert await consent(house, ada) == "no"
