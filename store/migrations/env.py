"""Runs migrations on the connection `store.migrate` hands over, inside its transaction.

Rule: this never opens a connection or a transaction of its own.
"""

from __future__ import annotations

from alembic import context

from store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
context.run_migrations()
