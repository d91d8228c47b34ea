"""What changes about contacts from outside the automations: written, and told to the engine.

Rule: only what really changed is told, in the same transaction, and only to companies with an
automation that could listen. Every verb takes thousands of contacts in a few statements; whoever
calls it rings the engine's bell after the commit when something was told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import BUILT_IN_FIELDS
from flows.events import ConsentChanged, Event, FieldChanged, ListsChanged, TagsChanged
from store import contacts as people
from store import events, lists
from store.automations import automations
from store.contacts import contact_addresses, contact_tags, contacts
from store.database import in_chunks

LISTENING = ("live", "paused")  # runs of a paused automation go on waiting and hear


class Changed(Struct, frozen=True):
    """The contacts that are not as they were, and how many events the engine was told."""

    contacts: frozenset[int] = frozenset()
    told: int = 0

    def __or__(self, other: Changed) -> Changed:
        return Changed(self.contacts | other.contacts, self.told + other.told)


NOTHING = Changed()


async def tags(
    tx: AsyncConnection,
    company_id: int,
    now: datetime,
    *,
    add: Mapping[int, Collection[str]] = {},
    remove: Mapping[int, Collection[str]] = {},
) -> Changed:
    """Put tags on and off, per contact id; a tag named in both is taken off."""
    mine = await _hold(tx, company_id, {*add, *remove})
    if not mine:
        return NOTHING
    worn: dict[int, set[str]] = {}
    for chunk in in_chunks(mine):
        query = sa.select(contact_tags.c.contact_id, contact_tags.c.tag).where(
            contact_tags.c.contact_id.in_(chunk)
        )
        for contact_id, tag in await tx.execute(query):
            worn.setdefault(contact_id, set()).add(tag)
    told: dict[int, list[Event]] = {}
    on: list[tuple[int, int, str]] = []
    off: list[tuple[int, str]] = []
    for one in mine:
        has, without = worn.get(one, set()), set(remove.get(one, ()))
        added, removed = set(add.get(one, ())) - has - without, has & without
        if added or removed:
            told[one] = [TagsChanged(frozenset(added), frozenset(removed))]
            on += [(company_id, one, tag) for tag in added]
            off += [(one, tag) for tag in removed]
    await people.untag_rows(tx, off)
    await people.tag_rows(tx, on, now)
    return await _tell(tx, company_id, told, now)


async def on_lists(
    tx: AsyncConnection,
    company_id: int,
    now: datetime,
    *,
    join: Mapping[int, Collection[str]] = {},
    leave: Mapping[int, Collection[str]] = {},
) -> Changed:
    """Put contacts on lists and take them off, by the lists' names; new names make new lists."""
    mine = await _hold(tx, company_id, {*join, *leave})
    if not mine:
        return NOTHING
    on = await lists.names_of(tx, mine)
    asked = [name for names in (*join.values(), *leave.values()) for name in names]
    called = {lists.key_of(name): " ".join(name.split()) for name in reversed(asked)}
    called |= await lists.names_by_key(tx, company_id, called)
    told: dict[int, list[Event]] = {}
    joins: list[tuple[int, int, str]] = []
    leaves: list[tuple[int, int, str]] = []
    for one in mine:
        is_on = set(map(lists.key_of, on.get(one, ())))
        off = set(map(lists.key_of, leave.get(one, ())))
        joined, left = set(map(lists.key_of, join.get(one, ()))) - is_on - off, is_on & off
        if joined or left:
            names = frozenset(called[key] for key in joined)
            gone = frozenset(called[key] for key in left)
            told[one] = [ListsChanged(names, gone)]
            joins += [(company_id, one, name) for name in names]
            leaves += [(company_id, one, name) for name in gone]
    await lists.leave_rows(tx, leaves)
    await lists.join_rows(tx, joins, now)
    return await _tell(tx, company_id, told, now)


