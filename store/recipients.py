"""Those to whom messages go: what sending has to know of them, and when they and we last wrote.

Rule: asked for all recipients of a batch at once; whatever is older than a gap or a window may last
is not looked at.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.addresses import Address
from store.contacts import contact_addresses, contacts
from store.database import as_kind, columns_of
from store.ids import first_id_at
from store.messages import messages

LOOK_BACK = timedelta(days=8)  # a message hardly ever waits longer before it is sent
OUR_CLOCKS_DIFFER = timedelta(minutes=5)  # between processes that make ids
KNOWN_TO_HAVE_LEFT = ("sending", "unconfirmed", "sent", "delivered", "read")
SENDABLE = ("wa_id", "phone", "user_id", "lid")  # in the order in which they are preferred


class Recipient(Struct, frozen=True):
    """What sending has to know of a contact."""

    id: int
    zone: str
    country: str
    consent: str
    blocked_at: datetime | None
    handed_over_at: datetime | None
    handed_over_run_id: int | None
    deleted_at: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    last_phone_id: int | None


async def find(
    tx: AsyncConnection, contact_ids: Collection[int]
) -> dict[int, tuple[Recipient, Address | None]]:
    """Contacts by id with the address to write to: the newest WhatsApp id, else phone, user id
    or LID.
    """
    rows = await tx.execute(
        sa.select(*columns_of(Recipient, contacts)).where(contacts.c.id.in_(contact_ids))
    )
    known = [as_kind(Recipient, row) for row in rows]
    table = contact_addresses.c
    query = (
        sa.select(table.contact_id, table.kind, table.value)
        .where(table.contact_id.in_(contact_ids), table.kind.in_(SENDABLE))
        .order_by(table.id.desc())
    )
    best: dict[int, Address] = {}
    for contact_id, kind, value in await tx.execute(query):
        have = best.get(contact_id)
        if have is None or SENDABLE.index(kind) < SENDABLE.index(have.kind):
            best[contact_id] = Address(kind, value)
    return {one.id: (one, best.get(one.id)) for one in known}


async def last_out(
    tx: AsyncConnection, contact_ids: Collection[int], since: datetime
) -> dict[int, datetime]:
    """When each contact was last written to, if that was after `since`."""
    left = sa.func.coalesce(messages.c.sent_at, messages.c.claimed_at)
    query = (
        sa.select(messages.c.contact_id, sa.func.max(left))
        .where(messages.c.contact_id.in_(contact_ids))
        .where(messages.c.id >= first_id_at(since - LOOK_BACK), messages.c.direction == "out")
        .where(messages.c.state.in_(KNOWN_TO_HAVE_LEFT), left > since)
        .group_by(messages.c.contact_id)
    )
    return {contact_id: at for contact_id, at in await tx.execute(query) if at is not None}


async def last_in(
    tx: AsyncConnection, contact_ids: Collection[int], since: datetime
) -> dict[int, dict[int, datetime]]:
    """`{contact id: {phone id: when they last wrote to it}}`, after `since`."""
    query = (
        sa.select(
            messages.c.contact_id,
            messages.c.phone_id,
            sa.func.max(messages.c.created_at),
        )
        .where(messages.c.contact_id.in_(contact_ids))
        .where(messages.c.id >= first_id_at(since - OUR_CLOCKS_DIFFER))
        .where(messages.c.direction == "in", messages.c.created_at > since)
        .where(messages.c.phone_id.is_not(None))
        .group_by(messages.c.contact_id, messages.c.phone_id)
    )
    found: dict[int, dict[int, datetime]] = {}
    for contact_id, phone_id, at in await tx.execute(query):
        found.setdefault(contact_id, {})[phone_id] = at
    return found
