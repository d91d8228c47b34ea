"""The queue half of messages: what is due, who has it in hand, what became of it.

Rule: whoever claims holds the contact's row meanwhile, so two workers never have messages of one
contact in hand. `claim` and `put_back` belong to one transaction each; nothing here sends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.addresses import Address
from store.alerts import alerts
from store.columns import Moment
from store.companies import companies, sending
from store.contacts import contact_addresses, contacts
from store.database import as_kind, columns_of, skip_locked
from store.events import events
from store.ids import first_id_at
from store.messages import CLAIMED, EXPIRING, QUEUED, QUEUED_BY_AUTOMATION, messages
from store.phones import phones

LOOK_BACK = timedelta(days=8)  # a message hardly ever waits longer before it is sent
OUR_CLOCKS_DIFFER = timedelta(minutes=5)  # between processes that make ids
IN_HAND = sa.and_(CLAIMED, messages.c.state == "sending")
UNSURE = sa.and_(CLAIMED, messages.c.state == "unconfirmed")
KNOWN_TO_HAVE_LEFT = ("sending", "unconfirmed", "sent", "delivered", "read")
PRIORITIES = (0, 1, 2)  # a live answer, transactional, marketing
SENDABLE = ("wa_id", "phone", "user_id", "lid")  # in the order in which they are preferred


# Marketing that nobody wrote by hand: whoever just wrote “stop” must not get it any more.
UNASKED = sa.and_(messages.c.category == "marketing", messages.c.source == "api")


class Everybody(Enum):
    """All messages of a line, whatever automation they belong to."""

    YES = True


EVERYBODY = Everybody.YES
Share = int | Everybody | None


class Queued(Struct, frozen=True):
    """A message that is due; `content` and `why` are plain values."""

    id: int
    company_id: int
    contact_id: int
    run_id: int | None
    automation_id: int | None
    seq: int
    content: Any
    template: str | None
    category: str
    priority: int
    source: str
    over_budget: str | None
    phone_id: int | None
    quoted_channel_id: str | None
    due_at: datetime
    expires_at: datetime | None
    attempts: int
    why: Any

    @property
    def heeds_news(self) -> bool:
        """Whether what the contact just did may mean that it must not be sent, see `free_to_go`."""
        unasked = self.category == "marketing" and self.source == "api"
        return self.run_id is not None or unasked


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


class InHand(Struct, frozen=True):
    """A message that was claimed, as it stands now."""

    id: int
    company_id: int
    contact_id: int
    run_id: int | None
    automation_id: int | None
    seq: int
    state: str
    content: Any
    template: str | None
    phone_id: int | None
    channel_id: str | None
    attempts: int
    claimed_by: str | None
    claimed_at: datetime | None
    due_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    error_class: str | None
    error_code: str | None
    error: str | None
    why: Any


async def due_lines(tx: AsyncConnection, now: datetime) -> list[tuple[int, int]]:
    """`(priority, company id)` of every line that has somebody due, most urgent first. Companies
    that may not send for now have none: their messages stay where they are.

    Reads one index entry per line, however long it is.
    """
    lines = sa.union_all(
        *(sa.select(sa.literal(one).label("priority")) for one in PRIORITIES)
    ).subquery("lines")
    # Not as EXISTS, here and below: PostgreSQL would make a join of it, and read all of a queue of
    # a million messages before it has the first that fits.
    first = sa.select(sa.func.min(messages.c.due_at)).where(
        QUEUED,
        messages.c.priority == lines.c.priority,
        messages.c.company_id == companies.c.id,
    )
    due = first.correlate(lines, companies).scalar_subquery() <= now
    query = (
        sa.select(lines.c.priority, companies.c.id)
        .select_from(lines.join(companies, sa.true()))
        .where(due, sending(now))
        .order_by(lines.c.priority, companies.c.id)
    )
    return [(priority, company_id) for priority, company_id in await tx.execute(query)]


class Late(Struct, frozen=True):
    """A line in which messages have been due for long."""

    priority: int
    company_id: int
    count: int
    oldest: datetime


async def late(
    tx: AsyncConnection, lines: Collection[tuple[int, int]], before: datetime
) -> list[Late]:
    """Of these lines (priority, company id) those with messages due before then."""
    found = []
    for priority, company_id in lines:  # few: each reads the front of its own line only
        query = sa.select(sa.func.count(), sa.func.min(messages.c.due_at, type_=Moment())).where(
            QUEUED,
            messages.c.priority == priority,
            messages.c.company_id == company_id,
            messages.c.due_at <= before,
            messages.c.held_at.is_(None),
        )
        count, oldest = (await tx.execute(query)).one()
        if oldest is not None:
            found.append(Late(priority, company_id, count, oldest))
    return found


async def standing_still(tx: AsyncConnection, since: datetime) -> set[int]:
    """Companies with campaign messages due since then, of whose phones none has sent anything
    since, and none is at the end of its day.
    """
    moved = sa.exists().where(phones.c.company_id == companies.c.id, phones.c.last_sent_at > since)
    full = sa.exists().where(
        alerts.c.company_id == companies.c.id,
        alerts.c.kind == "daily_cap",
        alerts.c.resolved_at.is_(None),
    )
    due = sa.exists().where(
        QUEUED,
        messages.c.priority == PRIORITIES[-1],
        messages.c.company_id == companies.c.id,
        messages.c.due_at <= since,
    )
    query = sa.select(companies.c.id).where(due, ~moved, ~full, sending(since))
    return set((await tx.execute(query)).scalars())


async def next_due(tx: AsyncConnection) -> datetime | None:
    """When the next message is due, over all companies; None when the queue is empty."""
    query = sa.select(sa.func.min(messages.c.due_at)).where(QUEUED)
    at: datetime | None = (await tx.execute(query)).scalar_one_or_none()
    return at


async def shares(
    tx: AsyncConnection, company_id: int, priority: int, now: datetime
) -> list[int | None]:
    """The automations that have somebody due in one line, None for messages that belong to none.

    Walks from automation to automation in the index: what it reads grows with their number, not
    with that of the messages.
    """
    mine = sa.and_(messages.c.priority == priority, messages.c.company_id == company_id)
    of = messages.c.automation_id
    first = sa.select(sa.func.min(of).label("id")).where(QUEUED_BY_AUTOMATION, mine)
    walk = first.cte("walk", recursive=True)
    after = sa.select(sa.func.min(of)).where(QUEUED_BY_AUTOMATION, mine, of > walk.c.id)
    walk = walk.union_all(
        sa.select(after.correlate(walk).scalar_subquery()).where(walk.c.id.is_not(None))
    )
    first = sa.select(sa.func.min(messages.c.due_at)).where(QUEUED_BY_AUTOMATION, mine)
    due = first.where(of == walk.c.id).correlate(walk).scalar_subquery() <= now
    found = await tx.execute(sa.select(walk.c.id).where(walk.c.id.is_not(None), due))
    others = sa.select(sa.func.min(messages.c.due_at)).where(QUEUED, mine, of.is_(None))
    at: datetime | None = (await tx.execute(others)).scalar_one()
    return [*found.scalars(), *([None] if at is not None and at <= now else [])]


async def claim_due(
    tx: AsyncConnection,
    company_id: int,
    priority: int,
    now: datetime,
    limit: int,
    *,
    except_automations: Collection[int] = (),
    of: Share = EVERYBODY,
) -> list[Queued]:
    """Up to `limit` due messages of one line with their contacts, held until the transaction ends;
    `of` everybody, or of one automation (None: of those that belong to none).

    Left out: contacts who have a message in hand or an older one on its way to another try,
    messages of runs and unasked ones whose contact has events the engine has not seen (they may
    recall it, or want no more), and those of `except_automations` that have not expired.
    """
    query = (
        sa.select(*columns_of(Queued, messages))
        .join(contacts, contacts.c.id == messages.c.contact_id)
        .where(sa.text("messages.state = 'queued'"), messages.c.priority == priority)
        .where(messages.c.company_id == company_id, messages.c.due_at <= now, *free_to_go())
        .order_by(messages.c.due_at, messages.c.id)
        .limit(limit)
    )
    if not isinstance(of, Everybody):
        query = query.where(
            messages.c.automation_id.is_(None) if of is None else messages.c.automation_id == of
        )
    if except_automations:
        theirs = messages.c.automation_id.in_(except_automations)
        query = query.where(
            sa.or_(messages.c.automation_id.is_(None), ~theirs, messages.c.expires_at <= now)
        )
    rows = await tx.execute(skip_locked(tx, query, messages, contacts))
    return [as_kind(Queued, row) for row in rows]


def free_to_go() -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions on a due message that nothing else of its contact stands in its way."""
    other = messages.alias("other")
    mine = other.c.contact_id == messages.c.contact_id
    in_hand = sa.select(other.c.id).where(mine, other.c.state == "sending")
    retried = sa.select(other.c.id).where(
        mine,
        other.c.id < messages.c.id,
        other.c.state == "queued",
        other.c.attempts > 0,
        other.c.priority <= messages.c.priority,
        other.c.held_at.is_(None),
    )
    news = sa.exists().where(
        events.c.contact_id == messages.c.contact_id, events.c.handled_at.is_(None)
    )
    heeds_news = sa.or_(messages.c.run_id.is_not(None), UNASKED)
    return (
        sa.or_(~heeds_news, ~news),
        *(
            one.limit(1).correlate(messages).scalar_subquery().is_(None)
            for one in (in_hand, retried)
        ),
    )


