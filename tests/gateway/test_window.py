"""No message ever leaves in a forbidden minute, on any clock it may be read by."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.window import WEEKDAYS, Hours, Week, is_allowed, next_allowed, week

USUAL = week({**dict.fromkeys(WEEKDAYS[:6], ("09:00", "20:00")), "sun": None})
NIGHT = week(dict.fromkeys(WEEKDAYS, ("22:00", "02:00")))
ALL_DAY = week(dict.fromkeys(WEEKDAYS, ("00:00", "24:00")))
SUNDAY = week({"sun": ("00:00", "06:00")})
EARLY = week(dict.fromkeys(WEEKDAYS, ("02:30", "03:30")))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zones", "now", "then"),
    [
        (USUAL, ["Europe/Rome"], "2026-11-18 07:59", "2026-11-18 08:00"),
        (USUAL, ["Europe/Rome"], "2026-11-18 08:00", "2026-11-18 08:00"),
        (USUAL, ["Europe/Rome"], "2026-11-18 18:59:59", "2026-11-18 18:59:59"),
        (USUAL, ["Europe/Rome"], "2026-11-18 19:00", "2026-11-19 08:00"),
        # Saturday evening: Sunday is closed
        (USUAL, ["Europe/Rome"], "2026-11-21 19:00", "2026-11-23 08:00"),
        # both clocks must agree
        (USUAL, ["Europe/Rome", "America/New_York"], "2026-11-18 08:00", "2026-11-18 14:00"),
        (USUAL, ["Europe/Rome", "America/Los_Angeles"], "2026-11-18 16:00", "2026-11-18 17:00"),
        # over midnight
        (NIGHT, ["Europe/Rome"], "2026-11-18 12:00", "2026-11-18 21:00"),
        (NIGHT, ["Europe/Rome"], "2026-11-19 00:30", "2026-11-19 00:30"),
        (NIGHT, ["Europe/Rome"], "2026-11-19 01:00", "2026-11-19 21:00"),
        (ALL_DAY, ["Europe/Rome", "Asia/Tokyo"], "2026-11-18 23:10", "2026-11-18 23:10"),
        # clocks go forward (2:30 does not exist) and back (2:30 comes twice)
        (EARLY, ["Europe/Rome"], "2026-03-29 00:00", "2026-03-29 01:00"),
        (EARLY, ["Europe/Rome"], "2026-10-25 00:00", "2026-10-25 00:30"),
        (EARLY, ["Europe/Rome"], "2026-10-25 01:10", "2026-10-25 01:30"),
        # a day that begins at one o'clock
        (SUNDAY, ["Africa/Cairo"], "2026-04-20 00:00", "2026-04-25 21:00"),
    ],
)  # fmt: skip
def test_next_allowed(hours: Week, zones: list[str], now: str, then: str) -> None:
    assert next_allowed(utc(now), hours, zones) == utc(then)


CHRISTMAS = week(
    dict.fromkeys(WEEKDAYS[:6], ("09:00", "20:00")), [date(2026, 12, 25), date(2026, 12, 26)]
)
LATE = week(dict.fromkeys(WEEKDAYS, ("22:00", "02:00")), [date(2026, 12, 25)])


@pytest.mark.parametrize(
    ("hours", "now", "then"),
    [
        (CHRISTMAS, "2026-12-24 18:59", "2026-12-24 18:59"),
        (CHRISTMAS, "2026-12-24 19:00", "2026-12-28 08:00"),  # two holidays and a Sunday
        (CHRISTMAS, "2026-12-25 12:00", "2026-12-28 08:00"),
        # a night that a holiday cuts, and one that would have begun on it
        (LATE, "2026-12-24 22:59", "2026-12-24 22:59"),
        (LATE, "2026-12-24 23:00", "2026-12-26 21:00"),
        (LATE, "2026-12-25 23:30", "2026-12-26 21:00"),
    ],
)
def test_holidays_are_closed(hours: Week, now: str, then: str) -> None:
    assert next_allowed(utc(now), hours, ["Europe/Rome"]) == utc(then)


def test_clocks_that_never_agree_and_weeks_without_hours() -> None:
    morning = week(dict.fromkeys(WEEKDAYS, ("09:00", "10:00")))
    assert next_allowed(utc("2026-11-18 12:00"), morning, ["Europe/Rome", "Asia/Tokyo"]) is None
    assert next_allowed(utc("2026-11-18 12:00"), week({}), ["Europe/Rome"]) is None


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="25:00"):
        week({"mon": ["09:00", "25:00"]})


def test_unknown_zone_is_utc() -> None:
    assert is_allowed(utc("2026-11-18 09:00"), USUAL, ["No/Where"])


minutes = st.integers(0, 1439)
weeks = st.builds(
    Week, st.tuples(*[st.none() | st.builds(Hours, minutes, minutes) for _ in range(7)])
)
zones = st.lists(
    st.sampled_from(
        [
            "Europe/Rome", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo",
            "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "UTC",
            "America/St_Johns", "Pacific/Chatham", "Africa/Casablanca",
        ]
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip
# Days around changes of clocks, and any others.
moments = st.one_of(
    st.integers(0, 5 * 86_400).map(lambda s: utc("2026-03-26") + timedelta(seconds=s)),
    st.integers(0, 12 * 86_400).map(lambda s: utc("2026-10-22") + timedelta(seconds=s)),
    st.integers(0, 15 * 365 * 86_400).map(lambda s: utc("2020-01-01") + timedelta(seconds=s)),
)


@pytest.mark.slow
def test_ten_thousand_moments_around_holidays() -> None:
    chance = random.Random(5)
    names = ["Europe/Rome", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Africa/Cairo"]
    found = 0
    for _ in range(10_000):
        now = utc("2026-01-01") + timedelta(seconds=chance.randrange(366 * 86_400))
        some = [Hours(chance.randrange(1440), chance.randrange(1440)) for _ in range(7)]
        days = tuple(one if chance.random() < 0.8 else None for one in some)
        closed = {now.date() + timedelta(days=chance.randint(-1, 5)) for _ in range(3)}
        hours, zones = Week(days, frozenset(closed)), chance.sample(names, chance.choice([1, 1, 2]))
        moment = next_allowed(now, hours, zones)
        if moment is not None:
            found += 1
            assert moment >= now
            assert all(wall_clock_allows(moment, hours, zone) for zone in zones)
    assert found > 8_000


def wall_clock_allows(moment: datetime, hours: Week, zone: str) -> bool:
    """The rule again: the minutes that belong to today's hours, and to those of last night."""
    local = moment.astimezone(ZoneInfo(zone))
    day, minute = local.date(), local.hour * 60 + local.minute
    if day in hours.closed:
        return False
    open_minutes: set[range] = set()
    today, last_night = hours.days[day.weekday()], hours.days[day.weekday() - 1]
    if today is not None:
        over_night = today.end <= today.start
        open_minutes.add(range(today.start, 1440 if over_night else today.end))
    held = day - timedelta(days=1) not in hours.closed
    if last_night is not None and last_night.end <= last_night.start and held:
        open_minutes.add(range(last_night.end))
    return any(minute in some for some in open_minutes)


