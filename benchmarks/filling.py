"""Fills tables by INSERT … SELECT: the database counts the rows and makes them up itself.

Rule: a value is an expression over the counted numbers, so that a million rows cost one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


def numbers(first: int, last: int) -> sa.ColumnElement[int]:
    """The column of a table of these numbers, both ends included."""
    counted = sa.select(number(first).label("n")).cte(recursive=True)
    return counted.union_all(sa.select(counted.c.n + 1).where(counted.c.n < last)).c.n


def number(value: int) -> sa.ColumnElement[int]:
    """A number of 64 bits, whatever the database would take it for."""
    return sa.literal(value, sa.BigInteger)


async def fill(tx: AsyncConnection, table: sa.Table, row: Mapping[str, Any]) -> None:
    """Write a row for each of the numbers that its values are made of; a value that is no
    expression is the same in all. Columns that are not named have their defaults.
    """
    values = [
        value
        if isinstance(value, sa.ColumnElement)
        else sa.literal(value, table.c[name].type).label(name)
        for name, value in row.items()
    ]
    await tx.execute(sa.insert(table).from_select(list(row), sa.select(*values)))
