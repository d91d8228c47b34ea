"""Clocks, holidays and hours: never a forbidden minute, also where clocks are changed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.calendar import (
    WEEKDAYS,
    Allowed,
    holiday,
    is_allowed,
    is_zone,
    local,
    moment,
    next_allowed,
    next_open,
    next_weekday,
    open_now,
    weekday,
)
from flows.contact import Company

ZONES = (
    "UTC",
    "Europe/Rome",
    "Europe/Dublin",
    "America/New_York",
    "America/Havana",  # back from 01:00 to 00:00
    "America/Santiago",  # forward at midnight, back to 23:00
    "Asia/Beirut",  # forward at midnight, back to 23:00
    "Africa/Cairo",  # forward at midnight of a Friday
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
MINUTE = timedelta(minutes=1)
OFFICE: dict[str, tuple[str, str]] = dict.fromkeys(WEEKDAYS[:5], ("09:00", "18:00"))
ROME = Company(zone="Europe/Rome", hours=OFFICE, holidays_of="IT", holidays=("2026-08-17",))

clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
zones = st.sampled_from(ZONES)
minutes = st.integers(0, 5 * 366 * 24 * 60).map(
    lambda count: datetime(2024, 1, 1, tzinfo=UTC) + count * MINUTE
)
days = st.dates(date(2024, 1, 1), date(2029, 12, 31))
rules = st.builds(
    Allowed,
    days=st.lists(st.sampled_from(WEEKDAYS), unique=True).map(tuple),
    hours=st.none() | st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]),
    not_on_holidays=st.booleans(),
)


def changes_of(zone: str) -> list[datetime]:
    """The hours around which clocks are changed there, from 2024 to 2028."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=count) for count in range(5 * 366 * 24)]
    offsets = [local(hour, zone).utcoffset() for hour in hours]
    return [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]


CHANGES = [(zone, at) for zone in ZONES for at in changes_of(zone)]


def test_there_are_changes_of_clocks_to_look_at() -> None:
    assert len(CHANGES) > 60


@given(rules, zones, minutes)
def test_the_next_allowed_moment_is_allowed(rule: Allowed, zone: str, at: datetime) -> None:
    found = next_allowed(rule, ROME, at, zone)
    assert found is not None
    assert found >= at
    assert is_allowed(rule, ROME, found, zone)


@settings(max_examples=150)
@given(rules, st.sampled_from(CHANGES), st.integers(-1500, 300))
def test_no_allowed_minute_is_passed_over_where_clocks_change(
    rule: Allowed, change: tuple[str, datetime], before: int
) -> None:
    zone, at = change[0], change[1] + before * MINUTE
    found = next_allowed(rule, ROME, at, zone)
    assert found is not None
    checked = at
    while checked < min(found, at + timedelta(hours=30)):
        assert not is_allowed(rule, ROME, checked, zone)
        checked += MINUTE
    assert is_allowed(rule, ROME, found, zone)


@settings(max_examples=60)
@given(st.sampled_from(CHANGES), st.integers(-2000, 300))
def test_a_company_opens_at_the_first_minute_it_is_open(
    change: tuple[str, datetime], before: int
) -> None:
    hours = {**OFFICE, "sat": ("00:00", "02:45"), "sun": ("02:30", "24:00")}
    company = Company(zone=change[0], hours=hours, holidays_of="US")
    at = change[1] + before * MINUTE
    found = next_open(company, at)
    assert found is not None
    checked = at
    while checked < min(found, at + timedelta(hours=30)):
        assert not open_now(company, checked)
        checked += MINUTE
    assert open_now(company, found)


@given(days, clocks, zones)
def test_a_clock_time_is_shown_at_its_moment_or_was_skipped(
    day: date, clock: str, zone: str
) -> None:
    found = moment(day, clock, zone)
    here = local(found, zone)
    shown = f"{here:%Y-%m-%d %H:%M}"
    if shown != f"{day} {clock}":
        minute_before = f"{local(found - MINUTE, zone):%Y-%m-%d %H:%M}"
        assert minute_before < f"{day} {clock}" < shown
    else:
        for earlier in (30, 60, 120):
            before = local(found - earlier * MINUTE, zone)
            assert f"{before:%Y-%m-%d %H:%M}" != shown