@given(moments, weeks, zones)
def test_never_a_forbidden_minute(now: datetime, hours: Week, names: list[str]) -> None:
    allowed = all(wall_clock_allows(now, hours, zone) for zone in names)
    assert is_allowed(now, hours, names) == allowed
    moment = next_allowed(now, hours, names)
    if allowed:
        assert moment == now
    elif moment is not None:
        assert moment > now
        assert all(wall_clock_allows(moment, hours, zone) for zone in names)


@given(moments, weeks, st.sampled_from(["Europe/Rome", "Asia/Kolkata", "America/New_York"]))
def test_one_clock_never_waits_longer_than_needed(now: datetime, hours: Week, zone: str) -> None:
    moment = next_allowed(now, hours, [zone])
    if all(day is None for day in hours.days):
        assert moment is None
        return
    assert moment is not None
    checked, step = now + timedelta(hours=1), timedelta(hours=1)
    # Nothing allowed is passed over, but for the hour in which clocks change.
    changes = {now.astimezone(ZoneInfo(zone)).utcoffset()}
    skipped = 0
    while checked < moment - step:
        changes.add(checked.astimezone(ZoneInfo(zone)).utcoffset())
        skipped += wall_clock_allows(checked, hours, zone)
        checked += step
    assert skipped <= (2 if len(changes) > 1 else 0)
