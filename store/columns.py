"""Column types that mean the same on SQLite and PostgreSQL, and the metadata all tables share.

Rule: how a type here is stored never changes (migrations name it); a new storage is a new type.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit id. SQLite hands out row ids only to a column that is called INTEGER."""

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Plain values or msgspec structs in, plain values out. `None` is SQL's NULL."""


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, in and out. Naive times are refused: they are always a bug."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Make it UTC; SQLite keeps it without the zone, so that text order is time order."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value!r} has no time zone; use aware UTC times"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(sa.types.TypeDecorator[str]):
    """Text of any length. NUL and half surrogate pairs, which PostgreSQL refuses, are left out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean only what needs it; outside text may hold anything."""
        del dialect
        return None if value is None else clean_text(value)


def clean_text(text: str) -> str:
    """`text` without NUL characters and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def encode_json(value: object) -> str:
    """`value` (plain values, structs, sets, datetimes) as JSON text both databases accept."""
    try:
        encoded = msgspec.json.encode(value).decode()
    except (OverflowError, UnicodeEncodeError):
        return msgspec.json.encode(_clean(value)).decode()
    return msgspec.json.encode(_clean(value)).decode() if "\\u0000" in encoded else encoded


def decode_json(text: str | bytes) -> object:
    """Plain values from stored JSON."""
    return msgspec.json.decode(text)


_INT64 = 2**63


def _clean(value: Any) -> Any:
    """The same without what a strict JSON store refuses: huge integers become text."""
    match value:
        case str():
            return clean_text(value)
        case bool() | None | float():
            return value
        case int():
            return value if -_INT64 <= value < _INT64 else str(value)
        case Mapping():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(item) for item in value]
        case msgspec.Struct():
            return _clean(msgspec.to_builtins(value))
        case _:
            return value
