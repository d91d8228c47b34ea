"""Campaigns: one automation started for many contacts, by a person or by its schedule.

Rule: an occurrence exists once; its contacts are started in pieces behind a cursor, so that a
crash anywhere neither skips nor repeats anybody.
"""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

STARTING = sa.text("state = 'starting'")

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),  # campaign, schedule
    sa.Column("name", Words, nullable=False, default=""),
    sa.Column("audience", JSON, nullable=False),
    sa.Column("data", JSON, nullable=False, default=dict),
    sa.Column("occurrence", Words, nullable=False),
    sa.Column("state", Words, nullable=False),  # starting, started, stopped
    sa.Column("cursor", BigId, nullable=False, default=0),
    sa.Column("started", sa.Integer, nullable=False, default=0),
    sa.Column("left_out", sa.Integer, nullable=False, default=0),
    sa.Column("created_by", BigId),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.UniqueConstraint("automation_id", "trigger", "occurrence"),
    sa.Index("ix_campaigns_starting", "id", sqlite_where=STARTING, postgresql_where=STARTING),
    sa.Index("ix_campaigns_company_id_id", "company_id", "id"),
)

trigger_marks = sa.Table(
    "trigger_marks",
    metadata,
    sa.Column("automation_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("trigger", Words, primary_key=True),
    sa.Column("upto", Moment, nullable=False),  # occurrences until then have been seen to
)
