"""Contacts as people look at them: a page of the list, one person in full.

Rule: a handful of statements per page (people, addresses, tags, lists, colleagues), whatever its
size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import lists
from store.addresses import Address
from store.columns import clean_text
from store.contacts import Consent, contact_addresses, contact_tags, contacts
from store.database import as_kind, columns_of, in_chunks
from store.errors import NotFoundError
from store.numbers import number_key
from store.users import users

PAGE = 50
MIN_DIGITS = 3  # fewer digits would find nearly everybody by number


class Colleague(Struct, frozen=True):
    """A user whom chats are given to."""

    id: int
    name: str
    email: str


class ContactCard(Struct, frozen=True):
    """A person with all addresses, tags and lists. `assigned_to`: who looks after the chat;
    `free_until`: messages to them cost nothing, they came by an advertisement.
    """

    id: int
    company_id: int
    name: str
    first_name: str
    last_name: str
    language: str
    zone: str
    country: str
    consent: Consent
    consent_at: datetime | None
    consent_source: str
    blocked_at: datetime | None
    handed_over_at: datetime | None
    handed_over_run_id: int | None
    last_inbound_at: datetime | None
    last_inbound_text: str
    last_outbound_at: datetime | None
    last_phone_id: int | None
    free_until: datetime | None
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    addresses: tuple[Address, ...] = ()
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    assigned_to: Colleague | None = None

    def address(self, *kinds: str) -> str:
        """Their first address of these kinds, in the order of the kinds; empty when none."""
        return next((a.value for kind in kinds for a in self.addresses if a.kind == kind), "")

    @property
    def number(self) -> str:
        """The number to show: `+` and digits, empty for people without one."""
        number = self.address("wa_id", "phone")
        return f"+{number.lstrip('+')}" if number else ""

    @property
    def email(self) -> str:
        """Their first e-mail address, empty when none is known."""
        return self.address("email")


_OWN = [contacts.c[name] for name in ContactCard.__struct_fields__[:-4]]


async def page(
    tx: AsyncConnection,
    company_id: int,
    *,
    search: str = "",
    tag: str = "",
    list_id: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[ContactCard]:
    """Up to `limit` contacts with an id below `before`, newest first.

    `search` is part of a name, or at least three digits of a number; `tag` keeps its wearers and
    `list_id` its members only.
    """
    query = sa.select(*_OWN).where(
        contacts.c.company_id == company_id, contacts.c.deleted_at.is_(None)
    )
    if before is not None:
        query = query.where(contacts.c.id < before)
    if words := clean_text(search).strip():
        query = query.where(matching(company_id, words))
    if tag:
        wearers = sa.select(contact_tags.c.contact_id).where(
            contact_tags.c.company_id == company_id, contact_tags.c.tag == tag
        )
        query = query.where(contacts.c.id.in_(wearers))
    if list_id is not None:
        table = lists.list_members.c
        members = sa.select(table.contact_id).where(table.list_id == list_id)
        query = query.where(contacts.c.id.in_(members))
    rows = (await tx.execute(query.order_by(contacts.c.id.desc()).limit(limit))).all()
    return await _cards(tx, rows)


async def find_many(
    tx: AsyncConnection, company_id: int, contact_ids: Collection[int]
) -> dict[int, ContactCard]:
    """Contacts of a company by id; those that do not exist or were erased are left out."""
    query = sa.select(*_OWN).where(
        contacts.c.company_id == company_id,
        contacts.c.id.in_(contact_ids),
        contacts.c.deleted_at.is_(None),
    )
    return {card.id: card for card in await _cards(tx, (await tx.execute(query)).all())}


async def existing(tx: AsyncConnection, company_id: int, contact_ids: Iterable[int]) -> set[int]:
    """Those of the ids that are contacts of this company, erased ones left out."""
    found: set[int] = set()
    for chunk in in_chunks(contact_ids):
        query = sa.select(contacts.c.id).where(
            contacts.c.company_id == company_id,
            contacts.c.id.in_(chunk),
            contacts.c.deleted_at.is_(None),
        )
        found |= set((await tx.execute(query)).scalars())
    return found


async def get(tx: AsyncConnection, company_id: int, contact_id: int) -> ContactCard:
    """One contact. Raises NotFoundError, also for another company's and for erased ones."""
    found = await find_many(tx, company_id, [contact_id])
    if contact_id not in found:
        message = f"contact {contact_id} does not exist"
        raise NotFoundError(message)
    return found[contact_id]