async def fields(
    tx: AsyncConnection, company_id: int, changes: Mapping[int, Mapping[str, Any]], now: datetime
) -> Changed:
    """Set fields per contact id; None empties one. Values are of their field's kind already.

    The names of `flows.contact.BUILT_IN_FIELDS` change the person, all others custom fields.
    """
    mine = await _hold(tx, company_id, changes)
    before = await _fields_of(tx, mine)
    told: dict[int, list[Event]] = {}
    writes: dict[int, dict[str, Any]] = {}
    for one in mine:
        for name, wanted in changes[one].items():
            value = _filled(wanted) if name in BUILT_IN_FIELDS else wanted
            old = before[one].get(name)
            if not _same(old, value):
                writes.setdefault(one, {})[name] = value
                told.setdefault(one, []).append(FieldChanged(name, old, value))
    await people.set_fields(tx, writes, now)
    return await _tell(tx, company_id, told, now)


async def consent(
    tx: AsyncConnection,
    company_id: int,
    contact_ids: Collection[int],
    to: Literal["yes", "no"],
    now: datetime,
    *,
    source: str,
    by: str,
    third_party: bool = False,
) -> Changed:
    """Note that marketing is wanted or not. `source` is kept as proof, `by` told to the flows.

    A yes of a `third_party` counts only for those who never said anything to us.
    """
    mine = await _hold(tx, company_id, contact_ids)
    if to == "no":
        changed = await people.opt_out(tx, mine, now, source)
    elif third_party:
        changed = await people.opt_in_unknown(tx, mine, now, source)
    else:
        changed = await people.opt_in(tx, mine, now, source)
    happened = ConsentChanged(to, by)
    return await _tell(tx, company_id, {one: [happened] for one in changed}, now)


async def _hold(tx: AsyncConnection, company_id: int, contact_ids: Collection[int]) -> list[int]:
    """Those that are this company's and not erased, held: the engine has none of them in hand."""
    found: list[int] = []
    for chunk in in_chunks(sorted(set(contact_ids))):  # one order for everybody: no deadlock
        query = (
            sa.select(contacts.c.id)
            .where(contacts.c.company_id == company_id, contacts.c.id.in_(chunk))
            .where(contacts.c.deleted_at.is_(None))
            .order_by(contacts.c.id)
            .with_for_update()
        )
        found += (await tx.execute(query)).scalars()
    return found


async def _tell(
    tx: AsyncConnection, company_id: int, told: Mapping[int, Iterable[Event]], now: datetime
) -> Changed:
    if not told:
        return NOTHING
    if not await _anybody_listens(tx, company_id):
        return Changed(frozenset(told))
    rows = [
        {
            "company_id": company_id,
            "contact_id": contact_id,
            "kind": str(event.__struct_config__.tag),
            "data": msgspec.to_builtins(event),
            "at": now,
            "created_at": now,
        }
        for contact_id, happened in sorted(told.items())
        for event in happened
    ]
    return Changed(frozenset(told), len(await events.insert_many(tx, rows)))


async def _anybody_listens(tx: AsyncConnection, company_id: int) -> bool:
    query = sa.select(sa.literal(1)).where(
        automations.c.company_id == company_id, automations.c.status.in_(LISTENING)
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def _fields_of(
    tx: AsyncConnection, contact_ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """`{contact id: all fields that hold something}`, built-in and custom."""
    found: dict[int, dict[str, Any]] = {}
    columns = [contacts.c[name] for name in BUILT_IN_FIELDS if name != "email"]
    emails = contact_addresses.c
    for chunk in in_chunks(contact_ids):
        query = sa.select(contacts.c.id, contacts.c.fields, *columns).where(
            contacts.c.id.in_(chunk)
        )
        for row in (await tx.execute(query)).mappings():
            own = {column.name: row[column.name] for column in columns if row[column.name]}
            found[row["id"]] = {**(row["fields"] or {}), **own}
        query = (
            sa.select(emails.contact_id, emails.value)
            .where(emails.contact_id.in_(chunk), emails.kind == "email")
            .order_by(emails.id.desc())
        )
        for contact_id, value in await tx.execute(query):
            found[contact_id]["email"] = value  # the oldest is theirs, as in snapshots
    return found


def _filled(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _same(old: Any, new: Any) -> bool:
    """Whether two values mean the same; yes is not 1, though Python says so."""
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)
