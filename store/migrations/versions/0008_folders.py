"""Folders: a plain name under which automations are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Words

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the column."""
    op.add_column("automations", sa.Column("folder", Words(), nullable=False, server_default=""))
