"""Conversations: WhatsApp's 24-hour billing units of one category, as its statuses tell of them.

Rule: what WhatsApp says about a conversation or a price is the truth; we only keep it.
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, Moment, Words, metadata

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("phone_id", BigId, nullable=False),
    sa.Column("category", Words, nullable=False),
    sa.Column("remote_id", Words, nullable=False, default=""),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Index("ix_conversations_company_id_opened_at", "company_id", "opened_at"),
    sa.Index("ix_conversations_contact_id_phone_id_ends_at", "contact_id", "phone_id", "ends_at"),
)
