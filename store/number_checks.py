"""Which numbers are on WhatsApp, as a paired phone was told; asking again costs trust.

Rule: an answer is good for weeks, whatever company asked for it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into

number_checks = sa.Table(
    "number_checks",
    metadata,
    sa.Column("number", Words, primary_key=True),
    sa.Column("there", sa.Boolean, nullable=False),
    sa.Column("jid", Words, nullable=False, default=""),
    sa.Column("checked_at", Moment, nullable=False),
)

GOOD_FOR = timedelta(days=30)


class NumberCheck(Struct, frozen=True):
    """Whether a number (digits only) is there, and the address it has at WhatsApp."""

    number: str
    there: bool
    jid: str


async def find(tx: AsyncConnection, number: str, now: datetime) -> NumberCheck | None:
    """What is known about a number; None when nobody asked within the last weeks."""
    query = sa.select(*columns_of(NumberCheck, number_checks)).where(
        number_checks.c.number == number, number_checks.c.checked_at > now - GOOD_FOR
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(NumberCheck, row)


async def remember(tx: AsyncConnection, check: NumberCheck, now: datetime) -> None:
    """Keep an answer in place of an older one."""
    values = {"there": check.there, "jid": check.jid, "checked_at": now}
    await tx.execute(
        insert_into(tx, number_checks)
        .values(number=check.number, **values)
        .on_conflict_do_update(index_elements=["number"], set_=values)
    )


async def forget_numbers(tx: AsyncConnection, numbers: Collection[str]) -> None:
    """Drop what is known about these numbers (however they are written): people who are erased."""
    digits = {"".join(char for char in one if char.isdigit()) for one in numbers}
    if digits:
        await tx.execute(sa.delete(number_checks).where(number_checks.c.number.in_(digits)))


async def forget(tx: AsyncConnection, before: datetime) -> None:
    """Drop answers older than `before`: they are of no use, and they are people's numbers."""
    await tx.execute(sa.delete(number_checks).where(number_checks.c.checked_at < before))
