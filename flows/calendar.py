"""Clocks and days off: local time, changes of clocks, public holidays, when a company is open.

Rule: moments go in and come out as aware UTC; a wall clock is read in a named zone, never in ours.
A clock time that is skipped means the moment at which clocks jump over it; one that comes twice
means the first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import holidays
from msgspec import Meta, Struct

from flows.contact import Company, Hours

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Mapping[str, str] = {
    "mon": "Mon",
    "tue": "Tue",
    "wed": "Wed",
    "thu": "Thu",
    "fri": "Fri",
    "sat": "Sat",
    "sun": "Sun",
}
"""The days for forms, in the order of the week."""
Clock = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="A time of day such as 09:30",
        extra_json_schema={"x-input": "clock"},
    ),
]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_WORDS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LOOK_AHEAD_DAYS = 400  # rules that allow nothing in more than a year allow nothing
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
_PLACE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_NO_HOLIDAYS: Mapping[date, str] = MappingProxyType({})


class Allowed(Struct, frozen=True):
    """When something may happen: on which `days` (none: all), within which `hours` of them (none:
    all day; an end at or before the start is the next morning), and whether holidays are out.
    """

    days: tuple[Weekday, ...] = ()
    hours: Hours | None = None
    not_on_holidays: bool = False


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; UTC for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return ZoneInfo("UTC")


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone."""
    return name == "UTC" or zone(name).key != "UTC"


def local(at: datetime, zone_name: str) -> datetime:
    """`at` as the wall clock of that zone shows it."""
    return at.astimezone(zone(zone_name))


def moment(day: date, clock: str, zone_name: str) -> datetime:
    """When it is `clock` ("HH:MM") of `day` there, in UTC. Skipped by a change of clocks: the
    first moment after the gap; shown twice: the first time.
    """
    return _moments(day, clock, zone_name)[0]


def weekday(day: date) -> Weekday:
    """`mon` … `sun`."""
    return WEEKDAYS[day.weekday()]


def holiday(company: Company, day: date) -> str:
    """Why `day` is a day off for the company: the holiday's name; empty on other days."""
    if day.isoformat() in company.holidays:
        return "company holiday"
    return _public_holidays(company.holidays_of, day.year).get(day, "")


def days_off(place: str, own: Collection[date], around: date, days: int) -> frozenset[date]:
    """The public holidays of `place` (`IT`, `DE-BY`, empty for nowhere) and a company's own days
    off, from the day before `around` to `days` after it.
    """
    first, last = around - DAY, around + days * DAY
    known = {*own} | {
        day for year in {first.year, last.year} if place for day in _public_holidays(place, year)
    }
    return frozenset(day for day in known if first <= day <= last)


def open_now(company: Company, at: datetime) -> bool:
    """Whether somebody works there at `at`: inside the hours of that day, and no holiday."""
    here = local(at, company.zone)
    hours = company.hours.get(weekday(here.date()))
    if hours is None or not hours[0] <= f"{here:%H:%M}" < hours[1]:
        return False
    return not holiday(company, here.date())


def next_open(company: Company, at: datetime) -> datetime | None:
    """`at` while the company is open, else when it opens next; None: not within 400 days."""
    if open_now(company, at):
        return at
    today = local(at, company.zone).date()
    for day in _days(today, LOOK_AHEAD_DAYS):
        hours = company.hours.get(weekday(day))
        if hours is None or holiday(company, day):
            continue
        opens = [one for one in _edges(day, hours[0], company.zone) if one > at]
        found = [one for one in opens if open_now(company, one)]
        if found:
            return min(found)
    return None


def is_allowed(rules: Allowed, company: Company, at: datetime, zone_name: str) -> bool:
    """Whether `at` is within the rules on the clock of that zone. Hours over midnight belong to
    the day they begin on.
    """
    here = local(at, zone_name)
    today = here.date()
    if rules.hours is None:
        return _day_allowed(rules, company, today)
    start, end = rules.hours
    clock = f"{here:%H:%M}"
    if start < end:
        return start <= clock < end and _day_allowed(rules, company, today)
    if clock >= start and _day_allowed(rules, company, today):
        return True
    return clock < end and _day_allowed(rules, company, today - DAY)


def next_allowed(rules: Allowed, company: Company, at: datetime, zone_name: str) -> datetime | None:
    """`at`, or the first moment after it that is within the rules; None: not within 400 days.

    What is allowed can only begin where hours begin, at midnight, or where clocks change, so
    these are all that is looked at.
    """
    if is_allowed(rules, company, at, zone_name):
        return at
    today = local(at, zone_name).date()
    start = rules.hours[0] if rules.hours else "00:00"
    for day in _days(today, LOOK_AHEAD_DAYS):
        begins = [one for one in _edges(day, start, zone_name) if one > at]
        found = [one for one in begins if is_allowed(rules, company, one, zone_name)]
        if found:
            return min(found)
    return None


def next_weekday(
    days: tuple[Weekday, ...], clock: str, after: datetime, zone_name: str
) -> datetime:
    """The first `clock` after `after` on one of the `days` (none: any) in that zone, in UTC."""
    today = local(after, zone_name).date()
    for day in _days(today, 2 * len(WEEKDAYS)):
        if not days or weekday(day) in days:
            found = moment(day, clock, zone_name)
            if found > after:
                return found
    raise AssertionError("every week has all days")  # pragma: no cover


def _days(first: date, count: int) -> Iterator[date]:
    for ahead in range(count):
        yield first + timedelta(days=ahead)


def _day_allowed(rules: Allowed, company: Company, day: date) -> bool:
    if rules.days and weekday(day) not in rules.days:
        return False
    return not (rules.not_on_holidays and holiday(company, day))


def _edges(day: date, start: str, zone_name: str) -> list[datetime]:
    """The moments of `day` at which something can begin: its start, both times when it comes
    twice, its midnight, and where clocks change.
    """
    midnight, next_midnight = moment(day, "00:00", zone_name), moment(day + DAY, "00:00", zone_name)
    edges = [midnight, *_moments(day, start, zone_name)]
    clock = zone(zone_name)
    if midnight.astimezone(clock).utcoffset() != next_midnight.astimezone(clock).utcoffset():
        edges.append(_change_between(midnight, next_midnight, clock))
    return edges


@lru_cache(maxsize=4096)
def _moments(day: date, clock: str, zone_name: str) -> tuple[datetime, ...]:
    """The moments a clock shows that time: two when clocks go back. When they skip it, the one
    at which they do.
    """
    wall = datetime.combine(day, time.fromisoformat(clock), tzinfo=zone(zone_name))
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return (first,)
    if first < second:
        return (first, second)
    return (_change_between(second, first, zone(zone_name)),)


def _change_between(before: datetime, after: datetime, clock: ZoneInfo) -> datetime:
    """The minute at which the clock is changed; `before` still has the old offset."""
    old = before.astimezone(clock).utcoffset()
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        if middle.astimezone(clock).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=512)
def _public_holidays(place: str, year: int) -> Mapping[date, str]:
    """The public holidays of a country or part of it (`IT`, `DE-BY`) in a year, by day, in its
    own language; none for a place that is none. Source: the `holidays` library.
    """
    found = _PLACE.fullmatch(place.upper())
    if found is None:
        return _NO_HOLIDAYS
    country, part = found.groups()
    try:
        tongue = holidays.country_holidays(country, subdiv=part).default_language
        # Said outright, because the library would else take the language of the machine.
        days = holidays.country_holidays(country, subdiv=part, years=year, language=tongue)
    except NotImplementedError:
        return _NO_HOLIDAYS
    return MappingProxyType(dict(days.items()))
