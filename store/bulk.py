"""Many rows at once: the one home of bulk insert, update, upsert and delete, on both databases.

Rule: rows go round SQLAlchemy's work per row (COPY and arrays on PostgreSQL, plain tuples on
SQLite), never round the transaction of `tx` nor round what a column's type promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import Moment, Words, clean_text, encode_json
from store.driver import driver

Rows = Sequence[tuple[Any, ...]]
Column = Sequence[Any]
Names = tuple[str, ...]
Named = Sequence[msgspec.Struct] | Sequence[Mapping[str, Any]]
"""Rows as structs of one kind (the fast way), or as mappings with the same keys."""
MICRO = "microseconds"
_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert(tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows) -> None:
    """Write new rows, tuples in the order of `names`; columns not named have their defaults.

    Raises SQLAlchemy's IntegrityError and DataError, and ValueError for a time without a zone.
    """
    if not rows:
        return
    dialect = tx.dialect.name
    names, columns = _columns(dialect, table, names, rows, fill=True)
    records = zip(*columns, strict=True)
    async with driver(tx) as raw:
        if dialect == "postgresql":
            await raw.copy_records_to_table(table.name, columns=names, records=records)
        else:
            await raw.executemany(_insert_text(table, names, dialect), records)


async def insert_new(
    tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows, unique: Names
) -> None:
    """Write the rows whose `unique` columns nobody has yet; of two alike the first stays."""
    await _upsert(tx, table, names, rows, f"ON CONFLICT ({', '.join(unique)}) DO NOTHING")


async def insert_new_ids(
    tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows, unique: Names
) -> list[int]:
    """As `insert_new` into a table that counts its own `id`: the ids of the new rows, in order."""
    rule = f"ON CONFLICT ({', '.join(unique)}) DO NOTHING"
    if tx.dialect.name == "postgresql":
        new = await _upsert(tx, table, names, rows, f"{rule} RETURNING id")
        return sorted(row[0] for row in new)
    async with driver(tx) as raw:  # SQLite has one writer: every id above the last is ours
        [[last]] = await raw.execute_fetchall(f"SELECT coalesce(max(id), 0) FROM {table.name}")  # noqa: S608
        await _upsert(tx, table, names, rows, rule)
        later = f"SELECT id FROM {table.name} WHERE id > ? ORDER BY id"  # noqa: S608
        return [row[0] for row in await raw.execute_fetchall(later, (last,))]


async def add_up(
    tx: AsyncConnection, table: sa.Table, keys: Names, amount: str, rows: Rows
) -> None:
    """Add to counters: rows of `keys` and how much more `amount` is, each key once. They are
    sorted here, so that two workers lock the same counters in the same order.
    """
    grown = f"{amount} = {table.name}.{amount} + excluded.{amount}"
    rule = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {grown}"
    await _upsert(tx, table, (*keys, amount), sorted(rows), rule)


async def update(tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows) -> None:
    """Find rows by the first of `names`, a unique column, and give the others their new values.

    Rows are locked in no special order: who may meet another writer locks them first.
    """
    if rows:
        dialect = tx.dialect.name
        _, columns = _columns(dialect, table, names, rows, fill=False)
        if dialect == "sqlite":
            columns.append(columns.pop(0))  # there the key is asked for last
        await _run(tx, _update_text(table, names, dialect), columns)


async def delete(tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows) -> None:
    """Delete the rows that have these values in the columns `names`."""
    if rows:
        dialect = tx.dialect.name
        _, columns = _columns(dialect, table, names, rows, fill=False)
        await _run(tx, _delete_text(table, names, dialect), columns)


async def insert_all(tx: AsyncConnection, table: sa.Table, rows: Named) -> None:
    """As `insert`, with rows that name their columns themselves, all of them the same ones."""
    if rows:
        await insert(tx, table, *as_tuples(rows))


async def update_all(tx: AsyncConnection, table: sa.Table, rows: Named) -> None:
    """As `update`, with rows that name their columns themselves, all of them the same ones."""
    if rows:
        await update(tx, table, *as_tuples(rows))


def as_tuples(rows: Named) -> tuple[Names, Rows]:
    """Rows that name their columns as names and tuples."""
    first = rows[0]
    if isinstance(first, msgspec.Struct):
        structs = cast("Sequence[msgspec.Struct]", rows)
        return first.__struct_fields__, [msgspec.structs.astuple(row) for row in structs]
    names = tuple(first)
    mappings = cast("Sequence[Mapping[str, Any]]", rows)
    return names, [tuple([row[name] for name in names]) for row in mappings]


async def _upsert(
    tx: AsyncConnection, table: sa.Table, names: Names, rows: Rows, rule: str
) -> Sequence[Any]:
    if not rows:
        return []
    dialect = tx.dialect.name
    names, columns = _columns(dialect, table, names, rows, fill=True)
    return await _run(tx, f"{_insert_text(table, names, dialect)} {rule}", columns)


async def _run(tx: AsyncConnection, text: str, columns: list[Column]) -> Sequence[Any]:
    async with driver(tx) as raw:
        if tx.dialect.name == "postgresql":
            return cast("Sequence[Any]", await raw.fetch(text, *columns))
        await raw.executemany(text, zip(*columns, strict=True))
        return []


def _columns(
    dialect: str, table: sa.Table, names: Names, rows: Rows, *, fill: bool
) -> tuple[Names, list[Column]]:
    """The rows turned on their side, as the driver wants them; `fill` adds columns not named."""
    rules = _rules(table, names, dialect)
    columns: list[Column] = [
        rule(column) if rule else column
        for rule, column in zip(rules, zip(*rows, strict=True), strict=True)
    ]
    if not fill:
        return names, columns
    defaults = _defaults(table, names)
    columns += [[value] * len(rows) for value in defaults.values()]
    return (*names, *defaults), columns


@lru_cache(maxsize=256)
def _rules(table: sa.Table, names: Names, dialect: str) -> list[Callable[[Column], Column] | None]:
    return [_rule(table.c[name], dialect) for name in names]


def _rule(column: sa.Column[Any], dialect: str) -> Callable[[Column], Column] | None:
    match column.type:
        case Words():
            return _clean
        case Moment():
            return _texts_of_moments if dialect == "sqlite" else _moments
        case sa.JSON():
            return _json
        case sa.Integer() | sa.Boolean():
            return None
        case other:
            raise TypeError(f"{column} is {other!r}, which has no rule here")


@lru_cache(maxsize=256)
def _defaults(table: sa.Table, names: Names) -> dict[str, Any]:
    """What the columns that are not in `names` get: their defaults in SQLAlchemy's definition."""
    found: dict[str, Any] = {}
    for column in table.c:
        default = column.default
        if column.name in names or default is None or column.identity is not None:
            continue
        if isinstance(default, sa.ColumnDefault) and default.is_scalar:
            found[column.name] = default.arg
        elif isinstance(default, sa.ColumnDefault) and default.is_callable:
            found[column.name] = encode_json(default.arg(None))
        else:
            raise TypeError(f"{column} has a default that has no rule here")
    return found


