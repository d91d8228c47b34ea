"""When a company may write: hours per weekday, read off the wall clock of the recipient. Pure.

Rule: a moment is allowed only if it is allowed on every clock the recipient may be living by, so
no change of clocks and no number that spans several zones ever yields a forbidden minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 9  # a full week, the day it started on, and one more for clocks ahead of ours
MAX_JUMPS = 200  # far above what zones around the world need within the days looked at
MINUTES_A_DAY = 24 * 60
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class Hours(Struct, frozen=True):
    """Allowed from `start` until before `end`, in minutes of the day.

    An end at or before the start is the next morning, so 0–0 is the whole day.
    """

    start: int
    end: int


class Week(Struct, frozen=True):
    """Seven days from Monday; None is a day without sending. `closed`: holidays, whole days."""

    days: tuple[Hours | None, ...]
    closed: frozenset[date] = frozenset()

    def on(self, day: date) -> Hours | None:
        """The hours that begin on that day."""
        return None if day in self.closed else self.days[day.weekday()]


def week(sending_hours: Mapping[Any, Sequence[str] | None], closed: Iterable[date] = ()) -> Week:
    """A company's setting `{"mon": ["09:00", "20:00"], "sun": None}` as a week.

    Days that are not named are closed. Raises ValueError for a time that is none.
    """
    return Week(tuple(_hours(sending_hours.get(day)) for day in WEEKDAYS), frozenset(closed))


def is_allowed(now: datetime, hours: Week, zones: Sequence[str]) -> bool:
    """Whether `now` is inside the hours on the clocks of all `zones` (IANA names, at least one)."""
    return all(_inside(now.astimezone(zone(name)), hours) for name in zones)


def next_allowed(now: datetime, hours: Week, zones: Sequence[str]) -> datetime | None:
    """`now`, or the next moment that is allowed on all clocks; None if the coming week has none.

    It can be later than the very first such moment when clocks change just then, never forbidden.
    """
    moment, horizon = now, now + timedelta(days=LOOK_AHEAD_DAYS)
    for _ in range(MAX_JUMPS):
        closed = [name for name in zones if not _inside(moment.astimezone(zone(name)), hours)]
        if not closed:
            return moment
        openings = [_next_opening(moment, hours, name) for name in closed]
        found = [opening for opening in openings if opening is not None]
        if len(found) < len(openings) or max(found) > horizon:
            return None
        moment = max(found)
    return None


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; UTC for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return ZoneInfo("UTC")


def _hours(pair: Sequence[str] | None) -> Hours | None:
    if pair is None:
        return None
    start, end = pair
    return Hours(_minute(start) % MINUTES_A_DAY, _minute(end) % MINUTES_A_DAY)


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    value = int(hour) * 60 + int(minute or "0")
    if not 0 <= value <= MINUTES_A_DAY:
        raise ValueError(f"{clock!r} is not a time of day; write hours and minutes like 09:00")
    return value


def _inside(local: datetime, hours: Week) -> bool:
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    today, yesterday = hours.days[weekday], hours.days[weekday - 1]
    if hours.closed:
        day = local.date()
        if day in hours.closed:
            return False
        yesterday = hours.on(day - DAY)
    if today is not None and today.start <= minute and (minute < today.end or _over_night(today)):
        return True
    return yesterday is not None and _over_night(yesterday) and minute < yesterday.end


def _over_night(hours: Hours) -> bool:
    return hours.end <= hours.start


def _next_opening(now: datetime, hours: Week, name: str) -> datetime | None:
    """The first start of hours after `now` at which that clock is really inside them."""
    clock = zone(name)
    today = now.astimezone(clock).date()
    for ahead in range(LOOK_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        opening = hours.on(day)
        if opening is None:
            continue
        for moment in _moments(day, opening.start, clock):
            if moment > now and _inside(moment.astimezone(clock), hours):
                return moment
    return None


def _moments(day: date, minute: int, clock: ZoneInfo) -> list[datetime]:
    """The moments a clock shows that minute: two when clocks go back. When they skip it, the
    moment at which they do.
    """
    wall = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=clock)
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return sorted({first, second})
    return [_change_between(second, first, clock)]


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
