"""A chat that a person has: automations keep silent in it, and get it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Template
from store import contacts as people
from store.contacts import contacts
from tests.gateway.conftest import NOON, House
from tests.gateway.test_inbound import change, post, tell

pytestmark = pytest.mark.anyio
NEWS = Template("shipped", "it")


async def person(house: House) -> Any:
    [row] = await house.rows(contacts)
    return row


async def test_automations_are_silent_but_the_run_that_called_and_order_news(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    async with house.db.write() as tx:
        await tx.execute(sa.update(contacts).values(handed_over_at=NOON, handed_over_run_id=7))
    silent = await house.queue(contact, run_id=8, seq=2)
    last_word = await house.queue(contact, run_id=7)
    news = await house.queue(contact, NEWS, run_id=9, template="shipped", category="utility")
    by_hand = await house.queue(contact, source="person")
    await house.dispatcher().drain()
    async with house.db.write() as tx:  # the engine has heard the verdicts
        await tx.execute(sa.text("UPDATE events SET handled_at = created_at"))
    await house.dispatcher().drain()
    states = [(await house.message(one)).state for one in (silent, last_word, news, by_hand)]
    assert states == ["suppressed", "sent", "sent", "sent"]
    row = await house.message(silent)
    assert row.why == ["A person has taken over this chat."]
    assert (8, "suppressed", "handed_over") in await house.verdicts()


async def test_a_person_who_takes_over_silences_that_run_too(house: House) -> None:
    contact = await house.contact()
    async with house.db.write() as tx:
        await tx.execute(sa.update(contacts).values(handed_over_at=NOON, handed_over_run_id=7))
        await people.hand_over(tx, [contact], NOON + timedelta(minutes=5))
    row = await person(house)
    assert (row.handed_over_at, row.handed_over_run_id) == (NOON, None)
    async with house.db.write() as tx:
        assert await people.give_back(tx, [contact], NOON) == [contact]
        assert await people.give_back(tx, [contact], NOON) == []
    assert (await person(house)).handed_over_at is None


async def test_a_silent_chat_goes_back_by_itself_where_the_company_wants_it(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=0)
    dispatcher = house.dispatcher()
    async with house.db.write() as tx:
        await people.hand_over(tx, [contact], NOON)
    house.clock.go(days=30)
    assert await dispatcher.give_back() == 0
    await house.settings(hand_over_ends_after_hours=24)
    async with house.db.write() as tx:
        await tx.execute(sa.update(contacts).values(last_outbound_at=house.clock()))
    house.clock.go(hours=24)
    assert await dispatcher.give_back() == 0
    house.clock.go(seconds=1)
    assert await dispatcher.give_back() == 1
    assert (await person(house)).handed_over_at is None


async def test_what_was_last_said_is_remembered_and_never_goes_back_in_time(house: House) -> None:
    at = int(NOON.timestamp())

    def wrote(wamid: str, words: str, seconds: int) -> dict[str, Any]:
        told = {"from": "391230000000", "id": wamid, "timestamp": str(at + seconds)}
        return told | {"type": "text", "text": {"body": words}}

    contact = await house.contact()
    house.clock.go(minutes=10)
    late = wrote("wamid.3", "third" + "!" * 600, 300)
    first_two = [wrote("wamid.2", "second", 200), wrote("wamid.1", "first", 100)]
    await tell(house, post(change({"messages": first_two})))
    assert (await person(house)).last_inbound_text == "second"
    await tell(house, post(change({"messages": [late]})))
    await tell(house, post(change({"messages": [wrote("wamid.0", "zeroth", 0)]})))
    row = await person(house)
    assert (row.last_inbound_text, len(row.last_inbound_text)) == ("third" + "!" * 495, 500)
    assert (row.last_inbound_at, row.last_outbound_at) == (NOON + timedelta(seconds=300), None)
    await house.queue(contact)
    await house.dispatcher().drain()
    row = await person(house)
    assert (row.last_outbound_at, row.last_phone_id) == (house.clock(), house.phone)


async def test_an_unconfirmed_message_counts_as_written_once_it_is_settled(house: House) -> None:
    contact = await house.contact(wrote_minutes_ago=3)
    await house.queue(contact)
    house.meta.answer = lambda _body: None
    dispatcher = house.dispatcher()
    await dispatcher.drain()
    assert (await person(house)).last_outbound_at is None
    house.clock.go(minutes=16)
    await dispatcher.sweep()
    assert (await person(house)).last_outbound_at == NOON
