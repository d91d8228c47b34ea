"""A phone's name and limits as people type them. Pure.

Rule: an empty limit is the usual one; what is wrong is said at its field.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

LONGEST_NAME = 60
MOST_A_DAY = 1_000_000


class Limits(Struct, frozen=True):
    """What was typed, understood."""

    name: str
    daily_limit: int | None
    hourly_limit: int | None


def read_limits(typed: Mapping[str, str]) -> Limits | dict[str, str]:
    """The limits, else what is wrong by field."""
    wrong: dict[str, str] = {}
    if not 1 <= len(typed["name"]) <= LONGEST_NAME:
        wrong["name"] = f"A name has 1 to {LONGEST_NAME} characters."
    limits: dict[str, int | None] = {}
    for field in ("daily_limit", "hourly_limit"):
        text = typed[field].replace(" ", "").replace(",", "")
        limits[field] = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None  # noqa: PLR2004
        number = limits[field]
        if text and (number is None or not 1 <= number <= MOST_A_DAY):
            wrong[field] = f"A whole number from 1 to {MOST_A_DAY:,}, or empty for the usual limit."
    return wrong or Limits(typed["name"], limits["daily_limit"], limits["hourly_limit"])
