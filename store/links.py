"""Links of ours in messages: where each leads, and whether it was opened.

Rule: a link leads only where the message's author pointed it.
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import BigId, Moment, Words, metadata

links = sa.Table(
    "links",
    metadata,
    sa.Column("token", Words, primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("contact_id", BigId, nullable=False),
    sa.Column("run_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("step", Words, nullable=False),
    sa.Column("url", Words, nullable=False),
    sa.Column("clicks", sa.Integer, nullable=False, default=0),
    sa.Column("first_clicked_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("ix_links_created_at", "created_at"),
)
