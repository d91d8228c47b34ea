"""What a typed field of a contact can hold, and how words become such a value.

Rule: what is kept is plain JSON: text, a number, true or false, an ISO day, an ISO moment in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from flows.calendar import local, zone
from flows.contact import FieldKind
from flows.dates import Reader
from flows.readings import read_number, read_yes_no
from flows.words import normal

KIND_WORDS: dict[FieldKind, str] = {
    "text": "text",
    "number": "a number",
    "yes_no": "yes or no",
    "date": "a day such as 2026-03-31 or 31/3/2026",
    "moment": "a day and time such as 2026-03-31T18:30",
    "choice": "one of its options",
}
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")  # as most of the world writes
_MOST = 10**15  # beyond this a float is not exact, and it is no amount but an id
_NOBODY = Reader(datetime(1970, 1, 1, tzinfo=UTC))  # how a program writes numbers: 1,234.50
_TRUE, _FALSE = frozenset(("true", "1", "on")), frozenset(("false", "0", "off"))


class Unfit(Struct, frozen=True):
    """Why a value cannot be kept in a field of that kind."""

    why: str


def fit(kind: FieldKind, value: Any, zone_name: str) -> Any | Unfit:
    """`value` as a field of `kind` keeps it; None for nothing. Days and times without a zone are
    read in `zone_name`. `"12,50"` -> 12.5, `"sì"` -> True, `"31/3/2026"` -> `"2026-03-31"`.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, list | dict):
        return Unfit("a list or an object does not fit into a field")
    read = _READ.get(kind)
    if read is None:  # text and choice
        return value if isinstance(value, str) else _words(value)
    found = read(value, zone_name)
    return Unfit(f"“{_words(value)[:60]}” is not {KIND_WORDS[kind]}") if found is None else found


def yes_or_no(value: Any) -> bool | None:
    """True or False for what means yes or no, to a program or in the languages we serve."""
    if isinstance(value, bool):
        return value
    said = normal(_words(value))
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    return read_yes_no(said)


def number(value: Any) -> int | float | None:
    """The number `value` is or says: `64.00`, `1,234.50`, `12,5`, `3,50 €`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if abs(value) < _MOST else None
    said = _words(value).strip()
    try:
        found = Decimal(said)
    except InvalidOperation:
        return read_number(said, _NOBODY)
    if not found.is_finite() or abs(found) >= _MOST:
        return None
    return int(found) if "." not in said and found == found.to_integral_value() else float(found)


def day(value: Any, zone_name: str) -> date | None:
    """The day `value` is or says; a moment's day is that of `zone_name`."""
    if isinstance(value, datetime):
        return local(value, zone_name).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    said = _words(value).strip()
    written = _DAY_FIRST.fullmatch(said)
    try:
        if written:
            return date(int(written[3]), int(written[2]), int(written[1]))
        return day(datetime.fromisoformat(said), zone_name)
    except (ValueError, OverflowError):
        return None


def moment(value: Any, zone_name: str) -> datetime | None:
    """The moment `value` is or says, in UTC; a day is its midnight in `zone_name`."""
    found = value
    if not isinstance(found, date):
        try:
            found = datetime.fromisoformat(_words(value).strip())
        except ValueError:
            found = day(value, zone_name)
    if found is None:
        return None
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)  # noqa: DTZ001  its zone follows
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone(zone_name))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def bare_day(value: Any) -> bool:
    """Whether `value` is a day without a time of day."""
    if isinstance(value, date):
        return not isinstance(value, datetime)
    said = _words(value).strip()
    if _DAY_FIRST.fullmatch(said):
        return True
    try:
        date.fromisoformat(said)
    except ValueError:
        return False
    return True


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _kept_day(value: Any, zone_name: str) -> str | None:
    found = day(value, zone_name)
    return None if found is None else found.isoformat()


def _kept_moment(value: Any, zone_name: str) -> str | None:
    found = moment(value, zone_name)
    return None if found is None else found.isoformat()


_READ: dict[FieldKind, Any] = {
    "number": lambda value, _zone: number(value),
    "yes_no": lambda value, _zone: yes_or_no(value),
    "date": _kept_day,
    "moment": _kept_moment,
}
