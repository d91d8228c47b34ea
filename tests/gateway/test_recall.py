"""What comes back into the queue is asked about anew: is it still meant, is it still day?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Text
from gateway.decide import decide
from store import companies
from store.contacts import contacts
from store.database import is_about_data
from store.messages import messages
from store.phones import company_days
from store.runs import runs
from tests.gateway.conftest import NOON, House

pytestmark = pytest.mark.anyio


async def add_run(house: House, contact: int, run_id: int = 7) -> None:
    row = {
        "id": run_id,
        "company_id": house.company,
        "automation_id": 1,
        "revision_id": 1,
        "contact_id": contact,
        "status": "waiting",
        "state": {},
        "started_at": NOON,
    }
    async with house.db.write() as tx:
        await tx.execute(sa.insert(runs).values(**row))


async def stop_runs(house: House) -> None:
    async with house.db.write() as tx:
        await tx.execute(sa.update(runs).values(status="stopped", ended_at=house.clock()))


async def test_a_throttled_message_whose_run_was_stopped_meanwhile_is_not_sent_again(
    house: House,
) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    await add_run(house, contact)
    one = await house.queue(contact, run_id=7, seq=1)
    house.meta.refuse(130429, 429)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    await stop_runs(house)  # an order came while WhatsApp was saying no
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=2)
    await dispatcher.drain()
    assert house.meta.references() == [one]
    row = await house.message(one)
    assert (row.state, row.failed_at) == ("cancelled", house.clock())
    assert await house.verdicts() == []


async def test_an_unconfirmed_message_of_a_stopped_run_is_not_sent_again(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again", unconfirmed_after_minutes=15)
    contact = await house.contact(wrote_minutes_ago=3)
    await add_run(house, contact)
    one = await house.queue(contact, run_id=7, seq=1)
    house.meta.answer = lambda _body: None
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await house.message(one)).state == "unconfirmed"
    await stop_runs(house)
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    await dispatcher.drain()
    assert house.meta.references() == [one]
    assert (await house.message(one)).state == "sent"


async def test_an_unconfirmed_message_that_was_answered_is_not_sent_again(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again", unconfirmed_after_minutes=15)
    contact = await house.contact(wrote_minutes_ago=3)
    await add_run(house, contact)
    one = await house.queue(contact, run_id=7, seq=1)
    house.meta.answer = lambda _body: None
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    async with house.db.write() as tx:
        await tx.execute(sa.update(runs).values(seq=2))  # the answer overtook the verdict
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    await dispatcher.drain()
    assert house.meta.references() == [one]


async def test_sent_again_and_stopped_before_it_leaves(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again", unconfirmed_after_minutes=15)
    contact = await house.contact(wrote_minutes_ago=3)
    await add_run(house, contact)
    one = await house.queue(contact, run_id=7, seq=1)
    house.meta.answer = lambda _body: None
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    await stop_runs(house)
    await dispatcher.drain()
    assert house.meta.references() == [one]
    assert (await house.message(one)).state == "cancelled"


async def test_a_run_that_goes_on_gets_its_unconfirmed_message_again(house: House) -> None:
    await house.settings(unconfirmed_rule="send_again", unconfirmed_after_minutes=15)
    contact = await house.contact(wrote_minutes_ago=3)
    await add_run(house, contact)
    one = await house.queue(contact, run_id=7, seq=1)
    house.meta.answer = lambda _body: None
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    house.meta.answer = house.meta.accept
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    await dispatcher.drain()
    assert house.meta.references() == [one, one]
    assert (await house.message(one)).state == "sent"


async def test_what_waited_long_for_a_slow_line_is_asked_about_anew(house: House) -> None:
    one = await house.queue(await house.contact(wrote_minutes_ago=3))
    dispatcher = house.dispatcher(patience_s=-1.0)
    claimed = await dispatcher.claim()
    await dispatcher.deliver(claimed.parcels)
    assert ((await house.message(one)).state, house.meta.taken) == ("queued", [])
    assert [day.sent for day in await house.rows(company_days)] == [0]
    async with house.db.write() as tx:
        await tx.execute(sa.update(contacts).values(consent="no"))
    house.clock.go(seconds=5)
    await dispatcher.drain()
    assert (await house.message(one)).state == "suppressed"


async def test_an_answer_that_was_held_up_for_hours_waits_for_the_morning(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    one = await house.queue(contact, due_at=NOON + timedelta(hours=11))  # 23:00 in Rome
    house.clock.go(hours=11)
    await house.dispatcher().drain()
    row = await house.message(one)
    assert (row.state, row.due_at.isoformat()) == ("queued", "2026-11-19T08:00:00+00:00")


async def test_one_message_we_stumble_over_holds_up_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await house.queue(await house.contact(wrote_minutes_ago=3), Text("bad"))
    good = await house.queue(await house.contact(wrote_minutes_ago=3), Text("good"))

    def stumbles(asked: Any, *rest: Any) -> Any:
        if asked.id == bad:
            raise RuntimeError("a bug")
        return decide(asked, *rest)

    monkeypatch.setattr("gateway.claims.decide", stumbles)
    await house.dispatcher().drain()
    assert house.meta.references() == [good]
    row = await house.message(bad)
    assert (row.state, row.due_at > house.clock()) == ("queued", True)


async def test_settings_that_cannot_be_read_hold_up_no_other_company(house: House) -> None:
    theirs = await house.queue(await house.contact(wrote_minutes_ago=3))
    async with house.db.write() as tx:
        broken = {"gap_minutes": -5, "daily_limit": 1}
        await tx.execute(
            sa.update(companies.companies).values(settings=sa.literal(broken, sa.JSON))
        )
    await house.build_another("2000")
    ours = await house.queue(await house.contact(wrote_minutes_ago=3))
    await house.dispatcher().drain()
    assert sorted(house.meta.references()) == sorted([theirs, ours])


async def test_a_gap_of_weeks_counts_messages_that_old(house: House) -> None:
    await house.settings(gap_minutes=20 * 24 * 60)
    contact = await house.contact(wrote_minutes_ago=3)
    await house.queue(contact)
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    house.clock.go(days=15)
    async with house.db.write() as tx:
        await tx.execute(
            sa.update(contacts).values(last_inbound_at=house.clock() - timedelta(hours=1))
        )
    second = await house.queue(contact, priority=2)
    await dispatcher.drain()
    assert len(house.meta.taken) == 1
    assert (await house.message(second)).due_at == NOON + timedelta(days=20)


async def test_a_number_the_database_refuses_is_known_for_what_it_is(house: House) -> None:
    with pytest.raises(Exception) as refused:  # each driver has its own
        await refuse(house)
    assert is_about_data(refused.value)
    assert not is_about_data(ConnectionError())


async def refuse(house: House) -> None:
    one = await house.queue(await house.contact())
    async with house.db.write() as tx:
        await tx.execute(sa.update(messages).where(messages.c.id == one).values(attempts=2**80))


async def test_a_connection_that_breaks_is_not_about_data(house: House) -> None:
    with pytest.raises(Exception) as cut:  # each driver has its own
        await cut_off(house)
    assert not is_about_data(cut.value)


async def cut_off(house: House) -> None:
    async with house.db.write() as tx:
        raw = (await tx.get_raw_connection()).driver_connection
        assert raw is not None
        if house.db.dialect == "postgresql":
            raw.terminate()
        else:
            raise TimeoutError
        await tx.execute(sa.select(messages.c.id))
