"""Notes beside a chat, for colleagues; customers never see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import insert_rows

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