@given(st.lists(st.sampled_from(WEEKDAYS), unique=True).map(tuple), clocks, minutes, zones)
def test_the_next_weekday_is_within_eight_days(
    wanted: tuple[str, ...], clock: str, at: datetime, zone: str
) -> None:
    found = next_weekday(wanted, clock, at, zone)  # type: ignore[arg-type]
    assert at < found <= at + timedelta(days=8)
    assert not wanted or weekday(local(found, zone).date()) in wanted


@pytest.mark.parametrize(
    ("day", "clock", "zone", "expected"),
    [
        ("2026-03-29", "01:59", "Europe/Rome", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29", "02:30", "Europe/Rome", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29", "03:00", "Europe/Rome", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25", "02:30", "Europe/Rome", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25", "03:00", "Europe/Rome", "2026-10-25T02:00:00+00:00"),
        ("2026-10-04", "02:15", "Australia/Lord_Howe", "2026-10-03T15:30:00+00:00"),
        ("2028-02-29", "09:00", "Asia/Kathmandu", "2028-02-29T03:15:00+00:00"),
    ],
)
def test_moments(day: str, clock: str, zone: str, expected: str) -> None:
    assert moment(date.fromisoformat(day), clock, zone).isoformat() == expected


@pytest.mark.parametrize(
    ("place", "day", "name"),
    [
        ("IT", "2026-04-06", "Lunedì dell'Angelo"),
        ("it", "2026-12-25", "Natale"),
        ("DE", "2026-01-06", ""),
        ("DE-BY", "2026-01-06", "Heilige Drei Könige"),
        ("US", "2026-07-04", "Independence Day"),
        ("FR", "2026-07-15", ""),
        ("", "2026-12-25", ""),
        ("XX", "2026-12-25", ""),
        ("DE-XX", "2026-12-25", ""),
        ("HolidayBase", "2026-12-25", ""),
        ("IT-", "2026-12-25", ""),
    ],
)
def test_public_holidays(place: str, day: str, name: str) -> None:
    assert holiday(Company(holidays_of=place), date.fromisoformat(day)) == name


def test_a_company_has_holidays_of_its_own() -> None:
    assert holiday(ROME, date(2026, 8, 17)) == "company holiday"
    assert holiday(ROME, date(2026, 8, 18)) == ""


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T08:00", True),
        ("2026-03-02T07:59", False),
        ("2026-03-02T16:59", True),
        ("2026-03-02T17:00", False),
        ("2026-03-07T10:00", False),
        ("2026-04-06T10:00", False),
        ("2026-08-17T10:00", False),
    ],
)
def test_open_hours_are_local_and_end_excluded(at: str, expected: bool) -> None:
    assert open_now(ROME, datetime.fromisoformat(f"{at}+00:00")) is expected


def test_the_next_opening_is_after_weekend_and_holiday() -> None:
    friday = datetime(2026, 4, 3, 17, 0, tzinfo=UTC)
    assert next_open(ROME, friday) == datetime(2026, 4, 7, 7, 0, tzinfo=UTC)
    assert next_open(Company(), friday) is None
    inside = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert next_open(ROME, inside) == inside


def test_what_is_never_allowed_is_never() -> None:
    hours = Allowed(hours=("02:10", "02:20"), days=("sun",))
    sunday = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert next_allowed(hours, ROME, sunday, "Europe/Rome") == datetime(
        2026, 4, 5, 0, 10, tzinfo=UTC
    )
    closed = Company(holidays=tuple(f"{date(2026, 1, 1) + timedelta(n)}" for n in range(900)))
    never = Allowed(not_on_holidays=True)
    assert next_allowed(never, closed, datetime(2026, 3, 2, tzinfo=UTC), "UTC") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Europe/Rome", True),
        ("UTC", True),
        ("Etc/UTC", True),
        ("Europe/Roma", False),
        ("../etc/passwd", False),
        ("", False),
    ],
)
def test_zones(name: str, expected: bool) -> None:
    assert is_zone(name) is expected
