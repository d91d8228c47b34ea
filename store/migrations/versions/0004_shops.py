"""Shops and carts, idempotency keys, heartbeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "cart_starts",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("cart_id", BigId, nullable=False),
        sa.Column("automation_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_starts")),
    )
    op.create_index(op.f("ix_cart_starts_cart_id"), "cart_starts", ["cart_id"], unique=False)
    op.create_index(
        "ix_cart_starts_contact_id_at", "cart_starts", ["contact_id", "at"], unique=False
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", Words(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("company_id", BigId, autoincrement=False, nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("request_hash", Words(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", JSON, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("company_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "shop_connections",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("platform", Words(), nullable=False),
        sa.Column("name", Words(), nullable=False),
        sa.Column("domain", Words(), nullable=False),
        sa.Column("key", Words(), nullable=False),
        sa.Column("secrets", JSON, nullable=False),
        sa.Column("country", Words(), nullable=False),
        sa.Column("status", Words(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_event_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_shop_connections_company_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_connections")),
        sa.UniqueConstraint("key", name=op.f("uq_shop_connections_key")),
    )
    op.create_index(
        op.f("ix_shop_connections_company_id"), "shop_connections", ["company_id"], unique=False
    )
    op.create_table(
        "carts",
        sa.Column("id", BigId, sa.Identity(always=False), nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("connection_id", BigId, nullable=False),
        sa.Column("cart_key", Words(), nullable=False),
        sa.Column("contact_id", BigId, nullable=True),
        sa.Column("status", Words(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("total", Words(), nullable=False),
        sa.Column("currency", Words(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("order_key", Words(), nullable=True),
        sa.Column("ordered_at", Moment(), nullable=True),
        sa.Column("abandoned_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["shop_connections.id"], name=op.f("fk_carts_connection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sa.UniqueConstraint(
            "connection_id", "cart_key", name=op.f("uq_carts_connection_id_cart_key")
        ),
    )
    op.create_index(
        "ix_carts_alive",
        "carts",
        ["company_id", "changed_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('open', 'abandoned')"),
        postgresql_where=sa.text("status IN ('open', 'abandoned')"),
    )
    op.create_index(op.f("ix_carts_contact_id"), "carts", ["contact_id"], unique=False)
