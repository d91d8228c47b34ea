"""Lists, fields, notes, tracked links, campaigns, webhooks that start, saved tests, hand-over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0005"
down_revision = "0004"

PARTIAL = (
    (
        "ix_messages_held",
        "messages",
        ["automation_id"],
        "state = 'queued' AND held_at IS NOT NULL",
    ),
    (
        "ix_messages_marketing",
        "messages",
        ["contact_id", "claimed_at"],
        "category = 'marketing' AND claimed_at IS NOT NULL",
    ),
    ("ix_contacts_handed_over", "contacts", ["company_id"], "handed_over_at IS NOT NULL"),
    ("ix_events_line", "events", ["id", "contact_id"], "handled_at IS NULL"),
    (
        "ix_events_unanswered",
        "events",
        ["id", "contact_id"],
        "handled_at IS NULL AND kind = 'replied'",
    ),
)


def upgrade() -> None:
    """Create the tables and columns."""
    op.create_table(
        "campaigns",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("trigger", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("audience", JSON, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("occurrence", Words(), nullable=False),
        sa.Column("state", Words(), nullable=False),
        sa.Column("cursor", BigId, nullable=False),
        sa.Column("ceiling", BigId, nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("created_by", BigId, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint(
            "automation_id",
            "trigger",
            "occurrence",
            name=op.f("uq_campaigns_automation_id_trigger_occurrence"),
        ),
    )
    op.create_index("ix_campaigns_company_id_id", "campaigns", ["company_id", "id"], unique=False)
    op.create_index(
        "ix_campaigns_starting",
        "campaigns",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'starting'"),
        postgresql_where=sa.text("state = 'starting'"),
    )
    op.create_table(
        "contact_fields",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("label", Words(), nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_fields")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_contact_fields_company_id_key")),
    )
    op.create_table(
        "contact_lists",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_lists")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_contact_lists_company_id_key")),
    )
    op.create_table(
        "inbound_hooks",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("trigger", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("secret", Words(), nullable=False),
        sa.Column("last_at", Moment(), nullable=True),
        sa.Column("last_payload", JSON, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_hooks")),
        sa.UniqueConstraint(
            "automation_id", "trigger", name=op.f("uq_inbound_hooks_automation_id_trigger")
        ),
        sa.UniqueConstraint("key", name=op.f("uq_inbound_hooks_key")),
    )
    op.create_table(
        "links",
        sa.Column("token", Words(), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("step", Words(), nullable=False),
        sa.Column("url", Words(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("first_clicked_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_links")),
    )
    op.create_index("ix_links_created_at", "links", ["created_at"], unique=False)
    op.create_table(
        "list_members",
        sa.Column("list_id", BigId, autoincrement=False, nullable=False),
        sa.Column("contact_id", BigId, autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_list_members")),
    )
    op.create_index("ix_list_members_contact_id", "list_members", ["contact_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("text", Words(), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("run_id", BigId, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_contact_id_id", "notes", ["contact_id", "id"], unique=False)
    op.create_table(
        "scenarios",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenarios")),
        sa.UniqueConstraint("automation_id", "name", name=op.f("uq_scenarios_automation_id_name")),
    )
    op.create_table(
        "trigger_marks",
        sa.Column("automation_id", BigId, autoincrement=False, nullable=False),
        sa.Column("trigger", Words(), nullable=False),
        sa.Column("upto", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "trigger", name=op.f("pk_trigger_marks")),
    )
    op.add_column("automations", sa.Column("paused_by", BigId, nullable=True))
    op.add_column("automations", sa.Column("test_contacts", JSON, nullable=True))
    op.add_column(
        "companies", sa.Column("webhook_secret", Words(), nullable=False, server_default="")
    )
    op.add_column("contacts", sa.Column("handed_over_run_id", BigId, nullable=True))
    op.add_column("contacts", sa.Column("assigned_to", BigId, nullable=True))
    op.add_column(
        "contacts", sa.Column("last_inbound_text", Words(), nullable=False, server_default="")
    )
    op.add_column("contacts", sa.Column("last_outbound_at", Moment(), nullable=True))
    op.add_column("messages", sa.Column("over_budget", Words(), nullable=True))
    op.add_column("messages", sa.Column("held_at", Moment(), nullable=True))
    for name, table, columns, where in PARTIAL:
        op.create_index(
            name,
            table,
            columns,
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    # Wearers of a tag are walked along in the order of their ids.
    op.drop_index("ix_contact_tags_company_id_tag", "contact_tags")
    op.create_index(
        "ix_contact_tags_company_id_tag", "contact_tags", ["company_id", "tag", "contact_id"]
    )
