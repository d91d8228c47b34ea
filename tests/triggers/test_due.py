"""When schedules and dates of contacts come due: zones, changed clocks, leap days. No database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kinds import catalog
from triggers.date_field import DateField
from triggers.schedule import Schedule

ROME, TOKYO, LIMA = "Europe/Rome", "Asia/Tokyo", "America/Lima"
YEAR = timedelta(days=366)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def trigger(kind: str, **settings: Any) -> Any:
    document = {"spec": 1, "name": "case", "triggers": {"it": {"type": kind, **settings}}}
    return catalog().decode(document).triggers["it"]


def schedule(**settings: Any) -> Schedule:
    made: Schedule = trigger("schedule", **{"at": ["09:00"], **settings})
    return made


def dates(**settings: Any) -> DateField:
    made: DateField = trigger("date_field", **{"field": "day", **settings})
    return made


def said(found: Any) -> list[str]:
    return [f"{one.at:%Y-%m-%dT%H:%M}" for one in found]


@pytest.mark.parametrize(
    ("settings", "after", "upto", "expect"),
    [
        ({"on": "2026-03-02"}, "2026-03-01", "2026-03-05", ["2026-03-02T08:00"]),
        ({"on": "2026-03-02", "zone": TOKYO}, "2026-03-01", "2026-03-05", ["2026-03-02T00:00"]),
        ({"on": "2026-03-02"}, "2026-03-02T08:00", "2026-03-05", []),  # seen to already
        ({"on": "2026-03-02"}, "2026-03-02T07:59", "2026-03-02T08:00", ["2026-03-02T08:00"]),
        # clocks go forward on 29 March 2026 in Rome: 9 o'clock stays 9 o'clock
        (
            {"repeat": "daily"},
            "2026-03-27T12:00",
            "2026-03-29T12:00",
            ["2026-03-28T08:00", "2026-03-29T07:00"],
        ),
        # a time that is skipped is the first moment after; one that comes twice is the first
        (
            {"repeat": "daily", "at": ["02:30"]},
            "2026-03-28T12:00",
            "2026-03-29T12:00",
            ["2026-03-29T01:00"],
        ),
        (
            {"repeat": "daily", "at": ["02:30"]},
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["2026-10-25T00:30"],
        ),
        (
            {"repeat": "daily", "every": 3, "begins": "2026-03-02"},
            "2026-03-01",
            "2026-03-09",
            ["2026-03-02T08:00", "2026-03-05T08:00", "2026-03-08T08:00"],
        ),
        (
            {"repeat": "weekly", "weekdays": ["mon", "wed"], "at": ["18:00", "09:00"]},
            "2026-03-02T08:30",
            "2026-03-04T12:00",
            ["2026-03-02T17:00", "2026-03-04T08:00"],
        ),
        (
            {"repeat": "monthly", "day": 31},
            "2026-01-30",
            "2026-04-30T12:00",
            ["2026-01-31T08:00", "2026-02-28T08:00", "2026-03-31T07:00", "2026-04-30T07:00"],
        ),
        (
            {"repeat": "monthly", "day": 29, "begins": "2028-02-01", "ends": "2028-03-28"},
            "2028-01-01",
            "2028-04-30",
            ["2028-02-29T08:00"],
        ),
        (
            {"repeat": "daily", "ends": "2026-03-02"},
            "2026-03-01T12:00",
            "2026-03-05",
            ["2026-03-02T08:00"],
        ),
    ],
)
def test_schedules(settings: Any, after: str, upto: str, expect: list[str]) -> None:
    assert said(schedule(**settings).due(utc(after), utc(upto), ROME)) == expect


def test_an_occurrence_has_one_name_for_ever() -> None:
    twice = schedule(repeat="daily", at=["02:15", "02:45"])
    found = twice.due(utc("2026-03-28T12:00"), utc("2026-03-29T12:00"), ROME)
    assert [one.occurrence for one in found] == ["2026-03-29T02:15", "2026-03-29T02:45"]
    assert len({one.at for one in found}) == 1


def test_the_next_time() -> None:
    assert schedule(on="2026-03-02").next_after(utc("2026-03-02T08:00"), ROME) is None
    monthly = schedule(repeat="monthly", day=31)
    assert monthly.next_after(utc("2026-02-10"), ROME) == utc("2026-02-28T08:00")


@pytest.mark.parametrize(
    ("settings", "value", "zone", "after", "upto", "expect"),
    [
        ({}, "2026-03-02", ROME, "2026-03-01", "2026-03-03", ["2026-03-02T08:00"]),
        ({}, "2026-03-02", TOKYO, "2026-03-01", "2026-03-03", ["2026-03-02T00:00"]),
        (
            {"zone": "company"},
            "2026-03-02",
            TOKYO,
            "2026-03-01",
            "2026-03-03",
            ["2026-03-02T08:00"],
        ),
        ({"zone": LIMA}, "2026-03-02", TOKYO, "2026-03-01", "2026-03-03", ["2026-03-02T14:00"]),
        (
            {"when": "before", "by": "3d", "at": "10:00"},
            "2026-03-31",
            ROME,
            "2026-03-27",
            "2026-03-29",
            ["2026-03-28T09:00"],
        ),
        (
            {"when": "after", "by": "1d"},
            "2026-03-28",
            ROME,
            "2026-03-28",
            "2026-03-30",
            ["2026-03-29T07:00"],
        ),
        # a moment counts on the contact's clock: late in London is the next day in Tokyo
        ({}, "2026-03-02T20:00:00+00:00", TOKYO, "2026-03-01", "2026-03-04", ["2026-03-03T00:00"]),
        (
            {"when": "before", "by": "2h", "at": None},
            "2026-03-02T20:00:30+00:00",
            ROME,
            "2026-03-02T17:59",
            "2026-03-02T18:01",
            ["2026-03-02T18:00"],
        ),
        # a day before 9 o'clock is 9 o'clock, though that day had 23 hours
        (
            {"when": "before", "by": "1d", "at": None},
            "2026-03-29T07:00:00+00:00",
            ROME,
            "2026-03-27",
            "2026-03-29",
            ["2026-03-28T08:00"],
        ),
        ({"at": None}, "2026-03-02", ROME, "2026-03-01", "2026-03-02", ["2026-03-01T23:00"]),
        ({}, "soon", ROME, "2026-03-01", "2026-03-03", []),
        ({}, "", ROME, "2026-03-01", "2026-03-03", []),
        ({"when": "after", "by": "9999d"}, "9990-01-01", ROME, "2026-03-01", "2026-03-03", []),
        ({"yearly": True}, "1990-03-02", ROME, "2026-03-01", "2026-03-03", ["2026-03-02T08:00"]),
        ({"yearly": True}, "2027-03-02", ROME, "2026-03-01", "2026-03-03", []),  # not born yet
        (
            {"yearly": True, "when": "before", "by": "7d"},
            "1990-01-03",
            ROME,
            "2026-12-26",
            "2026-12-28",
            ["2026-12-27T08:00"],
        ),
        ({"yearly": True}, "1992-02-29", ROME, "2026-02-27", "2026-03-02", ["2026-02-28T08:00"]),
        (
            {"yearly": True, "leap_day": "mar1"},
            "1992-02-29",
            ROME,
            "2026-02-27",
            "2026-03-02",
            ["2026-03-01T08:00"],
        ),
        ({"yearly": True}, "1992-02-29", ROME, "2028-02-27", "2028-03-02", ["2028-02-29T08:00"]),
    ],
)
def test_dates(
    settings: Any, value: str, zone: str, after: str, upto: str, expect: list[str]
) -> None:
    one = dates(**settings)
    assert said(one.due(value, utc(after), utc(upto), zone, ROME)) == expect
    if expect:
        assert one.may_be_due(utc(after), utc(upto), ROME)
        assert head_of(one, value) in one.heads(utc(after), utc(upto)).days


def test_an_appointment_that_moves_within_its_day_is_another_occurrence() -> None:
    one = dates(when="before", by="2h", at=None)
    window = utc("2026-03-02"), utc("2026-03-03")
    first = one.due("2026-03-02T10:00:00+00:00", *window, ROME, ROME)
    moved = one.due("2026-03-02T15:00:00+00:00", *window, ROME, ROME)
    assert [due.occurrence for due in (*first, *moved)] == ["2026-03-02T11:00", "2026-03-02T16:00"]


@pytest.mark.parametrize(
    ("settings", "after", "upto", "expect"),
    [
        ({}, "2026-03-02T08:01", "2026-03-02T08:14", False),  # no zone has 9:00 in between
        ({}, "2026-03-02T08:14", "2026-03-02T08:15", True),
        ({}, "2026-03-02T08:15", "2026-03-02T08:16", False),
        ({"zone": "company"}, "2026-03-02T08:14", "2026-03-02T08:15", False),
        ({"zone": "company"}, "2026-03-02T07:59", "2026-03-02T08:00", True),
        ({"at": None}, "2026-03-02T08:01", "2026-03-02T08:02", True),
        ({"at": None}, "2026-03-02T08:02", "2026-03-02T08:02", False),
    ],
)
def test_nobody_is_looked_at_when_nobody_can_be_due(
    settings: Any, after: str, upto: str, expect: bool
) -> None:
    assert dates(**settings).may_be_due(utc(after), utc(upto), ROME) is expect


def head_of(one: DateField, value: str) -> str:
    return value[5:10] if one.yearly else value[:10]


ZONES = st.sampled_from([ROME, TOKYO, LIMA, "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
MOMENTS = st.integers(0, 10 * 366 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(
    value=st.one_of(
        st.dates(date(1990, 1, 1), date(2031, 1, 1)).map(str),
        MOMENTS.map(datetime.isoformat),
    ),
    zone=ZONES,
    after=MOMENTS,
    length=st.integers(1, 3 * 24 * 60),
    when=st.sampled_from(["before", "on", "after"]),
    by=st.sampled_from(["1d", "3d", "40d"]),
    clock=st.sampled_from([None, "00:00", "09:00", "02:30", "23:59"]),
    where=st.sampled_from(["contact", "company", LIMA]),
    yearly=st.booleans(),
    leap_day=st.sampled_from(["feb28", "mar1"]),
)
def test_whoever_is_due_is_looked_at(
    value: str,
    zone: str,
    after: datetime,
    length: int,
    when: str,
    by: str,
    clock: str | None,
    where: str,
    yearly: bool,
    leap_day: str,
) -> None:
    """What SQL leaves out is never due, and a window cut in two finds the same."""
    one = dates(when=when, by=by, at=clock, zone=where, yearly=yearly, leap_day=leap_day)
    upto = after + timedelta(minutes=length)
    found = one.due(value, after, upto, zone, ROME)
    if found:
        assert one.may_be_due(after, upto, ROME)
        assert head_of(one, value) in one.heads(after, upto).days
    middle = after + timedelta(minutes=length // 2)
    assert found == [
        *one.due(value, after, middle, zone, ROME),
        *one.due(value, middle, upto, zone, ROME),
    ]
