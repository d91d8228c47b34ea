"""The engine: automations, revisions, events, runs, visits, webhook calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("source_id", Words(), nullable=True),
        sa.Column("run_id", BigId, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.Column("fault", Words(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("company_id", "source_id", name=op.f("uq_events_company_id_source_id")),
    )
    op.create_index(
        "ix_events_unhandled",
        "events",
        ["contact_id", "id"],
        unique=False,
        sqlite_where=sa.text("handled_at IS NULL"),
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "http_calls",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("claimed_at", Moment(), nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("answer", JSON, nullable=True),
        sa.Column("error", Words(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_http_calls")),
    )
    op.create_index(
        "ix_http_calls_open",
        "http_calls",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'calling')"),
        postgresql_where=sa.text("state IN ('queued', 'calling')"),
    )
    op.create_index("ix_http_calls_run_id", "http_calls", ["run_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("revision_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("trigger", Words(), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("step", Words(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.Column("wait_until", Moment(), nullable=True),
        sa.Column("cart_id", BigId, nullable=True),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("reason", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_automation_id_id", "runs", ["automation_id", "id"], unique=False)
    op.create_index("ix_runs_contact_id_id", "runs", ["contact_id", "id"], unique=False)
    op.create_index(
        "ix_runs_due",
        "runs",
        ["wait_until"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting' AND wait_until IS NOT NULL"),
        postgresql_where=sa.text("status = 'waiting' AND wait_until IS NOT NULL"),
    )
    op.create_index(
        "ix_runs_waiting",
        "runs",
        ["contact_id"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "step_counts",
        sa.Column("automation_id", BigId, autoincrement=False, nullable=False),
        sa.Column("step", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("n", BigId, nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "step", "name", name=op.f("pk_step_counts")),
    )
    op.create_table(
        "visits",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("step", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("did", Words(), nullable=False),
        sa.Column("exit", Words(), nullable=True),
        sa.Column("why", Words(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_run_id_id", "visits", ["run_id", "id"], unique=False)
    op.create_table(
        "automations",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("draft", JSON, nullable=False),
        sa.Column("live_revision_id", BigId, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_automations_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
    )
    op.create_index(
        "ix_automations_company_id_id", "automations", ["company_id", "id"], unique=False
    )
    op.create_table(
        "revisions",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("flow", JSON, nullable=False),
        sa.Column("comment", Words(), nullable=False),
        sa.Column("published_at", Moment(), nullable=False),
        sa.Column("published_by", BigId, nullable=True),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=op.f("fk_revisions_automation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint(
            "automation_id", "number", name=op.f("uq_revisions_automation_id_number")
        ),
    )
