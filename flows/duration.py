"""Durations as people write them in a document: `30m`, `24h`, `2d`, `1d12h`."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

# The look-ahead at the end: in Python `$` alone would let a last line break pass.
PATTERN = r"^(?=[0-9])([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$(?!\n)"
_PARTS = re.compile(PATTERN)
_WORDS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

Duration = Annotated[
    str,
    Meta(
        pattern=PATTERN,
        description="A length of time such as 30m, 24h, 2d or 1d12h",
        extra_json_schema={"x-input": "duration"},
    ),
]


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """`"1d12h"` -> 36 hours. Raises ValueError with what is allowed."""
    match = _PARTS.match(text)
    if match is None:
        message = f"“{text}” is not a length of time; write it like 30m, 24h, 2d or 1d12h"
        raise ValueError(message)
    days, hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def write_duration(length: timedelta) -> str:
    """36 hours -> `"1d12h"`, as `parse_duration` reads it; never too short, so that what came later
    stays later.
    """
    rest = max(0, math.ceil(length.total_seconds()))
    written = ""
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        written += f"{count}{letter}" if count else ""
    return written or "0s"


@lru_cache(maxsize=1024)
def duration_words(length: timedelta) -> str:
    """36 hours -> `"1 day 12 hours"`; nothing -> `"no time"`."""
    rest = int(length.total_seconds())
    said = []
    for word, size in _WORDS:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {word}{'s' if count > 1 else ''}")
    return " ".join(said) or "no time"
