"""The kind `date_field`."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from flows.calendar import Clock, is_zone, local, moment
from flows.contact import Contact
from flows.duration import Duration, duration_words, parse_duration
from flows.events import Event, Occasion
from flows.fields import bare_day
from flows.fields import day as day_of
from flows.fields import moment as moment_of
from flows.step import Reference
from flows.trigger import Match, Trigger
from triggers._due import Due, between

QUARTER = timedelta(minutes=15)  # every zone of today is so many quarters of an hour from UTC
_WEST, _EAST = timedelta(hours=13), timedelta(hours=15)  # the farthest zones, and an hour to spare
_DAY = timedelta(days=1)
_LEAP_DAY = (2, 29)
_Zone = Annotated[
    str,
    Meta(
        max_length=60,
        title="Whose clock",
        description="“contact”, “company”, or a time zone such as Europe/Rome",
        extra_json_schema={"x-input": "zone", "x-more": True},
    ),
]


class Heads(Struct, frozen=True):
    """How values begin that may be due: ISO days, or for every year `MM-DD` at the sixth sign."""

    days: frozenset[str]
    yearly: bool


class DateField(Trigger, frozen=True, kw_only=True, tag="date_field"):
    """Starts before, on or after a day that a contact's field holds: a birthday, a renewal, an
    appointment. Once for each contact and day. A field that is filled in after its moment has
    passed starts nothing. The day is found under `date`.
    """

    label: ClassVar[str] = "Date of a contact"
    hears: ClassVar[tuple[type, ...]] = (Occasion,)
    example: ClassVar[Mapping[str, Any]] = {"field": "birthday", "yearly": True, "at": "09:30"}

    field: Annotated[
        str,
        Meta(
            max_length=120,
            description="The field that holds the day",
            extra_json_schema={"x-input": "field"},
        ),
    ] = ""
    when: Annotated[
        Literal["before", "on", "after"],
        Meta(
            description="Before it, on it or after it",
            extra_json_schema={
                "x-words": {"before": "Before", "on": "On the day", "after": "After"}
            },
        ),
    ] = "on"
    by: Annotated[
        Duration,
        Meta(
            title="How long before or after",
            description="How long before or after, such as 3d or 2h",
            extra_json_schema={"x-when": {"when": ["before", "after"]}},
        ),
    ] = "1d"
    at: Annotated[
        Clock | None,
        Meta(
            title="At this time of day",
            description="At this time of day; empty: counted from the field's own time",
        ),
    ] = "09:00"
    zone: _Zone = "contact"
    yearly: Annotated[bool, Meta(description="Every year, as for a birthday")] = False
    leap_day: Annotated[
        Literal["feb28", "mar1"],
        Meta(
            title="29 February in other years",
            description="29 February in other years: on 28 February or 1 March",
            extra_json_schema={
                "x-more": True,
                "x-when": {"yearly": [True]},
                "x-words": {"feb28": "28 February", "mar1": "1 March"},
            },
        ),
    ] = "feb28"

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Occasion) or event.kind != "date_field":
            return None
        return Match(event.why or f"the time of “{self.field}” had come", event.data)

    def sample(self, automation_id: int, name: str) -> Event:
        found = {"field": self.field, "value": "1990-03-02", "day": "2026-03-02"}
        return Occasion("date_field", automation_id, name, {"date": found})

    def may_be_due(self, after: datetime, upto: datetime, company_zone: str) -> bool:
        """Whether anybody's moment can lie later than `after` and not later than `upto`. Costs
        nothing: what answers no need not look at any contact.
        """
        if after >= upto:
            return False
        if self.at is None:
            return True
        if self.zone == "contact":
            return upto - after >= QUARTER or _quarter(upto) > after
        zone = company_zone if self.zone == "company" else self.zone
        return any(after < moment(day, self.at, zone) <= upto for day in _days(after, upto))

    def heads(self, after: datetime, upto: datetime) -> Heads:
        """How the values of all contacts begin who may be due in that time, and of some more."""
        shift = self._shift()
        if self.at is None:
            first, last = (after - shift - _DAY).date(), (upto - shift + _DAY).date()
        else:
            days = _days(after, upto)
            # A day more on each side: a moment is kept in UTC and counts on the contact's clock.
            first, last = days[0] - shift - _DAY, days[-1] - shift + _DAY
        dates = list(between(first, last))
        if not self.yearly:
            return Heads(frozenset(one.isoformat() for one in dates), yearly=False)
        heads = {f"{one:%m-%d}" for one in dates}
        if heads & {"02-28", "03-01"}:
            heads.add("02-29")
        return Heads(frozenset(heads), yearly=True)

    def due(
        self, value: Any, after: datetime, upto: datetime, contact_zone: str, company_zone: str
    ) -> list[Due]:
        """The moments of a contact whose field holds `value`, in order; none for what is no day."""
        zone = {"contact": contact_zone, "company": company_zone}.get(self.zone, self.zone)
        day = day_of(value, zone)
        if day is None:
            return []
        found = []
        for one in self._returns(day, after, upto):
            at = self._moment(value, day, one, zone)
            if at is not None and after < at <= upto:
                named = f"{one}" if bare_day(value) else f"{one}T{_time_of(value, zone)}"
                found.append(Due(at, named))
        return sorted(found, key=lambda due: due.at)

    def summary(self) -> str:
        field = f"“{self.field}”" if self.field else "a date"
        said = "On" if self.when == "on" else f"{self._words()} {self.when}"
        time = f" at {self.at}" if self.at else ""
        return f"{said} {field}{time}{', every year' if self.yearly else ''}"

    def references(self) -> Iterator[Reference]:
        if self.field:
            yield Reference("field", self.field, "/field")

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.field.strip():
            yield "/field", "Say which field holds the day."
        length = parse_duration(self.by)
        if self.when != "on" and not length:
            yield "/by", "Say how long before or after."
        if self.when != "on" and self.at is not None and length % _DAY:
            said = "With a time of day only whole days can be counted; empty the time of day."
            yield "/by", said
        if self.zone not in ("contact", "company") and not is_zone(self.zone):
            yield "/zone", f"“{self.zone}” is no time zone; write one like Europe/Rome."

    def _shift(self) -> timedelta:
        """From the field's day to the moment: negative is before."""
        if self.when == "on":
            return timedelta(0)
        length = parse_duration(self.by)
        if self.at is not None:
            length -= length % _DAY
        return -length if self.when == "before" else length

    def _returns(self, day: date, after: datetime, upto: datetime) -> list[date]:
        """The days that `day` falls on in the years around, or `day` itself."""
        if not self.yearly:
            return [day]
        shift = self._shift()
        years = range((after - shift - 2 * _DAY).year, (upto - shift + 2 * _DAY).year + 1)
        return [self._in_year(day, year) for year in years if year >= day.year]

    def _in_year(self, day: date, year: int) -> date:
        if (day.month, day.day) == _LEAP_DAY and not calendar.isleap(year):
            return date(year, 2, 28) if self.leap_day == "feb28" else date(year, 3, 1)
        return day.replace(year=year)

    def _moment(self, value: Any, day: date, one: date, zone: str) -> datetime | None:
        shift = self._shift()
        try:
            if self.at is not None:
                return moment(one + shift, self.at, zone)
            exact = moment_of(value, zone)
            if exact is None:
                return None
            # Days keep the time on the clock; hours and minutes are counted exactly.
            days, rest = divmod(abs(shift), _DAY)
            sign = -1 if shift < timedelta(0) else 1
            here = local(exact, zone)
            if days or one != day:
                there = moment(one + sign * days * _DAY, f"{here:%H:%M}", zone)
                exact = there + timedelta(seconds=here.second)
            return exact + sign * rest
        except OverflowError:
            return None

    def _words(self) -> str:
        return duration_words(parse_duration(self.by)).capitalize()


def _days(after: datetime, upto: datetime) -> list[date]:
    """The days it can be anywhere on earth between two moments."""
    return list(between((after - _WEST).date(), (upto + _EAST).date()))


def _quarter(at: datetime) -> datetime:
    """The last quarter of an hour that had begun at `at`."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


def _time_of(value: Any, zone: str) -> str:
    exact = moment_of(value, zone)
    return f"{local(exact, zone):%H:%M}" if exact is not None else ""
