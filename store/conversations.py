"""Conversations and prices as WhatsApp's statuses tell of them: 24-hour units of one category.

Rule: what WhatsApp says about a conversation or a price is the truth; we only keep it, and each
conversation once, by its id there or, where it has none, while one of its kind is open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.contacts import contacts
from store.database import insert_into
from store.ids import first_id_at
from store.messages import messages

NAMED = sa.text("remote_id <> ''")
LATE = timedelta(days=8)  # from making a message until its price is known, at most

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("phone_id", BigId, nullable=False),
    sa.Column("category", Words, nullable=False),
    sa.Column("remote_id", Words, nullable=False, default=""),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Index("ix_conversations_company_id_opened_at", "company_id", "opened_at"),
    sa.Index("ix_conversations_contact_id_phone_id_ends_at", "contact_id", "phone_id", "ends_at"),
    sa.Index(
        "uq_conversations_remote_id",
        "phone_id",
        "remote_id",
        unique=True,
        sqlite_where=NAMED,
        postgresql_where=NAMED,
    ),
)


class Opened(Struct, frozen=True):
    """A message that belongs to a conversation. `certain`: WhatsApp itself said when it ends."""

    company_id: int
    contact_id: int
    phone_id: int
    category: str
    remote_id: str
    opened_at: datetime
    ends_at: datetime
    certain: bool


class Counted(Struct, frozen=True):
    """How many of one category in one country; `paid` are those that cost something."""

    category: str
    country: str
    count: int
    paid: int = 0


async def unpriced(tx: AsyncConnection, message_ids: Collection[int]) -> set[int]:
    """Those of the messages of which no price is known yet."""
    query = sa.select(messages.c.id).where(
        messages.c.id.in_(message_ids), messages.c.billed.is_(None)
    )
    return set((await tx.execute(query)).scalars())


async def price(tx: AsyncConnection, told: Mapping[int, Mapping[str, Any]]) -> None:
    """`{message id: what WhatsApp says it costs}`."""
    if told:
        await tx.execute(
            sa.update(messages)
            .where(messages.c.id == sa.bindparam("of"))
            .values(billed=sa.bindparam("told", type_=messages.c.billed.type)),
            [{"of": of, "told": dict(one)} for of, one in sorted(told.items())],
        )


async def note(tx: AsyncConnection, opened: Sequence[Opened]) -> None:
    """Keep the conversations that messages belong to, those that are not known yet."""
    await _named(tx, [one for one in opened if one.remote_id])
    await _unnamed(tx, [one for one in opened if not one.remote_id])


async def _named(tx: AsyncConnection, opened: Sequence[Opened]) -> None:
    for certain in (False, True):
        rows = {(one.phone_id, one.remote_id): one for one in opened if one.certain is certain}
        if not rows:
            continue
        query = insert_into(tx, conversations)
        unique: Any = {"index_elements": ["phone_id", "remote_id"], "index_where": NAMED}
        statement = (
            query.on_conflict_do_update(**unique, set_={"ends_at": query.excluded.ends_at})
            if certain
            else query.on_conflict_do_nothing(**unique)
        )
        await tx.execute(statement, [_row(one) for _, one in sorted(rows.items())])


async def _unnamed(tx: AsyncConnection, opened: Sequence[Opened]) -> None:
    if not opened:
        return
    people = {one.contact_id for one in opened}
    held = sa.select(contacts.c.id).where(contacts.c.id.in_(people)).order_by(contacts.c.id)
    await tx.execute(held.with_for_update())  # or two webhooks would both open the same one
    table = conversations.c
    query = sa.select(table.contact_id, table.phone_id, table.category, table.ends_at).where(
        table.contact_id.in_(people), table.ends_at > min(one.opened_at for one in opened)
    )
    ends: dict[tuple[int, int, str], datetime] = {}
    for contact_id, phone_id, category, ends_at in await tx.execute(query):
        key = (contact_id, phone_id, category)
        ends[key] = max(ends.get(key, ends_at), ends_at)
    new = []
    for one in sorted(opened, key=lambda one: one.opened_at):
        key = (one.contact_id, one.phone_id, one.category)
        if key not in ends or ends[key] <= one.opened_at:
            ends[key] = one.ends_at
            new.append(_row(one))
    if new:
        await tx.execute(sa.insert(conversations), new)


def _row(one: Opened) -> dict[str, Any]:
    names = [name for name in Opened.__struct_fields__ if name != "certain"]
    return {name: getattr(one, name) for name in names}


async def count_messages(
    tx: AsyncConnection, company_id: int, begins: datetime, ends: datetime
) -> list[Counted]:
    """Messages with a price that were delivered in that time, by category and country."""
    category = messages.c.billed["category"].as_string()
    paid = messages.c.billed["billable"].as_boolean()
    query = (
        sa.select(category, contacts.c.country, sa.func.count(), sa.func.count().filter(paid))
        .select_from(messages.join(contacts, contacts.c.id == messages.c.contact_id))
        .where(messages.c.company_id == company_id, messages.c.billed.is_not(None))
        .where(messages.c.id >= first_id_at(begins - LATE))
        .where(messages.c.delivered_at >= begins, messages.c.delivered_at < ends)
        .group_by(category, contacts.c.country)
        .order_by(category, contacts.c.country)
    )
    return [Counted(*row) for row in await tx.execute(query)]


async def count_conversations(
    tx: AsyncConnection, company_id: int, begins: datetime, ends: datetime
) -> list[Counted]:
    """Conversations that were opened in that time, by category and country."""
    table = conversations.c
    query = (
        sa.select(table.category, contacts.c.country, sa.func.count())
        .select_from(conversations.join(contacts, contacts.c.id == table.contact_id))
        .where(table.company_id == company_id)
        .where(table.opened_at >= begins, table.opened_at < ends)
        .group_by(table.category, contacts.c.country)
        .order_by(table.category, contacts.c.country)
    )
    return [Counted(*row) for row in await tx.execute(query)]
