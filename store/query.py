"""Statements made ready once, for the paths where thousands of rows are read in a second.

Rule: a query here is fixed when the module is loaded; what varies are its named values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from store.columns import Moment, Words
from store.driver import driver

K = TypeVar("K", bound=msgspec.Struct)
Read = Callable[[Any], Any]


class Ids(sa.types.TypeDecorator[Collection[Any]]):
    """Many ids as one value: an array on PostgreSQL, JSON text on SQLite. `texts`: ids in letters,
    as WhatsApp gives them.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, *, texts: bool = False) -> None:
        super().__init__()
        self.texts = texts

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database calls it."""
        postgres = dialect.name == "postgresql"
        one = sa.Text() if self.texts else sa.BigInteger()
        return dialect.type_descriptor(ARRAY(one) if postgres else sa.Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """Any collection will do."""
        ids = list(value or ())
        return ids if dialect.name == "postgresql" else msgspec.json.encode(ids).decode()


class among(sa.ColumnElement[bool]):  # noqa: N801  it reads as a word of the query
    """`column` is one of the ids given as `name`: one statement text however many there are."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any], name: str) -> None:
        self.type = sa.Boolean()
        self.column = column
        self.ids = sa.bindparam(name, type_=Ids(texts=isinstance(column.type, Words)))

    def self_group(self, against: Any = None) -> among:  # noqa: ARG002
        """As it is: SQLAlchemy would ask whether it `= 1`, and SQLite then use no index."""
        return self


@compiles(among, "postgresql")
def _any_of(element: among, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.column == sa.any_(element.ids), **more)


@compiles(among, "sqlite")
def _in_json(element: among, compiler: SQLCompiler, **more: Any) -> str:
    values: sa.Select[Any] = sa.select(sa.column("value")).select_from(
        sa.func.json_each(element.ids)
    )
    return compiler.process(element.column.in_(values), **more)


class Query:
    """A statement (mostly a SELECT) and how its rows are read. Moments come as aware UTC times;
    JSON comes as the text it is kept as, to be decoded once, straight into what it is for.
    """

    def __init__(self, statement: sa.Select[Any] | sa.UpdateBase) -> None:
        self._statement = statement
        self._ready: dict[str, _Ready] = {}

    async def rows(self, tx: AsyncConnection, **values: Any) -> Sequence[Sequence[Any]]:
        """All rows for these `values`, in one step on the driver's side."""
        ready = self._ready.get(tx.dialect.name)
        if ready is None:
            ready = self._ready[tx.dialect.name] = _Ready(self._statement, tx.dialect)
        asked = ready.arguments(values)
        async with driver(tx) as raw:
            if tx.dialect.name == "postgresql":
                return cast("Sequence[Sequence[Any]]", await raw.fetch(ready.text, *asked))
            rows = await raw.execute_fetchall(ready.text, asked)
        return ready.read(rows)

    async def kinds(self, tx: AsyncConnection, kind: type[K], **values: Any) -> list[K]:
        """The rows as structs whose fields are the columns, in order."""
        return [kind(*row) for row in await self.rows(tx, **values)]

    async def plain(self, tx: AsyncConnection, kind: type[K], **values: Any) -> list[K]:
        """As `kinds`, with JSON in plain values."""
        rows = await self.rows(tx, **values)
        places = self._ready[tx.dialect.name].jsons
        if not places:
            return [kind(*row) for row in rows]
        found = []
        for row in rows:
            cells = list(row)
            for place in places:
                if cells[place] is not None:
                    cells[place] = msgspec.json.decode(cells[place])
            found.append(kind(*cells))
        return found

    async def column(self, tx: AsyncConnection, **values: Any) -> list[Any]:
        """The first column alone."""
        return [row[0] for row in await self.rows(tx, **values)]


class _Ready:
    """A statement in the words of one dialect."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        self.jsons: list[int] = []
        if isinstance(statement, sa.Select):
            self.jsons = [
                place
                for place, column in enumerate(statement.selected_columns)
                if isinstance(column.type, sa.JSON)
            ]
            statement = statement.with_only_columns(*map(_as_text, statement.selected_columns))
        compiled = cast("SQLCompiler", statement.compile(dialect=dialect))
        self.text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._binds: list[tuple[str, Read | None]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ]
        self._moments = [
            place
            for place, column in enumerate(getattr(statement, "selected_columns", ()))
            if isinstance(column.type, Moment)
        ]

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """The values in the order of the text. Raises KeyError for one that is not there."""
        found = []
        for name, process in self._binds:
            value = values[name] if name in values else self._fixed[name]
            found.append(value if process is None else process(value))
        return found

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """SQLite's rows with moments instead of their texts."""
        if not self._moments or not rows:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place in self._moments:
            columns[place] = [text and _moment(text) for text in columns[place]]
        return list(zip(*columns, strict=True))


def _as_text(column: Any) -> Any:
    """JSON as text: else PostgreSQL's driver would decode it into plain values."""
    return sa.cast(column, sa.Text()) if isinstance(column.type, sa.JSON) else column


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")
