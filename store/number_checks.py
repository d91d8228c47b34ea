"""Which numbers are on WhatsApp, as a paired phone was told; asking again costs trust.

Rule: an answer is good for weeks, whatever company asked for it.
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import Moment, Words, metadata

number_checks = sa.Table(
    "number_checks",
    metadata,
    sa.Column("number", Words, primary_key=True),
    sa.Column("there", sa.Boolean, nullable=False),
    sa.Column("jid", Words, nullable=False, default=""),
    sa.Column("checked_at", Moment, nullable=False),
)
