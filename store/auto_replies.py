"""Auto-reply rules: words and the text that answers them, of one company or of the whole house.

Rule: a rule here is what its author sees; what answers customers is an ordinary automation that
is kept like it (`engine/auto_replies.py`).
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

auto_replies = sa.Table(
    "auto_replies",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, index=True),  # empty: a rule of the house
    sa.Column("match", Words, nullable=False),
    sa.Column("words", JSON, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False, default=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)
