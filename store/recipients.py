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
from store.columns import Moment
from store.contacts import contact_addresses, contacts
from store.database import columns_of
from store.ids import first_id_at
from store.messages import messages
from store.query import Query, among

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
    if not contact_ids:
        return {}
    known = await _PEOPLE.kinds(tx, Recipient, contacts=contact_ids)
    best: dict[int, Address] = {}
    for contact_id, kind, value in await _ADDRESSES.rows(tx, contacts=contact_ids):
        have = best.get(contact_id)
        if have is None or SENDABLE.index(kind) < SENDABLE.index(have.kind):
            best[contact_id] = Address(kind, value)
    return {one.id: (one, best.get(one.id)) for one in known}


async def last_out(
    tx: AsyncConnection, contact_ids: Collection[int], since: datetime
) -> dict[int, datetime]:
    """When each contact was last written to, if that was after `since`."""
    oldest = first_id_at(since - LOOK_BACK)
    rows = await _LAST_OUT.rows(tx, contacts=contact_ids, oldest=oldest, since=since)
    return {contact_id: at for contact_id, at in rows if at is not None}


async def last_in(
    tx: AsyncConnection, contact_ids: Collection[int], since: datetime
) -> dict[int, dict[int, datetime]]:
    """`{contact id: {phone id: when they last wrote to it}}`, after `since`."""
    oldest = first_id_at(since - OUR_CLOCKS_DIFFER)
    found: dict[int, dict[int, datetime]] = {}
    rows = await _LAST_IN.rows(tx, contacts=contact_ids, oldest=oldest, since=since)
    for contact_id, phone_id, at in rows:
        found.setdefault(contact_id, {})[phone_id] = at
    return found


_PEOPLE = Query(sa.select(*columns_of(Recipient, contacts)).where(among(contacts.c.id, "contacts")))
_ADDRESSES = Query(
    sa.select(contact_addresses.c.contact_id, contact_addresses.c.kind, contact_addresses.c.value)
    .where(among(contact_addresses.c.contact_id, "contacts"))
    .where(contact_addresses.c.kind.in_([sa.literal_column(f"'{kind}'") for kind in SENDABLE]))
    .order_by(contact_addresses.c.id.desc())
)
_SINCE = sa.bindparam("since", type_=Moment())
_THEIRS = sa.and_(among(messages.c.contact_id, "contacts"), messages.c.id >= sa.bindparam("oldest"))
_LEFT_AT = sa.func.coalesce(messages.c.sent_at, messages.c.claimed_at, type_=Moment())
_LAST_OUT = Query(
    sa.select(messages.c.contact_id, sa.func.max(_LEFT_AT, type_=Moment()))
    .where(_THEIRS, messages.c.direction == "out", _LEFT_AT > _SINCE)
    .where(sa.or_(*(messages.c.state == state for state in KNOWN_TO_HAVE_LEFT)))
    .group_by(messages.c.contact_id)
)
_LAST_IN = Query(
    sa.select(
        messages.c.contact_id,
        messages.c.phone_id,
        sa.func.max(messages.c.created_at, type_=Moment()),
    )
    .where(_THEIRS, messages.c.direction == "in", messages.c.created_at > _SINCE)
    .where(messages.c.phone_id.is_not(None))
    .group_by(messages.c.contact_id, messages.c.phone_id)
)
