"""Days and times as people write them: `25/3`, `March 25th`, `domani alle 9`, ISO 8601. PURE.

Rule: what can be read in two ways is not read at all (None), except where the reader's language
or country settles it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import Struct

from flows.calendar import local, moment
from flows.reply_words import AHEAD, AROUND_A_DAY, BEFORE_A_TIME, MONTHS, WEEKDAYS
from flows.words import normal

TEXT_LIMIT = 2_000  # characters that are looked at: nobody answers a question in more
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_YEARS_AHEAD = 20  # a year of two digits is at most this far in the future, else in the past
_YEARS_TO_LEAP = 9  # 29 February comes again after eight years at the latest
_MONTHS, _HALF_DAY, _FULL_YEAR = 12, 12, 4
_MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW", "GU", "PR", "VI", "AS", "MP"})

_NUMERIC = re.compile(
    r"(?<![\d./-])(\d{4}|\d{1,2})\s?[./-]\s?(\d{1,2})(?:\s?[./-]\s?(\d{4}|\d{1,2}))?(?![./-]?\d)"
)
_COMPACT = re.compile(r"(\d{2})(\d{2})(\d{4})")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|er|re|o|a|e|de|ste)? (?:de |of |di |d )?({_MONTH})\b"
    r"(?: (?:de |del |di )?(\d{4}|\d{2})\b)?"
)
_MONTH_DAY = re.compile(rf"\b({_MONTH}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?: (\d{{4}})\b)?")
_TIME = re.compile(
    r"(?<!\d)(\d{1,2})(?:(?::|h)(\d{2})(?::\d{2})?|\s?h\b|\s?uhr|(?=\s?[ap]\.?m\b))"
    r"(?:\s?uhr)?(?:\s?([ap])\.?m\b\.?)?(?!\d)",
    re.IGNORECASE,
)
_DAY_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")


class Reader(Struct, frozen=True):
    """Whose habits a text is read by: `language` (`it`, `pt_BR`), `country` (ISO), their zone,
    and the moment it is read at.
    """

    now: datetime
    language: str = ""
    country: str = ""
    zone: str = "UTC"

    @property
    def today(self) -> date:
        """The day it is for them."""
        return local(self.now, self.zone).date()

    @property
    def month_first(self) -> bool:
        """Whether 3/4 is the fourth of March: in English where the country writes so."""
        if self.language[:2].lower() not in ("", "en"):
            return False
        return self.country.upper() in _MONTH_FIRST or self.language.upper() == "EN_US"


def tidy(text: str) -> str:
    """`text` with every digit as 0–9, without the frame of keycap emoji, at most 2,000 long."""
    flat = unicodedata.normalize("NFKC", text[:TEXT_LIMIT])
    return "".join(
        str(unicodedata.digit(char)) if char.isdecimal() else char
        for char in flat
        if char not in "\ufe0f\u20e3\u200e\u200f"
    ).strip()


def read_date(text: str, reader: Reader) -> date | None:
    """The one day in `text`: `25/3`, `2026-03-25`, `March 25th`, `25 marzo 2026`, `domani`,
    `next Friday`. Without a year it is the next such day, today included; a weekday is the next
    one after today.
    """
    said = tidy(text)
    found = _numeric(said, reader) or _named(normal(said), reader.today)
    if not found:
        return _relative(normal(said), reader.today)
    return found[0] if len(set(found)) == 1 else None


def read_moment(text: str, reader: Reader) -> datetime | None:
    """The one day and time in `text`, on the reader's clock, in UTC: `25/3 at 15:30`,
    `domani alle 9:00`, ISO 8601. A day alone is no moment.
    """
    said = tidy(text)
    exact = None if _DAY_ALONE.fullmatch(said) else iso_moment(said, reader.zone)
    if exact is not None:
        return exact
    times = list(_TIME.finditer(said))
    clock = _clock(times[0]) if len(times) == 1 else None
    if clock is None:
        return None
    before, after = said[: times[0].start()].rstrip(), said[times[0].end() :]
    day = read_date(f"{_without_lead(before)} {after}", reader)
    return None if day is None else moment(day, clock, reader.zone)


def iso_moment(value: Any, zone: str) -> datetime | None:
    """A stored or written ISO date or time as a moment in UTC; without an offset it is on the
    clock of that zone, and a day alone is its midnight. None for anything else.
    """
    if isinstance(value, datetime):
        at = value
    elif isinstance(value, date):
        at = datetime(value.year, value.month, value.day)  # noqa: DTZ001  its zone follows
    else:
        try:
            at = datetime.fromisoformat(str(value).strip())
        except ValueError:
            return None
    try:
        if at.tzinfo is not None:
            return at.astimezone(UTC)
        start = moment(at.date(), f"{at:%H:%M}", zone)
    except OverflowError:
        return None
    return start + timedelta(seconds=at.second, microseconds=at.microsecond)


def _numeric(said: str, reader: Reader) -> list[date | None]:
    compact = _COMPACT.fullmatch(said)
    matches = [compact] if compact else list(_NUMERIC.finditer(said))
    return [_ordered(match[1], match[2], match[3], reader) for match in matches]


def _ordered(first: str, second: str, third: str | None, reader: Reader) -> date | None:
    """A date of numbers: the year first, or day and month in the order of the country."""
    if len(first) == _FULL_YEAR:
        return _day(int(first), int(second), int(third)) if third else None
    day, month = int(first), int(second)
    if month > _MONTHS or (reader.month_first and day <= _MONTHS):
        day, month = month, day
    return None if third and len(third) == 1 else _with_year(day, month, third, reader.today)


def _named(said: str, today: date) -> list[date | None]:
    days = [_with_year(int(m[1]), MONTHS[m[2]], m[3], today) for m in _DAY_MONTH.finditer(said)]
    return days or [
        _with_year(int(m[2]), MONTHS[m[1]], m[3], today) for m in _MONTH_DAY.finditer(said)
    ]


def _relative(said: str, today: date) -> date | None:
    """A day by its name alone, with nothing but polite words around it."""
    for words in sorted(AHEAD, key=len, reverse=True):
        if _beside(words, said):
            return today + timedelta(days=AHEAD[words])
    for words in sorted(WEEKDAYS, key=len, reverse=True):
        if _beside(words, said):
            return today + timedelta(days=(WEEKDAYS[words] - today.weekday() - 1) % 7 + 1)
    return None


def _beside(words: str, said: str) -> bool:
    before, found, after = f" {said} ".partition(f" {words} ")
    return bool(found) and {*before.split(), *after.split()} <= AROUND_A_DAY


def _with_year(day: int, month: int, year: str | None, today: date) -> date | None:
    if year is None:
        coming = (_day(today.year + ahead, month, day) for ahead in range(_YEARS_TO_LEAP))
        return next((one for one in coming if one is not None and one >= today), None)
    if len(year) == _FULL_YEAR:
        return _day(int(year), month, day)
    full = today.year // 100 * 100 + int(year)
    return _day(full if full <= today.year + _YEARS_AHEAD else full - 100, month, day)


def _day(year: int, month: int, day: int) -> date | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(found: re.Match[str]) -> str | None:
    hour, minute = int(found[1]), int(found[2] or 0)
    half = (found[3] or "").lower()
    if half:
        if not 1 <= hour <= _HALF_DAY:
            return None
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    return f"{hour:02}:{minute:02}" if hour < 2 * _HALF_DAY and minute < 60 else None  # noqa: PLR2004


def _without_lead(before: str) -> str:
    """The text without the word that leads to a time: `domani alle` → `domani`."""
    for words in sorted(BEFORE_A_TIME, key=len, reverse=True):
        if f" {normal(before)}".endswith(f" {words}"):
            return before[: len(before) - len(words)]
    return before
