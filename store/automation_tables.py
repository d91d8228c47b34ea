"""The tables of automations and their revisions. The verbs are in `store/automations.py`, those of
the draft in `store/drafts.py`.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from store.columns import JSON, BigId, Moment, Words, metadata

HAS_ORIGIN = sa.text("origin <> ''")

automations = sa.Table(
    "automations",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("status", Words, nullable=False, default="draft"),
    sa.Column("priority", sa.Integer, nullable=False, default=0),
    sa.Column("draft", JSON, nullable=False),
    sa.Column("draft_version", sa.Integer, nullable=False, default=0),  # up with every change
    sa.Column("draft_seq", sa.Integer, nullable=False, default=0),  # the last entry that is done
    sa.Column("live_revision_id", BigId),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("paused_at", Moment),
    sa.Column("paused_by", BigId),
    sa.Column("folder", Words, nullable=False, default=""),  # under which people look for it
    sa.Column("origin", Words, nullable=False, default=""),  # what made it, if no marketer did
    sa.Column("test_contacts", JSON),  # a list of contact ids while only those may enter
    sa.Index("ix_automations_company_id_id", "company_id", "id"),
    sa.Index(
        "uq_automations_origin",
        "company_id",
        "origin",
        unique=True,
        sqlite_where=HAS_ORIGIN,
        postgresql_where=HAS_ORIGIN,
    ),
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, sa.ForeignKey("automations.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("flow", JSON, nullable=False),
    sa.Column("comment", Words, nullable=False, default=""),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", BigId),
    sa.UniqueConstraint("automation_id", "number"),
)

Status = Literal["draft", "live", "paused", "archived"]
