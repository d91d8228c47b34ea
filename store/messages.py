"""Messages: one row per item in or out. An outgoing row that is not sent yet is the queue itself.

Rule: a state only moves forward; only a `queued` message can still be recalled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind
from store.query import Query, among
from store.runs import runs

ON_A_CHANNEL = sa.text("channel_id IS NOT NULL")
QUEUED = sa.text("state = 'queued'")
QUEUED_BY_AUTOMATION = sa.text("state = 'queued' AND automation_id IS NOT NULL")
EXPIRING = sa.text("state = 'queued' AND expires_at IS NOT NULL")
CLAIMED = sa.text("state IN ('sending', 'unconfirmed')")
HELD = sa.text("state = 'queued' AND held_at IS NOT NULL")
MARKETING_LEFT = sa.text("category = 'marketing' AND claimed_at IS NOT NULL")

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=False),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("run_id", BigId),
    sa.Column("automation_id", BigId),
    sa.Column("step", Words),
    sa.Column("seq", sa.Integer, nullable=False, default=0),
    sa.Column("direction", Words, nullable=False),
    sa.Column("state", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("content", JSON, nullable=False),
    sa.Column("preview", Words, nullable=False, default=""),
    sa.Column("template", Words),
    sa.Column("category", Words, nullable=False, default="service"),
    sa.Column("priority", sa.SmallInteger, nullable=False, default=1),
    sa.Column("phone_id", BigId),
    sa.Column("channel_id", Words),
    sa.Column("quoted_channel_id", Words),
    sa.Column("source", Words, nullable=False),
    sa.Column("over_budget", Words),  # defer (also when empty) or drop
    sa.Column("due_at", Moment),  # while it is held: when it expires, if it ever does
    sa.Column("expires_at", Moment),
    sa.Column("held_at", Moment),  # since when its automation is paused
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("claimed_by", Words),
    sa.Column("claimed_at", Moment),
    sa.Column("sent_at", Moment),
    sa.Column("delivered_at", Moment),
    sa.Column("read_at", Moment),
    sa.Column("failed_at", Moment),
    sa.Column("error_class", Words),
    sa.Column("error_code", Words),
    sa.Column("error", Words),
    sa.Column("why", JSON, nullable=False, default=list),
    sa.Column("terms", JSON),  # what the choice of the phone was made of
    sa.Column("billed", JSON),  # what WhatsApp says it costs
    sa.Column("reference", Words),  # the caller's own name for it, of the API
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(
        "uq_messages_channel_id",
        "phone_id",
        "channel_id",
        unique=True,
        sqlite_where=ON_A_CHANNEL,
        postgresql_where=ON_A_CHANNEL,
    ),
    sa.Index(
        "ix_messages_queued",
        "priority",
        "company_id",
        "due_at",
        "id",
        sqlite_where=QUEUED,
        postgresql_where=QUEUED,
    ),
    sa.Index(
        "ix_messages_shares",
        "priority",
        "company_id",
        "automation_id",  # also where there is none: whether such a message is due must be quick
        "due_at",
        "id",
        sqlite_where=QUEUED,
        postgresql_where=QUEUED,
    ),
    sa.Index(
        "ix_messages_expiring", "expires_at", sqlite_where=EXPIRING, postgresql_where=EXPIRING
    ),
    sa.Index("ix_messages_claimed", "claimed_at", sqlite_where=CLAIMED, postgresql_where=CLAIMED),
    sa.Index("ix_messages_held", "automation_id", sqlite_where=HELD, postgresql_where=HELD),
    sa.Index(
        "ix_messages_marketing",
        "contact_id",
        "claimed_at",
        sqlite_where=MARKETING_LEFT,
        postgresql_where=MARKETING_LEFT,
    ),
    sa.Index("ix_messages_contact_id_id", "contact_id", "id"),
    sa.Index("ix_messages_company_id_id", "company_id", "id"),
    sa.Index("ix_messages_run_id", "run_id"),
)

_OWNERS = sa.table("automations", sa.column("id"), sa.column("status"))
IS_HELD = sa.and_(
    messages.c.state == "queued",
    sa.exists().where(_OWNERS.c.id == messages.c.automation_id, _OWNERS.c.status == "paused"),
)
"""It waits for its automation, also when the gateway has not come across it yet."""

RECALLED = "recalled: the run ended or moved on"
RECALLED_BY_HAND = "recalled before it was sent"
LEFT = ("sending", "unconfirmed", "sent", "delivered", "read")  # it went out, or may have
PAGE = 50


_RECALL = Query(
    sa.update(messages)
    .where(among(messages.c.run_id, "runs"), messages.c.state == "queued")
    .values(state="cancelled", failed_at=sa.bindparam("now", type_=Moment()), error=RECALLED)
    .returning(messages.c.id)
)
_LEFT_FOR = Query(
    sa.select(runs.c.id)
    .join(messages, sa.and_(messages.c.run_id == runs.c.id, messages.c.seq == runs.c.seq))
    .where(among(runs.c.id, "runs"), messages.c.direction == "out")
    .where(sa.or_(*(messages.c.state == state for state in LEFT)))
)


class NewMessage(Struct):
    """A message that a run asks for. `content` is a `flows.content` value."""

    id: int
    company_id: int
    contact_id: int
    run_id: int | None
    automation_id: int | None
    step: str | None
    seq: int
    direction: str
    state: str
    kind: str
    content: Any
    preview: str
    template: str | None
    category: str
    priority: int
    source: str
    over_budget: str | None
    due_at: datetime
    expires_at: datetime | None
    created_at: datetime


class Shown(Struct, frozen=True):
    """A message as chats and the API show it. `content` is a `flows.content` value, plain.

    `held`: it waits because its automation is paused.
    """

    id: int
    contact_id: int
    run_id: int | None
    automation_id: int | None
    step: str | None
    direction: str
    state: str
    kind: str
    content: dict[str, Any]
    preview: str
    template: str | None
    category: str
    source: str
    phone_id: int | None
    channel_id: str | None
    quoted_channel_id: str | None
    due_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    error_code: str | None
    error: str | None
    why: list[str]
    created_at: datetime
    attempts: int
    claimed_at: datetime | None
    error_class: str | None
    priority: int
    expires_at: datetime | None
    terms: Any
    billed: Any
    reference: str | None
    held: bool


async def insert_many(
    tx: AsyncConnection, rows: Sequence[NewMessage] | Sequence[Mapping[str, Any]]
) -> None:
    """Queue outgoing messages or keep incoming ones; ids are made by `store.ids.new_id`."""
    await bulk.insert_all(tx, messages, rows)


async def page(
    tx: AsyncConnection,
    company_id: int,
    contact_id: int,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Shown]:
    """Up to `limit` messages of a contact with an id below `before`, newest first."""
    query = _shown().where(messages.c.company_id == company_id, messages.c.contact_id == contact_id)
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = await tx.execute(query.order_by(messages.c.id.desc()).limit(limit))
    return [as_kind(Shown, row) for row in rows]


async def listed(
    tx: AsyncConnection,
    company_id: int,
    *,
    state: str = "",
    reference: str = "",
    contact_id: int | None = None,
    phone_id: int | None = None,
    automation_id: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Shown]:
    """Up to `limit` messages of a company with an id below `before`, newest first; those that fit
    everything that is given.
    """
    wanted = {
        messages.c.state: state or None,
        messages.c.reference: reference or None,
        messages.c.contact_id: contact_id,
        messages.c.phone_id: phone_id,
        messages.c.automation_id: automation_id,
    }
    query = _shown().where(messages.c.company_id == company_id)
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = await tx.execute(query.order_by(messages.c.id.desc()).limit(limit))
    return [as_kind(Shown, row) for row in rows]


async def find(tx: AsyncConnection, company_id: int, message_id: int) -> Shown | None:
    """One message of a company, or None."""
    query = _shown().where(messages.c.company_id == company_id, messages.c.id == message_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Shown, row)


async def find_many(
    tx: AsyncConnection, company_id: int, message_ids: Collection[int]
) -> dict[int, Shown]:
    """Messages of a company by id; those that do not exist are left out."""
    if not message_ids:
        return {}
    query = _shown().where(messages.c.company_id == company_id, messages.c.id.in_(message_ids))
    return {row.id: as_kind(Shown, row) for row in await tx.execute(query)}


async def of_run(tx: AsyncConnection, company_id: int, run_id: int) -> list[Shown]:
    """What a run sent, oldest first."""
    query = _shown().where(messages.c.company_id == company_id, messages.c.run_id == run_id)
    rows = await tx.execute(query.order_by(messages.c.id))
    return [as_kind(Shown, row) for row in rows]


async def recall(tx: AsyncConnection, run_ids: Collection[int], now: datetime) -> list[int]:
    """Cancel what these runs have queued and not sent; the ids of the cancelled messages."""
    if not run_ids:
        return []
    return sorted(await _RECALL.column(tx, runs=run_ids, now=now))


async def recall_one(tx: AsyncConnection, company_id: int, message_id: int, now: datetime) -> bool:
    """Cancel one message; False when it is not queued (any more), and nothing was done."""
    result = await tx.execute(
        sa.update(messages)
        .where(messages.c.company_id == company_id, messages.c.id == message_id)
        .where(messages.c.state == "queued")
        .values(state="cancelled", failed_at=now, held_at=None, error=RECALLED_BY_HAND)
    )
    return result.rowcount > 0


async def left_for(tx: AsyncConnection, run_ids: Collection[int]) -> set[int]:
    """Those of these runs whose awaited message has left, or may have: a reply can be to it."""
    if not run_ids:
        return set()
    return set(await _LEFT_FOR.column(tx, runs=run_ids))


def _shown() -> sa.Select[Any]:
    own = [messages.c[name] for name in Shown.__struct_fields__[:-1]]
    return sa.select(*own, IS_HELD.label("held"))
