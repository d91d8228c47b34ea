"""Messages of customers whose sender shall see that they were read.

Rule: a mark says everything before it too, so one row for each chat is enough. Nothing hangs on
it: what is lost is a pair of blue ticks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.messages import messages

read_marks = sa.Table(
    "read_marks",
    metadata,
    sa.Column("contact_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("phone_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("channel_id", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)


class Mark(Struct, frozen=True):
    """The newest message of a chat that was read, by the channel's id."""

    contact_id: int
    phone_id: int
    channel_id: str


async def newest(tx: AsyncConnection, contact_id: int, phone_id: int | None = None) -> Mark | None:
    """A contact's newest message, to any phone or to this one."""
    query = (
        sa.select(messages.c.contact_id, messages.c.phone_id, messages.c.channel_id)
        .where(messages.c.contact_id == contact_id, messages.c.direction == "in")
        .where(messages.c.channel_id.is_not(None), messages.c.phone_id.is_not(None))
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    if phone_id is not None:
        query = query.where(messages.c.phone_id == phone_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Mark, row)


async def ask(tx: AsyncConnection, contact_id: int, now: datetime) -> bool:
    """Have a contact told that we read what they wrote; False when they never wrote."""
    mark = await newest(tx, contact_id)
    if mark is None:
        return False
    query = insert_into(tx, read_marks)
    row = {name: getattr(mark, name) for name in Mark.__struct_fields__} | {"created_at": now}
    await tx.execute(
        query.values(row).on_conflict_do_update(
            index_elements=["contact_id", "phone_id"],
            set_={"channel_id": mark.channel_id, "created_at": now},
        )
    )
    return True


async def are_there(tx: AsyncConnection) -> bool:
    """Whether somebody is to be told."""
    return (await tx.execute(sa.select(read_marks.c.contact_id).limit(1))).first() is not None


async def take(tx: AsyncConnection, limit: int) -> list[Mark]:
    """Take marks out, the oldest first; whoever takes them tells."""
    query = (
        sa.select(*columns_of(Mark, read_marks))
        .order_by(read_marks.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [as_kind(Mark, row) for row in await tx.execute(query)]
    key = sa.tuple_(read_marks.c.contact_id, read_marks.c.phone_id)
    taken = [(one.contact_id, one.phone_id) for one in found]
    await tx.execute(sa.delete(read_marks).where(key.in_(taken)))
    return found


async def forget(tx: AsyncConnection, contact_ids: Collection[int]) -> None:
    """Tell these contacts nothing more."""
    await tx.execute(sa.delete(read_marks).where(read_marks.c.contact_id.in_(contact_ids)))
