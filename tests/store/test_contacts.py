"""What is remembered of people, and how they are found."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from store import companies, contact_list, contacts, resolve
from store.addresses import Address
from store.database import Database
from store.erasure import erase
from store.errors import NotFoundError
from store.resolve import Person

pytestmark = pytest.mark.anyio


@pytest.fixture
async def three(db: Database, company: int, now: datetime) -> list[int]:
    told = [
        Person([Address("wa_id", f"39333123456{n}")], name=name)
        for n, name in enumerate(["Ada Lovelace", "Émile Zola", "100% Bob"])
    ]
    async with db.write() as tx:
        return [one.id for one in await resolve.resolve_many(tx, company, told, now=now)]


async def test_consent_says_when_and_from_where(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    later = now + timedelta(hours=1)
    async with db.write() as tx:
        assert await contacts.opt_in(tx, three[:2], now, "form") == three[:2]
        assert await contacts.opt_out(tx, three[1:], later, "wrote stop") == three[1:]
        assert await contacts.opt_out(tx, three, later + timedelta(hours=1), "x") == three[:1]
        assert await contacts.opt_out(tx, [], later, "x") == []
        card = await contact_list.get(tx, company, three[1])
    assert (card.consent, card.consent_at, card.consent_source) == ("no", later, "wrote stop")


async def test_tags_come_and_go_for_many(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    async with db.write() as tx:
        await contacts.tag(tx, company, three, ["vip", "new"], now)
        await contacts.tag(tx, company, three[:1], ["vip"], now)
        await contacts.untag(tx, three[1:], ["new", "never there"])
        await contacts.tag_rows(tx, [(company, three[2], "b"), (company, three[2], "b")], now)
        await contacts.untag_rows(tx, [(three[2], "vip"), (three[0], "b")])
        await contacts.tag(tx, company, [], ["x"], now)
        await contacts.untag_rows(tx, [])
        cards = await contact_list.find_many(tx, company, three)
        assert [cards[one].tags for one in three] == [("new", "vip"), ("vip",), ("b",)]
        assert await contact_list.tags_of_company(tx, company) == {"b": 1, "new": 1, "vip": 2}
        assert [one.id for one in await contact_list.page(tx, company, tag="vip")] == three[1::-1]


async def test_fields_merge_and_empty(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    later = now + timedelta(minutes=1)
    async with db.write() as tx:
        await contacts.set_fields(tx, {three[0]: {"city": "Rome", "size": 4}}, now)
        await contacts.set_fields(
            tx,
            {
                three[0]: {"size": None, "name": "Countess", "email": "ada@example.com"},
                three[1]: {"email": "z@example.com", "language": "fr", "pets": ["cat"]},
                three[2] + 999: {"name": "nobody"},
            },
            later,
        )
        await contacts.set_fields(tx, {three[1]: {"email": None}}, later)
        await contacts.set_fields(tx, {}, later)
        cards = await contact_list.find_many(tx, company, three)
    ada, zola, bob = (cards[one] for one in three)
    assert (ada.name, ada.fields, ada.email) == ("Countess", {"city": "Rome"}, "ada@example.com")
    assert (zola.name, zola.language, zola.email) == ("Émile Zola", "fr", "")
    assert zola.fields == {"pets": ["cat"]}
    assert (ada.updated_at, bob.updated_at) == (later, now)


async def test_rows_of_different_columns_are_written_together(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    async with db.write() as tx:
        rows: dict[int, dict[str, Any]] = {
            three[0]: {"name": "A"},
            three[1]: {"fields": {"x": 1}},
            three[2]: {"email": "b@c"},
        }
        await contacts.update_rows(tx, rows, now)
        cards = await contact_list.find_many(tx, company, three)
    assert [(cards[i].name, cards[i].fields, cards[i].email) for i in three] == [
        ("A", {}, ""),
        ("Émile Zola", {"x": 1}, ""),
        ("100% Bob", {}, "b@c"),
    ]


async def test_blocking_and_handing_over(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    later = now + timedelta(hours=1)
    async with db.write() as tx:
        await contacts.block(tx, three[:2], now)
        await contacts.block(tx, three[:2], later)
        await contacts.unblock(tx, three[1:], later)
        await contacts.hand_over(tx, three[:1], now)
        await contacts.hand_over(tx, three[1:2], now)
        await contacts.give_back(tx, three[1:2], later)
        cards = await contact_list.find_many(tx, company, three)
    assert [cards[one].blocked_at for one in three] == [now, None, None]
    assert [cards[one].handed_over_at for one in three] == [now, None, None]


async def test_an_erased_person_is_gone_and_comes_back_as_somebody_new(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    async with db.write() as tx:
        await contacts.tag(tx, company, three, ["vip"], now)
        await erase(tx, three[:1], now)
        with pytest.raises(NotFoundError):
            await contact_list.get(tx, company, three[0])
        assert [one.id for one in await contact_list.page(tx, company)] == three[:0:-1]
        again = await resolve.resolve(tx, company, [Address("wa_id", "393331234560")], now=now)
        assert again not in three


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ada", [0]),
        ("LOVELACE", [0]),
        ("éMILE", [1]),
        ("%", [2]),
        ("_", []),
        ("+39 333 123-4562", [2]),
        ("1234561", [1]),
        ("39333", [2, 1, 0]),
        ("", [2, 1, 0]),
        ("nobody", []),
    ],
)
async def test_search(
    db: Database, company: int, three: list[int], search: str, found: list[int]
) -> None:
    async with db.read() as tx:
        cards = await contact_list.page(tx, company, search=search)
    assert [card.id for card in cards] == [three[n] for n in found]


async def test_pages_and_strangers(
    db: Database, company: int, three: list[int], now: datetime
) -> None:
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
        first = await contact_list.page(tx, company, limit=2)
        rest = await contact_list.page(tx, company, before=first[-1].id, limit=2)
        assert [one.id for one in first + rest] == three[::-1]
        assert await contact_list.page(tx, other) == []
        with pytest.raises(NotFoundError):
            await contact_list.get(tx, other, three[0])
