"""From addresses to contacts, also when several meet somebody new at once."""

import asyncio
from datetime import datetime

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from store import companies, contact_list, contacts, resolve
from store.addresses import Address
from store.database import Database
from store.errors import InvalidError
from store.resolve import Person

pytestmark = pytest.mark.anyio

PHONE = Address("phone", "+5511987654321")
WA_ID = Address("wa_id", "551187654321")
USER = Address("user_id", "BR.13491208655302741918")
EMAIL = Address("email", "Ada@Example.com")


async def people(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(sa.select(sa.func.count()).select_from(contacts.contacts)) or 0)


async def test_a_stranger_is_made_once_and_found_by_any_address(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        first = await resolve.resolve(tx, company, [PHONE, EMAIL], now=now, name="Ada")
        assert await resolve.resolve(tx, company, [WA_ID, USER], now=now, name="A.") == first
        assert await resolve.resolve(tx, company, [USER], now=now, first_name="Ada") == first
        card = await contact_list.get(tx, company, first)
        assert (card.name, card.first_name, card.country) == ("Ada", "Ada", "BR")
        assert card.email == "Ada@Example.com"
        assert set(card.addresses) == {WA_ID, EMAIL, USER}
        assert card.number == "+551187654321"
        assert await contact_list.find_by_email(tx, company, "ada@example.COM ") == [first]
    assert await people(db) == 1


async def test_a_whatsapp_id_is_never_rewritten(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        first = await resolve.resolve(tx, company, [WA_ID], now=now)
        later = Address("wa_id", "5511987654321")
        assert await resolve.resolve(tx, company, [PHONE, later], now=now) == first
        assert (await contact_list.get(tx, company, first)).addresses == (WA_ID,)


async def test_of_two_contacts_the_first_address_wins(
    db: Database, company: int, now: datetime
) -> None:
    async with db.write() as tx:
        one = await resolve.resolve(tx, company, [WA_ID], now=now)
        other = await resolve.resolve(tx, company, [USER], now=now)
        with capture_logs() as lines:
            assert await resolve.resolve(tx, company, [USER, WA_ID], now=now) == other
            assert await resolve.resolve(tx, company, [WA_ID, USER], now=now) == one
    assert [line["event"] for line in lines] == ["addresses_of_two_contacts"] * 2
    assert await people(db) == 2


async def test_companies_do_not_share_people(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
        one = await resolve.resolve(tx, company, [WA_ID], now=now)
        assert await resolve.resolve(tx, other, [WA_ID], now=now) != one


async def test_a_family_may_share_an_email(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        ada = await resolve.resolve(tx, company, [PHONE, EMAIL], now=now)
        bob = await resolve.resolve(tx, company, [USER, EMAIL], now=now)
        assert await resolve.resolve(tx, company, [USER, EMAIL], now=now) == bob
        assert await contact_list.find_by_email(tx, company, EMAIL.value) == [ada, bob]
        assert len((await contact_list.get(tx, company, bob)).addresses) == 2


async def test_an_email_alone_is_nobody(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        with pytest.raises(InvalidError, match="needs a phone number"):
            await resolve.resolve(tx, company, [EMAIL, Address("phone", "n/a")], now=now)


async def test_many_at_once_in_their_order(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        known = await resolve.resolve(tx, company, [USER], now=now)
        told = [Person([Address("phone", f"+3933312345{n:02}")], name=f"N{n}") for n in range(40)]
        told[7] = Person([USER], name="Known")
        told[9] = Person([Address("wa_id", "393331234503")], name="Again")
        found = await resolve.resolve_many(tx, company, told, now=now)
        assert found[7].id == known
        assert not found[7].created
        assert found[9] == found[3]
        cards = await contact_list.find_many(tx, company, [one.id for one in found])
        names = [cards[one.id].name for one in found]
    assert names == ["Known" if n == 7 else "N3" if n == 9 else f"N{n}" for n in range(40)]
    assert await people(db) == 39


async def test_two_meet_the_same_stranger_at_once(
    db: Database, company: int, now: datetime
) -> None:
    async def meet(addresses: list[Address]) -> int:
        async with db.write() as tx:
            await tx.execute(sa.select(1))
            await asyncio.sleep(0.01)  # lets all transactions be open together, decides nothing
            return await resolve.resolve(tx, company, addresses, now=now)

    ways = [[WA_ID], [PHONE, USER], [USER, WA_ID], [WA_ID, USER]] * 4
    found = await asyncio.gather(*(meet(way) for way in ways))
    async with db.read() as tx:
        everybody = (await tx.execute(sa.select(contacts.contacts.c.id))).scalars().all()
        owners = set(
            (await tx.execute(sa.select(contacts.contact_addresses.c.contact_id))).scalars()
        )
    assert set(found) == set(everybody) == owners
    assert len(owners) <= 2  # a number and a user id met alone may be two people for now


async def test_one_number_met_sixteen_times_at_once_is_one_contact(
    db: Database, company: int, now: datetime
) -> None:
    meeting = asyncio.Barrier(8)

    async def meet(address: Address) -> int:
        async with db.write() as tx:
            if db.dialect == "postgresql":
                await meeting.wait()
            return await resolve.resolve(tx, company, [address], now=now, name="Ada")

    found = await asyncio.gather(*(meet(one) for one in [WA_ID, PHONE] * 4))
    assert len(set(found)) == 1
    assert await people(db) == 1
