"""Lists: static sets of contacts, by name.

Rule: a list is its name, whatever its case; one that is named for the first time is made.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import in_chunks, insert_into

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


def key_of(name: str) -> str:
    """What makes two names the same list."""
    return " ".join(name.split()).casefold()


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
    await tx.execute(
        insert_into(tx, list_members).on_conflict_do_nothing(),
        [
            {"list_id": list_id, "contact_id": contact_id, "at": now}
            for list_id, contact_id in sorted(members)  # one order: no deadlock
        ],
    )


async def leave_rows(tx: AsyncConnection, rows: Collection[tuple[int, int, str]]) -> None:
    """Take contacts off lists: rows as of `join_rows`."""
    ids = await _ids(tx, {(company_id, key_of(name)) for company_id, _, name in rows})
    members = [
        (ids[company_id, key_of(name)], contact_id)
        for company_id, contact_id, name in sorted(rows)
        if (company_id, key_of(name)) in ids
    ]
    for chunk in in_chunks(members):
        one = sa.tuple_(list_members.c.list_id, list_members.c.contact_id)
        await tx.execute(sa.delete(list_members).where(one.in_(chunk)))


async def names_of(tx: AsyncConnection, contact_ids: Collection[int]) -> dict[int, set[str]]:
    """`{contact id: names of its lists}`."""
    query = (
        sa.select(list_members.c.contact_id, contact_lists.c.name)
        .join(contact_lists, contact_lists.c.id == list_members.c.list_id)
        .where(list_members.c.contact_id.in_(contact_ids))
    )
    found: dict[int, set[str]] = {}
    for contact_id, name in await tx.execute(query):
        found.setdefault(contact_id, set()).add(name)
    return found


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
