"""Notes beside a chat, for colleagues; customers never see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations
from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, insert_rows
from store.runs import runs
from store.users import users

PAGE = 50

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("user_id", BigId),
    sa.Column("run_id", BigId),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_notes_contact_id_id", "contact_id", "id"),
)


async def insert_many(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write notes: of a user (`user_id`) or of an automation (`run_id`)."""
    await insert_rows(tx, notes, rows)


class Note(Struct, frozen=True):
    """A note as people read it; `author`: a colleague's name, or the automation's."""

    id: int
    text: str
    user_id: int | None
    run_id: int | None
    author: str
    created_at: datetime


async def add(
    tx: AsyncConnection,
    company_id: int,
    contact_id: int,
    text: str,
    user_id: int | None,
    now: datetime,
) -> int:
    """Write one note; its id. `user_id` None: a program did."""
    row = {
        "company_id": company_id,
        "contact_id": contact_id,
        "text": text,
        "user_id": user_id,
        "created_at": now,
    }
    return int((await tx.execute(sa.insert(notes).values(row).returning(notes.c.id))).scalar_one())


async def page(
    tx: AsyncConnection,
    company_id: int,
    contact_id: int,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Note]:
    """Up to `limit` notes about a contact with an id below `before`, newest first."""
    person = sa.func.coalesce(sa.func.nullif(users.c.name, ""), users.c.email)
    author = sa.func.coalesce(person, automations.c.name, "")
    query = (
        sa.select(*(notes.c[name] for name in ("id", "text", "user_id", "run_id")), author)
        .add_columns(notes.c.created_at)
        .outerjoin(users, users.c.id == notes.c.user_id)
        .outerjoin(runs, runs.c.id == notes.c.run_id)
        .outerjoin(automations, automations.c.id == runs.c.automation_id)
        .where(notes.c.company_id == company_id, notes.c.contact_id == contact_id)
    )
    if before is not None:
        query = query.where(notes.c.id < before)
    rows = await tx.execute(query.order_by(notes.c.id.desc()).limit(limit))
    return [as_kind(Note, row) for row in rows]