def _clean(column: Column) -> Column:
    """Text both databases take. Nearly all is, so the whole column is looked at in one go."""
    said = "".join(filter(None, column))
    try:
        said.encode()
    except UnicodeEncodeError:
        pass
    else:
        if "\0" not in said:
            return column
    return [text and clean_text(text) for text in column]


def _json(column: Column) -> Column:
    return [None if value is None else encode_json(value) for value in column]


def _moments(column: Column) -> Column:
    """As they are, once none is without a zone. A batch has few different moments."""
    for moment in set(column):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone; use aware UTC times")
    return column


def _texts_of_moments(column: Column) -> Column:
    """UTC without the zone, to the microsecond: text order is then time order."""
    _moments(column)
    texts = {
        moment: moment and moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", MICRO)
        for moment in set(column)
    }
    return [texts[moment] for moment in column]


# Statements: one text per table and columns, so that drivers and servers know them again.


@lru_cache(maxsize=256)
def _insert_text(table: sa.Table, names: Names, dialect: str) -> str:
    listed = ", ".join(names)
    if dialect == "postgresql":
        chosen = ", ".join(f"n.{name}{_cast(table, name)}" for name in names)
        return f"INSERT INTO {table.name} ({listed}) SELECT {chosen} FROM {_arrays(table, names)}"  # noqa: S608
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({listed}) VALUES ({marks})"  # noqa: S608


@lru_cache(maxsize=256)
def _update_text(table: sa.Table, names: Names, dialect: str) -> str:
    key, *others = names
    if dialect == "postgresql":
        changes = ", ".join(f"{name} = n.{name}{_cast(table, name)}" for name in others)
        arrays = _arrays(table, names)
        return f"UPDATE {table.name} SET {changes} FROM {arrays} WHERE {table.name}.{key} = n.{key}"  # noqa: S608
    changes = ", ".join(f"{name} = ?" for name in others)
    return f"UPDATE {table.name} SET {changes} WHERE {key} = ?"  # noqa: S608


@lru_cache(maxsize=256)
def _delete_text(table: sa.Table, names: Names, dialect: str) -> str:
    if dialect == "postgresql":
        same = " AND ".join(f"{table.name}.{name} = n.{name}" for name in names)
        return f"DELETE FROM {table.name} USING {_arrays(table, names)} WHERE {same}"  # noqa: S608
    same = " AND ".join(f"{name} = ?" for name in names)
    return f"DELETE FROM {table.name} WHERE {same}"  # noqa: S608


def _arrays(table: sa.Table, names: Names) -> str:
    """One array per column, side by side as the rows of `n`."""
    arrays = ", ".join(
        f"${place}::{_array_type(table.c[name])}[]" for place, name in enumerate(names, 1)
    )
    return f"unnest({arrays}) AS n({', '.join(names)})"


def _array_type(column: sa.Column[Any]) -> str:
    # JSON travels as text: the driver then has nothing to do per value.
    return "TEXT" if _is_json(column) else column.type.compile(_POSTGRES)


def _cast(table: sa.Table, name: str) -> str:
    return "::JSONB" if _is_json(table.c[name]) else ""


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)
