"""Changes from outside: only what really changed is written and told, thousands at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import automations, changes, companies, contact_list, contacts, lists, notes, resolve
from store.addresses import Address
from store.database import Database
from store.erasure import erase
from store.errors import NotFoundError
from store.events import events
from store.resolve import Person

pytestmark = pytest.mark.anyio


async def people(db: Database, company: int, number: int, now: datetime) -> list[int]:
    told = [Person([Address("wa_id", str(39_333_000_0000 + n))]) for n in range(number)]
    async with db.write() as tx:
        return [one.id for one in await resolve.resolve_many(tx, company, told, now=now)]


async def listen(db: Database, company: int, now: datetime, status: str = "live") -> None:
    """Let the company have an automation."""
    async with db.write() as tx:
        made = await automations.create(tx, company, {"name": "A"}, now)
        await tx.execute(
            sa.update(automations.automations)
            .where(automations.automations.c.id == made)
            .values(status=status)
        )


async def told(db: Database) -> list[tuple[int, str, dict[str, Any]]]:
    query = sa.select(events.c.contact_id, events.c.kind, events.c.data).order_by(events.c.id)
    async with db.read() as tx:
        rows = (await tx.execute(query)).all()
    return [
        (row.contact_id, row.kind, {k: v for k, v in row.data.items() if k != "type" and v != []})
        for row in rows
    ]


async def test_tags_tell_what_is_new_and_what_is_gone(
    db: Database, company: int, now: datetime
) -> None:
    await listen(db, company, now)
    ada, ben, eva = await people(db, company, 3, now)
    async with db.write() as tx:
        done = await changes.tags(tx, company, now, add={ada: ["vip", "new"], ben: ["vip"]})
        assert done == changes.Changed(frozenset({ada, ben}), 2)
        again = await changes.tags(tx, company, now, add={ada: ["vip"]}, remove={eva: ["vip"]})
        assert again == changes.NOTHING
        both = {ada: ["fresh", "new"]}
        done = await changes.tags(tx, company, now, add=both, remove={ada: ["new", "never"]})
        assert done.contacts == {ada}
        card = await contact_list.get(tx, company, ada)
    assert card.tags == ("fresh", "vip")
    first, second, third = await told(db)
    assert (first[0], first[1], sorted(first[2]["added"])) == (ada, "tags_changed", ["new", "vip"])
    assert second == (ben, "tags_changed", {"added": ["vip"]})
    assert third == (ada, "tags_changed", {"added": ["fresh"], "removed": ["new"]})


async def test_lists_are_joined_by_name_whatever_its_case(
    db: Database, company: int, now: datetime
) -> None:
    await listen(db, company, now)
    ada, ben = await people(db, company, 2, now)
    async with db.write() as tx:
        await changes.on_lists(tx, company, now, join={ada: ["Spring  Sale"], ben: ["spring sale"]})
        again = await changes.on_lists(tx, company, now, join={ada: ["SPRING SALE"]})
        assert again == changes.NOTHING
        done = await changes.on_lists(tx, company, now, leave={ada: ["spring SALE", "unknown"]})
        assert done.contacts == {ada}
        [card] = await lists.page(tx, company)
        assert (card.name, card.members) == ("Spring Sale", 1)
        assert await lists.members(tx, card.id) == [ben]
        assert await lists.members(tx, card.id, before=ben) == []
        assert (await contact_list.get(tx, company, ben)).lists == ("Spring Sale",)
        assert [one.id for one in await contact_list.page(tx, company, list_id=card.id)] == [ben]
    assert await told(db) == [
        (ada, "lists_changed", {"joined": ["Spring Sale"]}),
        (ben, "lists_changed", {"joined": ["Spring Sale"]}),
        (ada, "lists_changed", {"left": ["Spring Sale"]}),
    ]


async def test_lists_are_made_and_deleted(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        made = await lists.create(tx, company, " Friends ", now)
        assert made is not None
        assert await lists.create(tx, company, "friends", now) is None
        assert (await lists.get(tx, company, made)).name == "Friends"
        await lists.delete(tx, company, made)
        with pytest.raises(NotFoundError):
            await lists.get(tx, company, made)


async def test_fields_tell_what_they_were_and_are(
    db: Database, company: int, now: datetime
) -> None:
    await listen(db, company, now)
    ada, ben = await people(db, company, 2, now)
    async with db.write() as tx:
        first: dict[int, dict[str, Any]] = {
            ada: {"size": 4, "name": " Ada ", "email": "ada@x.test", "vip": True},
            ben: {"size": None, "name": ""},
        }
        done = await changes.fields(tx, company, first, now)
        assert done == changes.Changed(frozenset({ada}), 4)
        again = await changes.fields(tx, company, {ada: {"size": 4, "name": "Ada"}}, now)
        assert again == changes.NOTHING
        await changes.fields(tx, company, {ada: {"size": 5, "email": None, "vip": 1}}, now)
        card = await contact_list.get(tx, company, ada)
    assert (card.name, card.email, card.fields) == ("Ada", "", {"size": 5, "vip": 1})
    assert [data for _, _, data in await told(db)] == [
        {"name": "size", "new": 4},
        {"name": "name", "new": "Ada"},
        {"name": "email", "new": "ada@x.test"},
        {"name": "vip", "new": True},
        {"name": "size", "old": 4, "new": 5},
        {"name": "email", "old": "ada@x.test"},
        {"name": "vip", "old": True, "new": 1},  # yes is not 1
    ]


async def test_consent_is_told_once_and_third_parties_do_not_overrule(
    db: Database, company: int, now: datetime
) -> None:
    await listen(db, company, now, "paused")  # its runs wait on and hear
    ada, ben = await people(db, company, 2, now)
    later = now + timedelta(hours=1)
    async with db.write() as tx:
        done = await changes.consent(tx, company, [ada], "no", now, source="form", by="api")
        assert done.told == 1
        both = [ada, ben]
        done = await changes.consent(
            tx, company, both, "yes", later, source="shop", by="shop", third_party=True
        )
        assert done.contacts == {ben}
        again = await changes.consent(tx, company, [ben], "yes", later, source="x", by="api")
        assert again == changes.NOTHING
        card = await contact_list.get(tx, company, ada)
    assert (card.consent, card.consent_at, card.consent_source) == ("no", now, "form")
    assert await told(db) == [
        (ada, "consent", {"consent": "no", "source": "api"}),
        (ben, "consent", {"consent": "yes", "source": "shop"}),
    ]


@pytest.mark.parametrize("status", ["", "draft", "archived"])
async def test_nobody_is_told_where_nobody_listens(
    db: Database, company: int, now: datetime, status: str
) -> None:
    if status:
        await listen(db, company, now, status)
    [ada] = await people(db, company, 1, now)
    async with db.write() as tx:
        done = await changes.tags(tx, company, now, add={ada: ["vip"]})
        done |= await changes.fields(tx, company, {ada: {"size": 4}}, now)
        done |= await changes.consent(tx, company, [ada], "yes", now, source="x", by="api")
    assert done == changes.Changed(frozenset({ada}), 0)
    assert await told(db) == []


async def test_strangers_and_erased_contacts_are_left_alone(
    db: Database, company: int, now: datetime
) -> None:
    await listen(db, company, now)
    ada, ben = await people(db, company, 2, now)
    async with db.write() as tx:
        other = await companies.create(tx, "Others", now=now)
        await erase(tx, [ben], now)
        tagged = await changes.tags(tx, company, now, add={ben: ["x"], 10_000: ["x"]})
        foreign = await changes.fields(tx, other, {ada: {"name": "Eve"}}, now)
        joined = await changes.on_lists(tx, other, now, join={ada: ["Theirs"]})
    assert {tagged, foreign, joined} == {changes.NOTHING}
    assert await told(db) == []


async def test_thousands_in_a_few_statements(db: Database, company: int, now: datetime) -> None:
    await listen(db, company, now)
    everybody = await people(db, company, 6_000, now)
    statements: list[str] = []

    def count(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        statements.append(text)

    sa.event.listen(db.engine.sync_engine, "before_cursor_execute", count)
    async with db.write() as tx:
        tags = await changes.tags(tx, company, now, add=dict.fromkeys(everybody, ("import",)))
        joined = await changes.on_lists(
            tx, company, now, join=dict.fromkeys(everybody, ("Import",))
        )
        fields = {one: {"size": one} for one in everybody}
        changed = await changes.fields(tx, company, fields, now)
    assert [one.told for one in (tags, joined, changed)] == [6_000] * 3
    assert len(statements) < 60
    async with db.read() as tx:
        assert await contact_list.tags_of_company(tx, company) == {"import": 6_000}


async def test_notes_say_who_wrote_them(db: Database, company: int, now: datetime) -> None:
    [ada] = await people(db, company, 1, now)
    async with db.write() as tx:
        first = await notes.add(tx, company, ada, "by a program", None, now)
        second = await notes.add(tx, company, ada, "another", None, now)
        assert [one.id for one in await notes.page(tx, company, ada)] == [second, first]
        [one] = await notes.page(tx, company, ada, before=second)
        assert (one.text, one.author) == ("by a program", "")
        assert await notes.page(tx, company + 1, ada) == []


async def test_erasing_forgets_the_person_and_keeps_the_row(
    db: Database, company: int, now: datetime
) -> None:
    ada, ben = await people(db, company, 2, now)
    async with db.write() as tx:
        await changes.on_lists(tx, company, now, join={ada: ["Friends"], ben: ["Friends"]})
        await changes.fields(tx, company, {ada: {"name": "Ada", "size": 4}}, now)
        await contacts.assign(tx, [ada], 1, now)
        await notes.add(tx, company, ada, "Likes blue", None, now)
        assert await erase(tx, [ada], now) == 0
        assert await erase(tx, [], now) == 0
        [card] = await lists.page(tx, company)
        assert card.members == 1
        assert await notes.page(tx, company, ada) == []
        assert await contacts.erased(tx, [ada, ben]) == {ada}
        row = (
            await tx.execute(sa.select(contacts.contacts).where(contacts.contacts.c.id == ada))
        ).one()
    assert (row.name, row.fields, row.assigned_to, row.deleted_at) == ("", {}, None, now)
