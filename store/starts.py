"""Which automations start by a kind of trigger, asked of the drafts themselves.

Rule: nothing is kept twice for it; the database looks into the documents of one company.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
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
    column, kind = (compiler.process(one, **more) for one in (element.column, element.kind))
    path = "$.triggers.*.type ? (@ == $kind)"
    return (
        f"jsonb_path_exists({column}, '{path}', jsonb_build_object('kind', CAST({kind} AS text)))"
    )


@compiles(starts_by, "sqlite")
def _in_tree(element: starts_by, compiler: SQLCompiler, **more: Any) -> str:
    column, kind = (compiler.process(one, **more) for one in (element.column, element.kind))
    return (
        f"EXISTS (SELECT 1 FROM json_tree({column}, '$.triggers') AS found "
        f"WHERE found.key = 'type' AND found.atom = {kind})"
    )
