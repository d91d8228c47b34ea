"""What customers write, as it comes in: kept once, and noted on the contact.

Rule: the channel's own id of a message decides whether it is new.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.addresses import Address
from store.columns import Moment
from store.contacts import contact_addresses, contacts
from store.database import insert_into
from store.messages import ON_A_CHANNEL, messages
from store.query import Query, among

ANSWERED_WITHIN = timedelta(hours=24)  # then whoever came by an advertisement is free …
FREE_FOR = timedelta(hours=72)  # … for so long. Source: Meta, free entry points
TEXT_KEPT = 500  # characters of their last message; conditions look at words, not at letters


async def known(
    tx: AsyncConnection, phone_ids: Collection[int], channel_ids: Collection[str]
) -> set[tuple[int, str]]:
    """Which of these ids of the channel we have already, each with its phone."""
    if not channel_ids:
        return set()
    rows = await _KNOWN.rows(tx, phones=phone_ids, ids=channel_ids)
    return {(phone_id, channel_id) for phone_id, channel_id in rows}


_KNOWN = Query(
    sa.select(messages.c.phone_id, messages.c.channel_id).where(
        among(messages.c.phone_id, "phones"), among(messages.c.channel_id, "ids")
    )
)


async def keep(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Keep messages; the ids of those that nobody else kept in the same moment."""
    if not rows:
        return set()
    query = (
        insert_into(tx, messages)
        .on_conflict_do_nothing(index_elements=["phone_id", "channel_id"], index_where=ON_A_CHANNEL)
        .returning(messages.c.id)
    )
    return set((await tx.execute(query, [dict(row) for row in rows])).scalars())


class Wrote(Struct, frozen=True):
    """A message of a contact: when, to which phone, and its words."""

    at: datetime
    phone_id: int
    text: str


async def note_inbound(tx: AsyncConnection, wrote: Mapping[int, Wrote]) -> None:
    """`{contact id: their newest message}`; older news than what is known changes nothing."""
    if not wrote:
        return
    when = sa.bindparam("at", type_=contacts.c.last_inbound_at.type)
    newer = sa.or_(contacts.c.last_inbound_at.is_(None), contacts.c.last_inbound_at <= when)
    await tx.execute(
        sa.update(contacts)
        .where(contacts.c.id == sa.bindparam("of"), newer)
        .values(
            last_inbound_at=when,
            last_phone_id=sa.bindparam("phone"),
            last_inbound_text=sa.bindparam("text", type_=contacts.c.last_inbound_text.type),
        ),
        [
            {"of": of, "at": one.at, "phone": one.phone_id, "text": one.text[:TEXT_KEPT]}
            for of, one in sorted(wrote.items())
        ],
    )


async def note_referred(tx: AsyncConnection, came: Mapping[int, datetime]) -> None:
    """`{contact id: when they came by an advertisement}`: an answer in time makes it free."""
    if came:
        when = sa.bindparam("at", type_=contacts.c.referred_at.type)
        await tx.execute(
            sa.update(contacts).where(contacts.c.id == sa.bindparam("of")).values(referred_at=when),
            [{"of": of, "at": at} for of, at in sorted(came.items())],
        )


async def note_outbound(tx: AsyncConnection, wrote: Mapping[int, tuple[datetime, int]]) -> None:
    """`{contact id: (when we wrote to them, the phone we wrote through)}`; like `note_inbound`. Our
    first answer to somebody who came by an advertisement opens their free time.
    """
    if not wrote:
        return
    by_phone: dict[tuple[datetime, int], list[int]] = {}
    for of, (at, phone_id) in wrote.items():
        by_phone.setdefault((at, phone_id), []).append(of)
    if len(by_phone) > 1:  # in the order in which everybody holds contacts
        await _HELD.rows(tx, contacts=wrote.keys())
    for (at, phone_id), ids in by_phone.items():
        until, since = at + FREE_FOR, at - ANSWERED_WITHIN
        await _NOTED.rows(tx, contacts=ids, at=at, since=since, until=until, phone=phone_id)


def _noted() -> sa.Update:
    at, since, until = (sa.bindparam(name, type_=Moment()) for name in ("at", "since", "until"))
    referred, last = contacts.c.referred_at, contacts.c.last_outbound_at
    return (
        sa.update(contacts)
        .where(among(contacts.c.id, "contacts"), sa.or_(last.is_(None), last <= at))
        .values(
            last_outbound_at=at,
            last_phone_id=sa.bindparam("phone"),
            free_until=sa.case(
                (sa.and_(referred >= since, referred <= at), until), else_=contacts.c.free_until
            ),
            referred_at=sa.case((referred > at, referred), else_=sa.null()),
        )
    )


_NOTED = Query(_noted())
_HELD = Query(
    sa.select(contacts.c.id)
    .where(among(contacts.c.id, "contacts"))
    .order_by(contacts.c.id)
    .with_for_update()
)


async def not_answered_yet(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts who have not written since our last message to them."""
    query = sa.select(contacts.c.id).where(
        contacts.c.id.in_(contact_ids),
        contacts.c.last_outbound_at.is_not(None),
        sa.or_(
            contacts.c.last_inbound_at.is_(None),
            contacts.c.last_inbound_at < contacts.c.last_outbound_at,
        ),
    )
    return set((await tx.execute(query)).scalars())


async def is_newest_wish(tx: AsyncConnection, contact_id: int, at: datetime) -> bool:
    """Whether nothing newer than `at` is known about the contact's consent."""
    query = sa.select(contacts.c.consent_at).where(contacts.c.id == contact_id)
    since = (await tx.execute(query)).scalar_one_or_none()
    return since is None or since <= at


async def forget_address(tx: AsyncConnection, contact_id: int, address: Address) -> None:
    """Take an address off a contact: it may soon be somebody else's."""
    table = contact_addresses
    await tx.execute(
        sa.delete(table)
        .where(table.c.contact_id == contact_id)
        .where(table.c.kind_space == address.space, table.c.key == address.key)
    )


async def quoted(tx: AsyncConnection, phone_id: int, channel_id: str) -> tuple[str, bool]:
    """The words of a message that is quoted, and whether it was ours; none for an unknown one."""
    query = sa.select(messages.c.preview, messages.c.direction).where(
        messages.c.phone_id == phone_id, messages.c.channel_id == channel_id
    )
    row = (await tx.execute(query)).one_or_none()
    return ("", False) if row is None else (row.preview, row.direction == "out")


async def writers(
    tx: AsyncConnection, phone_id: int, channel_ids: Collection[str]
) -> dict[str, int]:
    """`{the channel's id: contact id}` of messages that came through a phone."""
    if not channel_ids:
        return {}
    query = sa.select(messages.c.channel_id, messages.c.contact_id).where(
        messages.c.phone_id == phone_id,
        messages.c.channel_id.in_(channel_ids),
        messages.c.direction == "in",
    )
    return {row.channel_id: row.contact_id for row in await tx.execute(query)}
