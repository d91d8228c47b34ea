"""Lists: static sets of contacts, by name.

Rule: a list is its name, whatever its case; one that is named for the first time is made.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import BigId, Moment, Words, clean_text, metadata
from store.database import as_kind, insert_into
from store.errors import NotFoundError
from store.query import Query, among

contact_lists = sa.Table(
    "contact_lists",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("key", Words, nullable=False),  # the name in lower case
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("company_id", "key"),
)

list_members = sa.Table(
    "list_members",
    metadata,
    sa.Column("list_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("contact_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_list_members_contact_id", "contact_id"),
)


_NAMES_OF = Query(
    sa.select(list_members.c.contact_id, contact_lists.c.name)
    .join(contact_lists, contact_lists.c.id == list_members.c.list_id)
    .where(among(list_members.c.contact_id, "contacts"))
)


PAGE = 100


class ListCard(Struct, frozen=True):
    """A list as people see it, with how many contacts are on it."""

    id: int
    name: str
    members: int
    created_at: datetime


def key_of(name: str) -> str:
    """What makes two names the same list."""
    return " ".join(clean_text(name).split()).casefold()


async def join_rows(
    tx: AsyncConnection, rows: Collection[tuple[int, int, str]], now: datetime
) -> None:
    """Put contacts on lists: rows of company id, contact id and the list's name."""
    if not rows:
        return
    names = {(company_id, key_of(name)): name for company_id, _, name in rows}
    ids = await _ids(tx, names.keys())
    missing = sorted(names.keys() - ids.keys())
    if missing:
        await tx.execute(
            insert_into(tx, contact_lists).on_conflict_do_nothing(),
            [
                {"company_id": one[0], "key": one[1], "name": names[one], "created_at": now}
                for one in missing
            ],
        )
        ids = await _ids(tx, names.keys())
    members = {(ids[company_id, key_of(name)], contact_id) for company_id, contact_id, name in rows}
    new = [(*one, now) for one in sorted(members)]  # one order: no deadlock
    key = ("list_id", "contact_id")
    await bulk.insert_new(tx, list_members, (*key, "at"), new, key)


async def leave_rows(tx: AsyncConnection, rows: Collection[tuple[int, int, str]]) -> None:
    """Take contacts off lists: rows as of `join_rows`."""
    ids = await _ids(tx, {(company_id, key_of(name)) for company_id, _, name in rows})
    members = [
        (ids[company_id, key_of(name)], contact_id)
        for company_id, contact_id, name in sorted(rows)
        if (company_id, key_of(name)) in ids
    ]
    await bulk.delete(tx, list_members, ("list_id", "contact_id"), sorted(set(members)))


async def names_of(tx: AsyncConnection, contact_ids: Collection[int]) -> dict[int, set[str]]:
    """`{contact id: names of its lists}`."""
    found: dict[int, set[str]] = {}
    for contact_id, name in await _NAMES_OF.rows(tx, contacts=contact_ids):
        found.setdefault(contact_id, set()).add(name)
    return found


async def names_by_key(
    tx: AsyncConnection, company_id: int, keys: Collection[str]
) -> dict[str, str]:
    """`{key: name}` of the lists of a company with these keys."""
    query = sa.select(contact_lists.c.key, contact_lists.c.name).where(
        contact_lists.c.company_id == company_id, contact_lists.c.key.in_(keys)
    )
    return {key: name for key, name in await tx.execute(query)}  # noqa: C416  rows, not pairs


async def page(
    tx: AsyncConnection, company_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[ListCard]:
    """Up to `limit` lists with an id below `before`, newest first."""
    query = _cards().where(contact_lists.c.company_id == company_id)
    if before is not None:
        query = query.where(contact_lists.c.id < before)
    rows = await tx.execute(query.order_by(contact_lists.c.id.desc()).limit(limit))
    return [as_kind(ListCard, row) for row in rows]


async def get(tx: AsyncConnection, company_id: int, list_id: int) -> ListCard:
    """One list. Raises NotFoundError, also for another company's."""
    query = _cards().where(contact_lists.c.company_id == company_id, contact_lists.c.id == list_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        message = f"list {list_id} does not exist"
        raise NotFoundError(message)
    return as_kind(ListCard, row)


async def create(tx: AsyncConnection, company_id: int, name: str, now: datetime) -> int | None:
    """Make a list; None when there is one of that name."""
    words = " ".join(name.split())
    query = insert_into(tx, contact_lists).on_conflict_do_nothing().returning(contact_lists.c.id)
    row = {"company_id": company_id, "key": key_of(words), "name": words, "created_at": now}
    made: int | None = (await tx.execute(query, [row])).scalar_one_or_none()
    return made


async def delete(tx: AsyncConnection, company_id: int, list_id: int) -> None:
    """Delete a list that nobody is on any more. Raises NotFoundError."""
    card = await get(tx, company_id, list_id)
    await tx.execute(sa.delete(list_members).where(list_members.c.list_id == card.id))
    await tx.execute(sa.delete(contact_lists).where(contact_lists.c.id == card.id))


async def members(
    tx: AsyncConnection, list_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[int]:
    """Up to `limit` contacts on a list with an id below `before`, newest first."""
    query = sa.select(list_members.c.contact_id).where(list_members.c.list_id == list_id)
    if before is not None:
        query = query.where(list_members.c.contact_id < before)
    query = query.order_by(list_members.c.contact_id.desc()).limit(limit)
    return list((await tx.execute(query)).scalars())


def _cards() -> sa.Select[Any]:
    many = (
        sa.select(sa.func.count())
        .where(list_members.c.list_id == contact_lists.c.id)
        .scalar_subquery()
    )
    table = contact_lists.c
    return sa.select(table.id, table.name, many.label("members"), table.created_at)


async def _ids(
    tx: AsyncConnection, keys: Collection[tuple[int, str]]
) -> dict[tuple[int, str], int]:
    if not keys:
        return {}
    table = contact_lists.c
    query = sa.select(table.company_id, table.key, table.id).where(
        sa.tuple_(table.company_id, table.key).in_(sorted(keys))
    )
    return {(company_id, key): list_id for company_id, key, list_id in await tx.execute(query)}
