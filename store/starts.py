"""Which automations start by a kind of trigger, asked of the drafts themselves.

Rule: nothing is kept twice for it; the database looks into the documents of one company.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from store.columns import Words


class starts_by(sa.ColumnElement[bool]):  # noqa: N801  it reads as a word of the query
    """The flow document in `column` has a trigger of that kind."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any], kind: str) -> None:
        self.type = sa.Boolean()
        self.column = column
        self.kind = sa.literal(kind, Words())

    def self_group(self, against: Any = None) -> starts_by:  # noqa: ARG002
        """As it is, on its own or beside others."""
        return self


@compiles(starts_by, "postgresql")
def _by_path(element: starts_by, compiler: SQLCompiler, **more: Any) -> str:
    found = sa.func.jsonb_path_exists(
        element.column,
        sa.cast("$.triggers.*.type ? (@ == $kind)", JSONPATH),
        sa.func.jsonb_build_object("kind", sa.cast(element.kind, sa.Text)),
    )
    return compiler.process(found, **more)


@compiles(starts_by, "sqlite")
def _in_tree(element: starts_by, compiler: SQLCompiler, **more: Any) -> str:
    tree = sa.func.json_tree(element.column, "$.triggers").table_valued("key", "atom")
    query: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(tree)
        .where(tree.c.key == "type", tree.c.atom == element.kind)
        .correlate(element.column.table)
    )
    return compiler.process(sa.exists(query), **more)
