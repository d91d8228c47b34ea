"""Who looks after a chat: the colleague it is assigned to, and the person who took it over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.contacts import contacts
from store.users import users


class Assigned(Struct, frozen=True):
    """What an automation decided. `to`: a user's e-mail, empty for nobody, None as it is."""

    company_id: int
    contact_id: int
    run_id: int
    to: str | None
    hand_over: bool


async def assign(tx: AsyncConnection, rows: Sequence[Assigned], now: datetime) -> None:
    """Write these decisions; somebody who is no user of the company is nobody in particular."""
    if not rows:
        return
    named = sorted({row.to.lower() for row in rows if row.to})
    query = sa.select(users.c.company_id, users.c.email, users.c.id).where(
        users.c.email.in_(named), users.c.disabled_at.is_(None)
    )
    known = {(company, email): one for company, email, one in await tx.execute(query)}
    given = [
        {"of": row.contact_id, "who": known.get((row.company_id, row.to.lower()))}
        for row in rows
        if row.to is not None
    ]
    taken = [{"of": row.contact_id, "run": row.run_id or None} for row in rows if row.hand_over]
    this = contacts.c.id == sa.bindparam("of")
    if given:
        values = {"assigned_to": sa.bindparam("who"), "updated_at": now}
        await tx.execute(sa.update(contacts).where(this).values(values), given)
    if taken:
        values = {
            "handed_over_at": now,
            "handed_over_run_id": sa.bindparam("run"),
            "updated_at": now,
        }
        await tx.execute(
            sa.update(contacts).where(this, contacts.c.handed_over_at.is_(None)).values(values),
            taken,
        )
