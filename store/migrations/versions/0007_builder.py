"""The builder: what was changed in drafts, so that it can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import JSON, BigId, Moment, Words

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and columns."""
    op.create_table(
        "draft_entries",
        sa.Column("automation_id", BigId, autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("company_id", BigId, nullable=False),
        sa.Column("label", Words(), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("merge", Words(), nullable=False),
        sa.Column("mark", Words(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=op.f("fk_draft_entries_automation_id")
        ),
        sa.PrimaryKeyConstraint("automation_id", "seq", name=op.f("pk_draft_entries")),
    )
    for name in ("draft_version", "draft_seq"):
        op.add_column(
            "automations", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )
