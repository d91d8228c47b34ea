"""No message ever leaves in a forbidden minute, on any clock it may be read by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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


def wall_clock_allows(moment: datetime, hours: Week, zone: str) -> bool:
    """The rule again, written as a table of allowed minutes of the local week."""
    local = moment.astimezone(ZoneInfo(zone))
    allowed: set[tuple[int, int]] = set()
    for day, one in enumerate(hours.days):
        if one is None:
            continue
        if one.end > one.start:
            allowed |= {(day, minute) for minute in range(one.start, one.end)}
        else:
            allowed |= {(day, minute) for minute in range(one.start, 1440)}
            allowed |= {((day + 1) % 7, minute) for minute in range(one.end)}
    return (local.weekday(), local.hour * 60 + local.minute) in allowed


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
