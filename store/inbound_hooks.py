"""Addresses of our own that start an automation: one for each of its webhook triggers."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

inbound_hooks = sa.Table(
    "inbound_hooks",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("key", Words, nullable=False, unique=True),
    sa.Column("secret", Words, nullable=False, default=""),
    sa.Column("last_at", Moment),
    sa.Column("last_payload", JSON),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("automation_id", "trigger"),
)