async def busy_contacts(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts who have a message in hand. Asked again after the claim holds them:
    another worker may have let go of them a moment ago.
    """
    query = sa.select(messages.c.contact_id).where(IN_HAND, messages.c.contact_id.in_(contact_ids))
    return set((await tx.execute(query)).scalars())


async def contacts_with_news(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts with events the engine has not handled."""
    query = sa.select(events.c.contact_id).where(
        events.c.contact_id.in_(contact_ids), events.c.handled_at.is_(None)
    )
    return set((await tx.execute(query.distinct())).scalars())


async def recipients(
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


async def waiting(
    tx: AsyncConnection, company_id: int, automation_id: int | None, limit: int
) -> list[Queued]:
    """The first `limit` messages in a company's queue (or an automation's), due or not."""
    query = sa.select(*columns_of(Queued, messages)).where(_in_queue(company_id, automation_id))
    rows = await tx.execute(query.order_by(messages.c.due_at, messages.c.id).limit(limit))
    return [as_kind(Queued, row) for row in rows]


async def find_waiting(tx: AsyncConnection, company_id: int, message_id: int) -> Queued | None:
    """One message of a company that is in the queue, or None; not held."""
    query = sa.select(*columns_of(Queued, messages)).where(
        messages.c.id == message_id, messages.c.company_id == company_id, QUEUED
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Queued, row)


async def count_ahead(tx: AsyncConnection, one: Queued, now: datetime) -> int:
    """How many due messages of the same line are before this one, a thousand at most."""
    ahead = (
        sa.select(sa.literal(1))
        .where(QUEUED, messages.c.priority == one.priority, messages.c.due_at <= now)
        .where(messages.c.company_id == one.company_id)
        .where(sa.tuple_(messages.c.due_at, messages.c.id) < (one.due_at, one.id))
        .limit(1_000)
    )
    query = sa.select(sa.func.count()).select_from(ahead.subquery())
    return int((await tx.execute(query)).scalar_one())


async def count_waiting(
    tx: AsyncConnection, company_id: int, automation_id: int | None = None
) -> int:
    """How many messages a company (or an automation) has in the queue."""
    query = sa.select(sa.func.count()).where(_in_queue(company_id, automation_id))
    return int((await tx.execute(query)).scalar_one())


def _in_queue(company_id: int, automation_id: int | None) -> sa.ColumnElement[bool]:
    mine = sa.and_(
        QUEUED,
        messages.c.priority.in_(PRIORITIES),  # with this the line's own index serves
        messages.c.company_id == company_id,
        messages.c.held_at.is_(None),
    )
    if automation_id is None:
        return mine
    return sa.and_(mine, messages.c.automation_id == automation_id)


async def claim(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take messages in hand. Each row: of, phone_id, claimed_by, claimed_at, why, terms."""
    await _change(tx, rows, state="sending", attempts=messages.c.attempts + 1)


async def defer(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let messages wait longer. Each row: of, due_at, why."""
    await _change(tx, rows)


async def drop(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give messages up unsent. Each row: of, state, failed_at, error_class,
    error, why.
    """
    await _change(tx, rows)


async def any_expired(tx: AsyncConnection, now: datetime) -> bool:
    """Whether `expired` would find anything."""
    query = sa.select(sa.literal(1)).where(EXPIRING, messages.c.expires_at <= now).limit(1)
    return (await tx.execute(query)).first() is not None


async def expired(tx: AsyncConnection, now: datetime, limit: int) -> list[Queued]:
    """Up to `limit` messages in the queue that are not worth sending any more; held."""
    query = sa.select(*columns_of(Queued, messages)).where(EXPIRING, messages.c.expires_at <= now)
    rows = await tx.execute(skip_locked(tx, query.limit(limit), messages))
    return [as_kind(Queued, row) for row in rows]


async def in_hand(tx: AsyncConnection, message_ids: Collection[int]) -> dict[int, InHand]:
    """Messages by id as they stand, held until the transaction ends."""
    return await _held(tx, messages.c.id.in_(message_ids))


async def by_channel_ids(
    tx: AsyncConnection, phone_ids: Collection[int], channel_ids: Collection[str]
) -> list[InHand]:
    """Outgoing messages of these phones with these ids of the channel, held like `in_hand`."""
    found = await _held(
        tx,
        messages.c.phone_id.in_(phone_ids)
        & messages.c.channel_id.in_(channel_ids)
        & (messages.c.direction == "out"),
    )
    return list(found.values())


async def settle(tx: AsyncConnection, rows: Sequence[InHand]) -> None:
    """Write down what became of messages: everything that can change once they are claimed."""
    names = InHand.__struct_fields__[InHand.__struct_fields__.index("state") :]
    fixed = ("content", "template", "claimed_by", "claimed_at")
    await _change(
        tx,
        [
            {"of": row.id} | {name: getattr(row, name) for name in names if name not in fixed}
            for row in rows
        ],
    )


async def abandoned(
    tx: AsyncConnection,
    *,
    claimed_before: datetime,
    dead_workers: Collection[str],
    except_ids: Collection[int],
    limit: int,
) -> list[InHand]:
    """Messages in hand of workers that are gone, or in hand for too long; held."""
    query = sa.select(messages.c.id).where(
        IN_HAND,
        sa.or_(
            messages.c.claimed_at < claimed_before, messages.c.claimed_by.in_(sorted(dead_workers))
        ),
    )
    ids = set((await tx.execute(query.limit(limit))).scalars()) - set(except_ids)
    return list((await _held(tx, IN_HAND & messages.c.id.in_(ids))).values()) if ids else []


async def workers_with_messages(tx: AsyncConnection) -> set[str]:
    """The names under which messages are in hand."""
    rows = await tx.execute(sa.select(messages.c.claimed_by).where(IN_HAND).distinct())
    return set(filter(None, rows.scalars()))


async def companies_unconfirmed(tx: AsyncConnection) -> set[int]:
    """The companies with messages nobody knows the fate of."""
    rows = await tx.execute(sa.select(messages.c.company_id).where(UNSURE).distinct())
    return set(rows.scalars())


async def unconfirmed(
    tx: AsyncConnection,
    company_id: int,
    before: datetime,
    *,
    except_ids: Collection[int],
    limit: int,
) -> list[InHand]:
    """A company's messages nobody knows the fate of, claimed before a moment; held."""
    query = (
        sa.select(messages.c.id)
        .where(UNSURE, messages.c.claimed_at < before, messages.c.company_id == company_id)
        .order_by(messages.c.claimed_at)
        .limit(limit)
    )
    ids = set((await tx.execute(query)).scalars()) - set(except_ids)
    return list((await _held(tx, UNSURE & messages.c.id.in_(ids))).values()) if ids else []


async def _held(tx: AsyncConnection, which: sa.ColumnElement[bool]) -> dict[int, InHand]:
    query = sa.select(*columns_of(InHand, messages)).where(which)
    rows = await tx.execute(query.order_by(messages.c.id).with_for_update())
    return {row.id: as_kind(InHand, row) for row in rows}


async def _change(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]], **same: Any) -> None:
    """One statement: set in each message `of` what its row says, and `same` in all."""
    if not rows:
        return
    names = [name for name in rows[0] if name != "of"]
    await tx.execute(
        sa.update(messages)
        .where(messages.c.id == sa.bindparam("of"))
        .values({name: sa.bindparam(f"new_{name}", type_=messages.c[name].type) for name in names})
        .values(**same),
        [
            {"of": row["of"]} | {f"new_{name}": row[name] for name in names}
            for row in sorted(rows, key=lambda row: int(row["of"]))
        ],
    )
