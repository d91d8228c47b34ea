"""What WhatsApp's messages cost, as dated data: by category and country, each table from a day on.

Rule: the figures that come with Tiptoe are examples; whether something is paid at all is never
looked up here, WhatsApp says that with each message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

EXAMPLE = Path(__file__).parent / "example.json"
ANY_COUNTRY = "*"
Unit = Literal["conversation", "message"]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,8})?$")]


class PriceTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Prices from the morning of `valid_from` (UTC) on, by category and ISO country; `*` is any
    other. `unit`: what is paid for, a 24-hour conversation (until June 2025) or a message.
    """

    valid_from: date
    unit: Unit
    prices: dict[str, dict[str, Amount]]


class Prices(Struct, frozen=True, forbid_unknown_fields=True):
    """All tables of a contract, in one currency; `note` is for people."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    tables: Annotated[list[PriceTable], Meta(min_length=1)]
    note: str = ""


class Span(Struct, frozen=True):
    """A stretch of time with one table; None: before there was any."""

    begins: datetime
    ends: datetime
    table: PriceTable | None


def load_prices(path: Path | None = None) -> Prices:
    """The prices in a file, the examples without one. Raises OSError, and ValueError that says
    what is wrong in it.
    """
    try:
        found = msgspec.json.decode((path or EXAMPLE).read_bytes(), type=Prices)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path} is no price file: {error}.") from error
    dates = [one.valid_from for one in found.tables]
    if dates != sorted(set(dates)):
        raise ValueError(f"{path}: tables begin on different days, the oldest comes first.")
    return found


def price_of(prices: Prices, category: str, country: str, at: datetime) -> Decimal | None:
    """What one unit of that category costs there at that moment; None where no table says."""
    table = table_at(prices, at)
    return None if table is None else price_in(table, category, country)


def price_in(table: PriceTable, category: str, country: str) -> Decimal | None:
    """The same in one table."""
    by_country: Mapping[str, str] = table.prices.get(category, {})
    amount = by_country.get(country) or by_country.get(ANY_COUNTRY)
    return None if amount is None else Decimal(amount)


def table_at(prices: Prices, at: datetime) -> PriceTable | None:
    """The table that holds at that moment."""
    begun = [one for one in prices.tables if _morning(one.valid_from) <= at]
    return begun[-1] if begun else None


def spans(prices: Prices, begins: datetime, ends: datetime) -> Iterator[Span]:
    """The time from `begins` until `ends`, cut where another table begins."""
    cuts = [_morning(one.valid_from) for one in prices.tables]
    edges = [begins, *(cut for cut in cuts if begins < cut < ends), ends]
    for first, last in pairwise(edges):
        if first < last:
            yield Span(first, last, table_at(prices, first))


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
