"""Reading JSON from outside without trusting its shape. Pure.

Rule: nothing here raises; what is not as expected is empty.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

LAST_MOMENT = 253_402_300_799  # the end of year 9999, the last a datetime can say


def decode(body: bytes) -> Any:
    """The JSON value of `body`, None when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        # The standard reader is laxer: half surrogate pairs, numbers beyond any range.
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def obj(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """`value` as text: numbers are written out, anything else is empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def whole(value: Any) -> int:
    """`value` as a whole number, 0 when it is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else 0


def decimal(value: Any) -> float:
    """`value` as a number, 0 when it is none."""
    return float(value) if isinstance(value, int | float) and abs(value) < LAST_MOMENT else 0.0


def moment(value: Any) -> datetime | None:
    """Unix seconds, number or text, as an aware time; None when they are none."""
    seconds = whole(value[:20] if isinstance(value, str) else value)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= LAST_MOMENT else None
