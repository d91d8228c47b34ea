"""Saved tests of an automation: what happens in them and what must come of it."""

from __future__ import annotations

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

scenarios = sa.Table(
    "scenarios",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("document", JSON, nullable=False),  # a flows.scenario.Scenario
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("automation_id", "name"),
)