async def find_by_email(tx: AsyncConnection, company_id: int, email: str) -> list[int]:
    """Ids of the contacts with this e-mail, oldest first: a family may share one."""
    query = (
        sa.select(contact_addresses.c.contact_id)
        .where(contact_addresses.c.company_id == company_id)
        .where(contact_addresses.c.kind_space == "email")
        .where(contact_addresses.c.key == email.strip().lower())
        .distinct()
        .order_by(contact_addresses.c.contact_id)
    )
    return list((await tx.execute(query)).scalars())


async def tags_of_company(tx: AsyncConnection, company_id: int) -> dict[str, int]:
    """All tags in use and how many contacts wear each, by name."""
    query = (
        sa.select(contact_tags.c.tag, sa.func.count())
        .where(contact_tags.c.company_id == company_id)
        .group_by(contact_tags.c.tag)
        .order_by(contact_tags.c.tag)
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


def matching(company_id: int, words: str) -> sa.ColumnElement[bool]:
    """The condition that `words` are part of a contact's name, or digits of their number."""
    full = contacts.c.first_name + " " + contacts.c.last_name
    found = []
    for column in (contacts.c.name, full):
        found.append(sa.func.lower(column).contains(words.lower(), autoescape=True))
        # A PostgreSQL made with the C locale lowers ASCII only: names as they are usually written.
        found.append(column.contains(words.title(), autoescape=True))
    digits = "".join(char for char in words if char.isascii() and char.isdigit())
    if len(digits) >= MIN_DIGITS:
        keys = {digits, number_key(digits)}
        numbers = sa.select(contact_addresses.c.contact_id).where(
            contact_addresses.c.company_id == company_id,
            contact_addresses.c.kind_space == "number",
            sa.or_(*(contact_addresses.c.key.contains(key) for key in sorted(keys))),
        )
        found.append(contacts.c.id.in_(numbers))
    return sa.or_(*found)


async def _cards(tx: AsyncConnection, rows: Sequence[Sequence[Any]]) -> list[ContactCard]:
    if not rows:
        return []
    ids = [row[0] for row in rows]
    table = contact_addresses
    addresses: dict[int, list[Address]] = {}
    for owner, kind, value in await tx.execute(
        sa.select(table.c.contact_id, *columns_of(Address, table))
        .where(table.c.contact_id.in_(ids))
        .order_by(table.c.id)
    ):
        addresses.setdefault(owner, []).append(Address(kind, value))
    tags: dict[int, list[str]] = {}
    for owner, name in await tx.execute(
        sa.select(contact_tags.c.contact_id, contact_tags.c.tag)
        .where(contact_tags.c.contact_id.in_(ids))
        .order_by(contact_tags.c.tag)
    ):
        tags.setdefault(owner, []).append(name)
    on = await lists.names_of(tx, ids)
    given = await _assigned(tx, ids)
    return [
        ContactCard(
            *[
                *row,
                tuple(addresses.get(row[0], ())),
                tuple(tags.get(row[0], ())),
                tuple(sorted(on.get(row[0], ()))),
                given.get(row[0]),
            ]
        )
        for row in rows
    ]


async def _assigned(tx: AsyncConnection, contact_ids: Sequence[int]) -> dict[int, Colleague]:
    query = (
        sa.select(contacts.c.id, *columns_of(Colleague, users))
        .join(users, users.c.id == contacts.c.assigned_to)
        .where(contacts.c.id.in_(contact_ids))
    )
    return {row[0]: as_kind(Colleague, row[1:]) for row in await tx.execute(query)}
