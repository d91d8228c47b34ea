"""The queue half of messages: what is due, who has it in hand, what became of it.

Rule: whoever claims holds the contact's row meanwhile, so two workers never have messages of one
contact in hand. `claim` and `put_back` belong to one transaction each; nothing here sends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import Moment
from store.companies import companies, sending
from store.contacts import contacts
from store.database import as_kind, columns_of, skip_locked
from store.events import UNHANDLED, events
from store.messages import CLAIMED, EXPIRING, QUEUED, QUEUED_BY_AUTOMATION, messages
from store.query import Query, among

IN_HAND = sa.and_(CLAIMED, messages.c.state == "sending")
PRIORITIES = (0, 1, 2)  # a live answer, transactional, marketing


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


async def due_lines(tx: AsyncConnection, now: datetime) -> list[tuple[int, int]]:
    """`(priority, company id)` of every line that has somebody due, most urgent first. Companies
    that may not send for now have none: their messages stay where they are.

    Reads one index entry per line, however long it is.
    """
    return [(priority, company) for priority, company in await _DUE_LINES.rows(tx, now=now)]


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
    query = _due(of if isinstance(of, Everybody) else of is not None, bool(except_automations))
    more: dict[str, Any] = {"automation": of} if isinstance(of, int) else {}
    if except_automations:
        more["resting"] = except_automations
    asked = {"priority": priority, "company": company_id, "now": now, "room": limit}
    return await query.plain(tx, Queued, **asked, **more)


async def busy_contacts(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts who have a message in hand. Asked again after the claim holds them:
    another worker may have let go of them a moment ago.
    """
    return set(await _BUSY.column(tx, contacts=contact_ids)) if contact_ids else set()


async def contacts_with_news(tx: AsyncConnection, contact_ids: Collection[int]) -> set[int]:
    """Those of the contacts with events the engine has not handled."""
    return set(await _NEWS.column(tx, contacts=contact_ids)) if contact_ids else set()


async def claim(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Take messages in hand. Each row: id, state, attempts, phone_id, claimed_by, claimed_at, why,
    terms.
    """
    await change(tx, rows)


async def defer(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let messages wait longer. Each row: id, due_at, why."""
    await change(tx, rows)


async def drop(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give messages up unsent. Each row: id, state, failed_at, error_class,
    error, why.
    """
    await change(tx, rows)


async def any_expired(tx: AsyncConnection, now: datetime) -> bool:
    """Whether `expired` would find anything."""
    query = sa.select(sa.literal(1)).where(EXPIRING, messages.c.expires_at <= now).limit(1)
    return (await tx.execute(query)).first() is not None


async def expired(tx: AsyncConnection, now: datetime, limit: int) -> list[Queued]:
    """Up to `limit` messages in the queue that are not worth sending any more; held."""
    query = sa.select(*columns_of(Queued, messages)).where(EXPIRING, messages.c.expires_at <= now)
    rows = await tx.execute(skip_locked(tx, query.limit(limit), messages))
    return [as_kind(Queued, row) for row in rows]


async def change(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement: each message `id` gets what its row says. Whoever calls holds them."""
    await bulk.update_all(tx, messages, rows)


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
        # In a CASE, and not as a scalar that is null: of those PostgreSQL expects nearly none to
        # hold, reads the whole line for the few it hopes to find, and sorts it.
        *(
            sa.case((one.correlate(messages).exists(), sa.false()), else_=sa.true())
            for one in (in_hand, retried)
        ),
    )


def _due_lines() -> sa.Select[Any]:
    lines = sa.union_all(
        *(sa.select(sa.literal(one).label("priority")) for one in PRIORITIES)
    ).subquery("lines")
    # Not as EXISTS, here and above: PostgreSQL would make a join of it, and read all of a queue of
    # a million messages before it has the first that fits.
    first = sa.select(sa.func.min(messages.c.due_at)).where(
        QUEUED,
        messages.c.priority == lines.c.priority,
        messages.c.company_id == companies.c.id,
    )
    now = sa.bindparam("now", type_=Moment())
    due = first.correlate(lines, companies).scalar_subquery() <= now
    return (
        sa.select(lines.c.priority, companies.c.id)
        .select_from(lines.join(companies, sa.true()))
        .where(due, sending(now))
        .order_by(lines.c.priority, companies.c.id)
    )


@cache
def _due(of: Everybody | bool, rest: bool) -> Query:  # noqa: FBT001  `of` has three values
    """`claim_due`'s statement: of everybody, of an automation (True) or of none (False); `rest`:
    some automations rest.
    """
    now, theirs = sa.bindparam("now", type_=Moment()), messages.c.automation_id
    query = (
        sa.select(*columns_of(Queued, messages))
        .join(contacts, contacts.c.id == messages.c.contact_id)
        .where(sa.text("messages.state = 'queued'"))
        .where(messages.c.priority == sa.bindparam("priority"))
        .where(messages.c.company_id == sa.bindparam("company"))
        .where(messages.c.due_at <= now, *free_to_go())
        .order_by(messages.c.due_at, messages.c.id)
        .limit(sa.bindparam("room", type_=sa.Integer()))
        .with_for_update(skip_locked=True, of=(messages, contacts))
    )
    if not isinstance(of, Everybody):
        query = query.where(theirs == sa.bindparam("automation") if of else theirs.is_(None))
    if rest:
        resting = sa.not_(among(theirs, "resting"))
        query = query.where(sa.or_(theirs.is_(None), resting, messages.c.expires_at <= now))
    return Query(query)


_DUE_LINES = Query(_due_lines())
_BUSY = Query(
    sa.select(messages.c.contact_id).where(IN_HAND, among(messages.c.contact_id, "contacts"))
)
_NEWS = Query(
    sa.select(events.c.contact_id)
    .where(among(events.c.contact_id, "contacts"), UNHANDLED)
    .distinct()
)
