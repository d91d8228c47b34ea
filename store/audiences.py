"""Who belongs to an audience, piece by piece: one ordered walk along each list and tag.

Rule: conditions are not for SQL; whoever asks for a piece judges them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.audience import Audience
from store.contacts import contact_tags, contacts
from store.lists import contact_lists, key_of, list_members


class Member(Struct, frozen=True):
    """A contact in an audience. `willing`: not blocked, not erased, and did not say no."""

    id: int
    willing: bool


class Stretch(Struct, frozen=True):
    """The next members by id; `cursor` is where to go on, None at the end."""

    members: list[Member]
    cursor: int | None


async def stretch(
    tx: AsyncConnection, company_id: int, audience: Audience, after: int, upto: int, limit: int
) -> Stretch:
    """The audience among the next `limit` contacts with an id above `after` and up to `upto`."""
    ids = await _ids(tx, company_id, audience, after, upto, limit)
    if not ids:
        return Stretch([], None)
    out = await _outside(tx, company_id, audience, ids)
    willing = sa.and_(
        contacts.c.blocked_at.is_(None), contacts.c.deleted_at.is_(None), contacts.c.consent != "no"
    )
    query = sa.select(contacts.c.id, willing).where(
        contacts.c.company_id == company_id, contacts.c.id.in_(ids)
    )
    rows = await tx.execute(query.order_by(contacts.c.id))
    members = [Member(one, bool(may)) for one, may in rows if one not in out]
    return Stretch(members, ids[-1] if len(ids) == limit else None)


async def _ids(
    tx: AsyncConnection, company_id: int, audience: Audience, after: int, upto: int, limit: int
) -> list[int]:
    if audience.everybody:
        own = contacts.c.company_id == company_id
        walks = [_walk(sa.select(contacts.c.id.label("id")).where(own), contacts.c.id)]
    else:
        lists = await _list_ids(tx, company_id, audience.lists)
        walks = [_walk(_on(one), list_members.c.contact_id) for one in lists]
        walks += [
            _walk(_wearing(company_id, tag), contact_tags.c.contact_id) for tag in audience.tags
        ]
    if not walks:
        return []
    parts = [
        one.where(column > after, column <= upto).order_by(column).limit(limit).subquery()
        for one, column in walks
    ]
    both = sa.union(*(sa.select(part.c.id) for part in parts)).subquery()
    query = sa.select(both.c.id).order_by(both.c.id).limit(limit)
    return list((await tx.execute(query)).scalars())


def _walk(
    select: sa.Select[tuple[int]], column: sa.Column[int]
) -> tuple[sa.Select[tuple[int]], sa.Column[int]]:
    return select, column


def _on(list_id: int) -> sa.Select[tuple[int]]:
    member = list_members.c
    return sa.select(member.contact_id.label("id")).where(member.list_id == list_id)


def _wearing(company_id: int, tag: str) -> sa.Select[tuple[int]]:
    worn = contact_tags.c
    return sa.select(worn.contact_id.label("id")).where(
        worn.company_id == company_id, worn.tag == tag
    )


async def _outside(
    tx: AsyncConnection, company_id: int, audience: Audience, ids: Sequence[int]
) -> set[int]:
    """Those of `ids` that the audience leaves out."""
    found: set[int] = set()
    if audience.not_lists:
        lists = await _list_ids(tx, company_id, audience.not_lists)
        members = sa.select(list_members.c.contact_id).where(
            list_members.c.list_id.in_(lists), list_members.c.contact_id.in_(ids)
        )
        found |= set((await tx.execute(members)).scalars())
    if audience.not_tags:
        wearers = sa.select(contact_tags.c.contact_id).where(
            contact_tags.c.contact_id.in_(ids), contact_tags.c.tag.in_(audience.not_tags)
        )
        found |= set((await tx.execute(wearers)).scalars())
    return found


async def _list_ids(tx: AsyncConnection, company_id: int, names: Collection[str]) -> list[int]:
    if not names:
        return []
    query = sa.select(contact_lists.c.id).where(
        contact_lists.c.company_id == company_id,
        contact_lists.c.key.in_({key_of(name) for name in names}),
    )
    return sorted((await tx.execute(query)).scalars())
