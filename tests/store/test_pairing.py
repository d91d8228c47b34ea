"""Wishes about paired phones and what becomes of them; numbers that were looked up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import erasure, number_checks, pairing, phones, resolve
from store.addresses import Address
from store.database import Database
from store.number_checks import NumberCheck

JID = "391230000001@s.whatsapp.net"


@pytest.fixture
async def phone(db: Database, company: int, now: datetime) -> int:
    async with db.write() as tx:
        return await phones.create(tx, company, "neonize", now, name="Shop", status="pairing")


async def row(db: Database, phone_id: int) -> Any:
    async with db.read() as tx:
        query = sa.select(phones.phones).where(phones.phones.c.id == phone_id)
        return (await tx.execute(query)).one()


@pytest.mark.anyio
async def test_a_wish_is_answered_once(db: Database, phone: int) -> None:
    async with db.write() as tx:
        await pairing.wish(tx, phone, "pair")
        [found] = await pairing.find_many(tx, [phone])
        assert found.wanted == "pair"
        assert await pairing.answer(tx, phone, "pair", pairing={"state": "waiting_qr"})
        assert not await pairing.answer(tx, phone, "pair")
        assert await pairing.find_many(tx, []) == []
    assert (await row(db, phone)).pairing == {"state": "waiting_qr"}


@pytest.mark.anyio
async def test_a_wish_that_was_replaced_is_not_answered(db: Database, phone: int) -> None:
    async with db.write() as tx:
        await pairing.wish(tx, phone, "pair")
        await pairing.wish(tx, phone, "stop")
        assert not await pairing.answer(tx, phone, "pair")
    assert (await row(db, phone)).wanted == "stop"


@pytest.mark.anyio
async def test_one_number_is_one_phone(
    db: Database, company: int, phone: int, now: datetime
) -> None:
    async with db.write() as tx:
        other = await phones.create(tx, company, "neonize", now, name="Second")
        assert await pairing.connect(tx, phone, JID, "+391230000001", now) is None
        assert await pairing.connect(tx, other, JID, "+391230000001", now) == "Shop"
        assert await pairing.connect(tx, phone, JID, "+391230000001", now) is None
    mine = await row(db, phone)
    assert (mine.remote_id, mine.number, mine.status) == (JID, "+391230000001", "connected")
    async with db.write() as tx:
        await pairing.disconnect(tx, phone, "Logged out.")
        assert await pairing.connect(tx, other, JID, "+391230000001", now) is None
    mine = await row(db, phone)
    assert (mine.remote_id, mine.status, mine.status_why) == (None, "logged_out", "Logged out.")


@pytest.mark.anyio
async def test_all_are_stopped_once(db: Database, company: int, phone: int, now: datetime) -> None:
    async with db.write() as tx:
        await pairing.connect(tx, phone, JID, "+391230000001", now)
        await phones.create(tx, company, "neonize", now, name="Never paired")
        assert await pairing.stop_all(tx, "neonize", "upgrade:0.5.2", "Too old.") == {
            company: [phone]
        }
        assert await pairing.stop_all(tx, "neonize", "upgrade:0.5.2", "Too old.") == {}
    mine = await row(db, phone)
    assert (mine.status, mine.status_why, mine.wanted) == ("flagged", "Too old.", "upgrade:0.5.2")


@pytest.mark.anyio
async def test_an_answer_about_a_number_is_good_for_weeks(db: Database, now: datetime) -> None:
    check = NumberCheck("391230000009", there=True, jid="391230000009@s.whatsapp.net")
    async with db.write() as tx:
        assert await number_checks.find(tx, check.number, now) is None
        await number_checks.remember(tx, check, now)
        assert await number_checks.find(tx, check.number, now + timedelta(days=29)) == check
        assert await number_checks.find(tx, check.number, now + timedelta(days=30)) is None
        gone = NumberCheck(check.number, there=False, jid="")
        await number_checks.remember(tx, gone, now + timedelta(days=31))
        assert await number_checks.find(tx, check.number, now + timedelta(days=32)) == gone
        await number_checks.forget(tx, now + timedelta(days=40))
        assert await number_checks.find(tx, check.number, now + timedelta(days=32)) is None


@pytest.mark.anyio
async def test_what_is_known_of_a_number_goes_with_its_person(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        erased = await resolve.resolve(tx, company, [Address("phone", "+391230000009")], now=now)
        for number in ("391230000009", "391230000010"):
            await number_checks.remember(tx, NumberCheck(number, there=True, jid=""), now)
        await erasure.erase(tx, [erased], now)
        assert await number_checks.find(tx, "391230000009", now) is None
        assert await number_checks.find(tx, "391230000010", now) is not None
