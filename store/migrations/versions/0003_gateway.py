"""The gateway: messages, templates, phones and their days, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "company_days",
        sa.Column("company_id", BigId, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "day", name=op.f("pk_company_days")),
    )
    op.create_table(
        "messages",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=True),
        sa.Column("automation_id", BigId, nullable=True),
        sa.Column("step", Words(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("direction", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("preview", Words(), nullable=False),
        sa.Column("template", Words(), nullable=True),
        sa.Column("category", Words(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("phone_id", BigId, nullable=True),
        sa.Column("channel_id", Words(), nullable=True),
        sa.Column("quoted_channel_id", Words(), nullable=True),
        sa.Column("source", Words(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by", Words(), nullable=True),
        sa.Column("claimed_at", Moment(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("delivered_at", Moment(), nullable=True),
        sa.Column("read_at", Moment(), nullable=True),
        sa.Column("failed_at", Moment(), nullable=True),
        sa.Column("error_class", Words(), nullable=True),
        sa.Column("error_code", Words(), nullable=True),
        sa.Column("error", Words(), nullable=True),
        sa.Column("why", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(
        "ix_messages_claimed",
        "messages",
        ["claimed_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('sending', 'unconfirmed')"),
        postgresql_where=sa.text("state IN ('sending', 'unconfirmed')"),
    )
    op.create_index("ix_messages_contact_id_id", "messages", ["contact_id", "id"], unique=False)
    op.create_index(
        "ix_messages_queued",
        "messages",
        ["priority", "company_id", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_messages_run_id", "messages", ["run_id"], unique=False)
    op.create_index(
        "uq_messages_channel_id",
        "messages",
        ["phone_id", "channel_id"],
        unique=True,
        sqlite_where=sa.text("channel_id IS NOT NULL"),
        postgresql_where=sa.text("channel_id IS NOT NULL"),
    )
    op.create_table(
        "phone_days",
        sa.Column("phone_id", BigId, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("phone_id", "day", name=op.f("pk_phone_days")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("severity", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("phone_id", BigId, nullable=True),
        sa.Column("details", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("resolved_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_alerts_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_company_id_id", "alerts", ["company_id", "id"], unique=False)
    op.create_index(
        "uq_alerts_open_in_general",
        "alerts",
        ["company_id", "kind"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL AND phone_id IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL AND phone_id IS NULL"),
    )
    op.create_index(
        "uq_alerts_open_on_a_phone",
        "alerts",
        ["company_id", "kind", "phone_id"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL AND phone_id IS NOT NULL"),
        postgresql_where=sa.text("resolved_at IS NULL AND phone_id IS NOT NULL"),
    )
    op.create_table(
        "phones",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("number", Words(), nullable=False),
        sa.Column("remote_id", Words(), nullable=True),
        sa.Column("account_id", Words(), nullable=True),
        sa.Column("credentials", JSON, nullable=False),
        sa.Column("base_url", Words(), nullable=True),
        sa.Column("version", Words(), nullable=True),
        sa.Column("status", Words(), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("breaker_until", Moment(), nullable=True),
        sa.Column("paused_until", Moment(), nullable=True),
        sa.Column("last_sent_at", Moment(), nullable=True),
        sa.Column("lease_owner", Words(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("added_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_phones_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phones")),
        sa.UniqueConstraint("remote_id", name=op.f("uq_phones_remote_id")),
    )
    op.create_index(op.f("ix_phones_account_id"), "phones", ["account_id"], unique=False)
    op.create_index(op.f("ix_phones_company_id"), "phones", ["company_id"], unique=False)
    op.create_table(
        "templates",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("account_id", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("language", Words(), nullable=False),
        sa.Column("category", Words(), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("quality", Words(), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("remote_id", Words(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_templates_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint(
            "company_id", "name", "language", name=op.f("uq_templates_company_id_name_language")
        ),
    )
    op.create_index("ix_templates_remote_id", "templates", ["remote_id"], unique=False)
