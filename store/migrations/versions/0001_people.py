"""The people: companies, users, sessions, API keys, contacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "companies",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("zone", Words(), nullable=False),
        sa.Column("language", Words(), nullable=False),
        sa.Column("country", Words(), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companies")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("key_hash", Words(), nullable=False),
        sa.Column("last4", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_api_keys_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index(op.f("ix_api_keys_company_id"), "api_keys", ["company_id"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("first_name", Words(), nullable=False),
        sa.Column("last_name", Words(), nullable=False),
        sa.Column("language", Words(), nullable=False),
        sa.Column("zone", Words(), nullable=False),
        sa.Column("country", Words(), nullable=False),
        sa.Column("consent", Words(), nullable=False),
        sa.Column("consent_at", Moment(), nullable=True),
        sa.Column("consent_source", Words(), nullable=False),
        sa.Column("blocked_at", Moment(), nullable=True),
        sa.Column("handed_over_at", Moment(), nullable=True),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("last_inbound_at", Moment(), nullable=True),
        sa.Column("last_phone_id", BigId, nullable=True),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_contacts_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_company_id_id", "contacts", ["company_id", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("email", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("role", Words(), nullable=False),
        sa.Column("password_hash", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_users_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_index(op.f("ix_users_company_id"), "users", ["company_id"], unique=False)
    op.create_table(
        "contact_addresses",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("kind", Words(), nullable=False),
        sa.Column("kind_space", Words(), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_addresses_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_addresses")),
    )
    op.create_index(
        "ix_contact_addresses_contact_id", "contact_addresses", ["contact_id"], unique=False
    )
    op.create_index(
        "ix_contact_addresses_email",
        "contact_addresses",
        ["company_id", "key"],
        unique=False,
        sqlite_where=sa.text("kind_space = 'email'"),
        postgresql_where=sa.text("kind_space = 'email'"),
    )
    op.create_index(
        "uq_contact_addresses_key",
        "contact_addresses",
        ["company_id", "kind_space", "key"],
        unique=True,
        sqlite_where=sa.text("kind_space <> 'email'"),
        postgresql_where=sa.text("kind_space <> 'email'"),
    )
    op.create_table(
        "contact_tags",
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("tag", Words(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_tags_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "tag", name=op.f("pk_contact_tags")),
    )
    op.create_index(
        "ix_contact_tags_company_id_tag", "contact_tags", ["company_id", "tag"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("id", Words(), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
