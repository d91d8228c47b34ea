"""Care of numbers: the house's own rules, hours of phones, quality, prices, files, replies out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0006"
down_revision = "0005"


def _words(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, Words(), nullable=False, server_default=default)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


ADDED: dict[str, tuple[sa.Column[Any], ...]] = {
    "alerts": (
        sa.Column("snoozed_until", Moment(), nullable=True),
        sa.Column("told_at", Moment(), nullable=True),
    ),
    "automations": (_words("origin"),),
    "companies": (
        _words("status", "active"),
        sa.Column("subscription_ends_at", Moment(), nullable=True),
    ),
    "contacts": (
        sa.Column("free_until", Moment(), nullable=True),
        sa.Column("referred_at", Moment(), nullable=True),
    ),
    "http_calls": (_words("purpose", "run"), _words("host")),
    "messages": (
        sa.Column("terms", JSON, nullable=True),
        sa.Column("billed", JSON, nullable=True),
        sa.Column("reference", Words(), nullable=True),
    ),
    "phone_days": (*(_count("fresh"), _count("delivered"), _count("answered")),),
    "phones": (
        _words("quality", "UNKNOWN"),
        sa.Column("quality_at", Moment(), nullable=True),
        sa.Column("campaigns_rest_until", Moment(), nullable=True),
        _words("campaigns_rest_why"),
        sa.Column("no_new_until", Moment(), nullable=True),
        sa.Column("gap_until", Moment(), nullable=True),
        sa.Column("hourly_limit", sa.Integer(), nullable=True),
        sa.Column("messaging_limit", sa.Integer(), nullable=True),
        sa.Column("throughput_per_s", sa.Integer(), nullable=True),
        _count("unreceipted"),
        sa.Column("last_receipt_at", Moment(), nullable=True),
        _words("status_why"),
        sa.Column("wanted", Words(), nullable=True),
        sa.Column("pairing", JSON, nullable=True),
        sa.Column("paired_at", Moment(), nullable=True),
        sa.Column("woke_at", Moment(), nullable=True),
    ),
    "templates": (
        _words("rejected_because"),
        sa.Column("edits", JSON, nullable=False, server_default="[]"),
    ),
}


def upgrade() -> None:
    """Create the tables and columns."""
    op.create_table(
        "auto_replies",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=True),
        sa.Column("match", Words(), nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auto_replies")),
    )
    op.create_index("ix_auto_replies_company_id", "auto_replies", ["company_id"], unique=False)
    op.create_table(
        "conversations",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("phone_id", BigId, nullable=False),
        sa.Column("category", Words(), nullable=False),
        sa.Column("remote_id", Words(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(
        "ix_conversations_company_id_opened_at",
        "conversations",
        ["company_id", "opened_at"],
        unique=False,
    )
    op.create_index(
        "ix_conversations_contact_id_phone_id_ends_at",
        "conversations",
        ["contact_id", "phone_id", "ends_at"],
        unique=False,
    )
    op.create_table(
        "house",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("webhook_secret", Words(), nullable=False),
        sa.Column("admin_key_hash", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_house")),
    )
    op.create_table(
        "media_files",
        sa.Column("company_id", BigId, autoincrement=False, nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("mime_type", Words(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("filename", Words(), nullable=False),
        sa.Column("uploaded", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("erased_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("company_id", "sha256", name=op.f("pk_media_files")),
    )
    op.create_index("ix_media_files_erased_at", "media_files", ["erased_at"], unique=False)
    op.create_table(
        "media_senders",
        sa.Column("contact_id", BigId, autoincrement=False, nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "sha256", name=op.f("pk_media_senders")),
    )
    op.create_index(
        "ix_media_senders_company_id_sha256",
        "media_senders",
        ["company_id", "sha256"],
        unique=False,
    )
    op.create_table(
        "media_uploads",
        sa.Column("phone_id", BigId, autoincrement=False, nullable=False),
        sa.Column("sha256", Words(), nullable=False),
        sa.Column("remote_id", Words(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("phone_id", "sha256", name=op.f("pk_media_uploads")),
    )
    op.create_table(
        "media_wanted",
        sa.Column("message_id", BigId, autoincrement=False, nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("phone_id", BigId, nullable=False),
        sa.Column("remote_id", Words(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_media_wanted")),
    )
    op.create_index("ix_media_wanted_due_at", "media_wanted", ["due_at"], unique=False)
    op.create_table(
        "number_checks",
        sa.Column("number", Words(), nullable=False),
        sa.Column("there", sa.Boolean(), nullable=False),
        sa.Column("jid", Words(), nullable=False),
        sa.Column("checked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_number_checks")),
    )
    op.create_table(
        "phone_hours",
        sa.Column("phone_id", BigId, autoincrement=False, nullable=False),
        sa.Column("hour", Moment(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("phone_id", "hour", name=op.f("pk_phone_hours")),
    )
    op.create_table(
        "read_marks",
        sa.Column("contact_id", BigId, autoincrement=False, nullable=False),
        sa.Column("phone_id", BigId, autoincrement=False, nullable=False),
        sa.Column("channel_id", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "phone_id", name=op.f("pk_read_marks")),
    )
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    with op.batch_alter_table("templates") as batch:  # two accounts may use one name
        batch.drop_constraint(op.f("uq_templates_company_id_name_language"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_templates_company_id_account_id_name_language"),
            ["company_id", "account_id", "name", "language"],
        )
    op.create_index("ix_messages_company_id_id", "messages", ["company_id", "id"], unique=False)
    op.create_index(
        "ix_messages_shares",
        "messages",
        ["priority", "company_id", "automation_id", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    has_origin = sa.text("origin <> ''")
    op.create_index(
        "uq_automations_origin",
        "automations",
        ["company_id", "origin"],
        unique=True,
        sqlite_where=has_origin,
        postgresql_where=has_origin,
    )
    op.create_index(
        "ix_messages_expiring",
        "messages",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
    )
    named = sa.text("remote_id <> ''")
    op.create_index(
        "uq_conversations_remote_id",
        "conversations",
        ["phone_id", "remote_id"],
        unique=True,
        sqlite_where=named,
        postgresql_where=named,
    )
