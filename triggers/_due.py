"""What the kinds share whose own time comes: moments, days as they are written. PURE.

Not a kind itself (hence the underscore).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

IsoDay = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="A day such as 2026-12-24",
        extra_json_schema={"x-input": "date"},
    ),
]


class Due(Struct, frozen=True):
    """A moment (UTC) that has come. `occurrence` names it for ever, whenever it is found."""

    at: datetime
    occurrence: str


def between(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for ahead in range((last - first).days + 1):
        yield first + timedelta(days=ahead)


def day_problem(written: str | None) -> str | None:
    """What is wrong with a day that has the right shape."""
    if written is None:
        return None
    try:
        date.fromisoformat(written)
    except ValueError:
        return f"There is no day {written}."
    return None
