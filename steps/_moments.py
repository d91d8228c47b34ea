"""How the kind `delay` finds its moment: a date of the run or the contact, a day and time ahead.

Rule: a moment is worked out once, on the clock it is meant on; what is no date is no moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from flows import fields
from flows.calendar import DAY, DAY_WORDS, WEEK, WEEKDAYS, Allowed, Clock, Weekday, local, moment
from flows.dates import Reader, iso_moment, read_date, read_moment

EVERYBODYS = frozenset({"created", "last_seen", "last_written_to"})
"""Dates that every contact has besides its own fields."""
USUAL_TIME = "09:00"  # for a day that names no time of day
_EPOCH = range(10**9, 10**11)  # seconds since 1970 of the years 2001 to 5138
_LEAP_DAY = (2, 29)
_RETURNS = 4  # years in which a yearly day is looked for; any day is there each year
LeapDay = Literal["feb28", "mar1"]


class Only(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a delay may end. Hours over midnight belong to the day they begin on."""

    start: Annotated[Clock | None, Meta(description="Not before this time of day")] = None
    end: Annotated[Clock | None, Meta(description="And before this one")] = None
    days: Annotated[
        list[Weekday],
        Meta(
            max_length=7,
            description="On these days; empty: all",
            extra_json_schema={"x-words": WEEK},
        ),
    ] = []
    not_on_holidays: Annotated[
        bool,
        Meta(
            title="Not on holidays",
            description="Not on the company's holidays, public ones included",
        ),
    ] = False

    def words(self) -> tuple[str, ...]:
        """What it says, part by part, for the card."""
        hours = f"only from {self.start} to {self.end}" if self.start and self.end else ""
        days = f"only on {day_words(self.days)}" if self.days else ""
        holidays = "not on holidays" if self.not_on_holidays else ""
        return tuple(filter(None, (hours, days, holidays)))

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it."""
        if (self.start is None) != (self.end is None):
            yield "/only", "Give both a beginning and an end, or none."
        elif self.start is not None and self.start == self.end:
            yield "/only/end", "These hours end when they begin; leave both empty for all day."

    def rules(self) -> Allowed:
        """The same for the calendar."""
        hours = (self.start, self.end) if self.start and self.end else None
        return Allowed(tuple(self.days), hours, self.not_on_holidays)


class Found(Struct, frozen=True):
    """A day, and the moment in it if the date has a time of its own."""

    day: date
    exact: datetime | None = None


def day_words(days: Sequence[Weekday]) -> str:
    """`Monday or Friday`, in the order of the week."""
    pairs = zip(WEEKDAYS, DAY_WORDS, strict=True)
    return " or ".join(word for day, word in pairs if day in days)


def find_date(value: Any, reader: Reader) -> Found | None:
    """The date that `value` is or says: ISO 8601, seconds or milliseconds since 1970, or as
    people write it. None for nothing and for what is none.
    """
    if value is None or isinstance(value, bool | list | dict):
        return None
    text = str(value).strip()
    exact = _since_1970(text)
    if exact is None and fields.bare_day(value):
        day = fields.day(value, reader.zone)
        return None if day is None else Found(day)
    exact = exact or iso_moment(value, reader.zone) or read_moment(text, reader)
    if exact is not None:
        return Found(local(exact, reader.zone).date(), exact)
    day = read_date(text, reader)
    return None if day is None else Found(day)


def on_clock(found: Found, clock: str | None, zone: str) -> datetime:
    """The moment of a date: at `clock` of its day, else at its own time, else at nine."""
    if clock is None and found.exact is not None:
        return found.exact
    return moment(found.day, clock or USUAL_TIME, zone)


def beside(found: Found, shift: timedelta, clock: str | None, zone: str) -> datetime:
    """The moment `shift` after a date (negative: before). Whole days keep the time on the clock,
    also over a change of clocks; hours and minutes are counted exactly.
    """
    days, rest = divmod(abs(shift), DAY)
    sign = -1 if shift < timedelta(0) else 1
    there = found.day + sign * days * DAY
    if found.exact is None or clock is not None:
        return moment(there, clock or USUAL_TIME, zone) + sign * rest
    if not days:
        return found.exact + sign * rest
    here = local(found.exact, zone)
    return moment(there, f"{here:%H:%M}", zone) + timedelta(seconds=here.second) + sign * rest


def returns(found: Found, year: int, leap_day: LeapDay, zone: str) -> Found:
    """The same day of another year; 29 February as `leap_day` says where there is none."""
    day = found.day
    try:
        there = day.replace(year=year)
    except ValueError:
        there = date(year, 2, 28) if leap_day == "feb28" else date(year, 3, 1)
    if found.exact is None:
        return Found(there)
    here = local(found.exact, zone)
    at = moment(there, f"{here:%H:%M}", zone) + timedelta(seconds=here.second)
    return Found(there, at)


def next_return(
    found: Found, shift: timedelta, clock: str | None, zone: str, now: datetime, leap_day: LeapDay
) -> datetime:
    """The first moment beside that day of any year that is not before `now`."""
    first = max(local(now - shift, zone).year - 1, found.day.year)
    moments = (
        beside(returns(found, year, leap_day, zone), shift, clock, zone)
        for year in range(first, first + _RETURNS)
    )
    return next(at for at in moments if at >= now)


def _since_1970(text: str) -> datetime | None:
    if not text.isdecimal() or not text.isascii() or len(text) > 14:  # noqa: PLR2004  milliseconds
        return None
    seconds = int(text)
    if seconds in _EPOCH:
        return datetime.fromtimestamp(seconds, UTC)
    if seconds // 1000 in _EPOCH:
        return datetime.fromtimestamp(seconds / 1000, UTC)
    return None
