"""The kind `schedule`."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from flows.audience import Audience
from flows.calendar import WEEK, Clock, Weekday, is_zone, local, moment, weekday
from flows.conditions import paths_in
from flows.contact import Contact
from flows.events import Event, Occasion
from flows.step import Reference
from flows.trigger import Match, Trigger
from triggers._due import Due, IsoDay, between, day_problem

_LOOK_AHEAD = 366 * 5  # days; a schedule that has nothing in five years has nothing
_Zone = Annotated[
    str,
    Meta(
        max_length=60,
        title="Whose clock",
        description="“company”, or a time zone such as Europe/Rome",
        extra_json_schema={"x-input": "zone", "x-more": True},
    ),
]


class Schedule(Trigger, frozen=True, kw_only=True, tag="schedule"):
    """Starts an audience at a set time: once, every so many days, on days of the week, or on a day
    of the month (31 is its last day). A time that is skipped when clocks change is the first
    moment after; one that comes twice is the first. When it is, is found under `schedule`.
    """

    label: ClassVar[str] = "Schedule"
    hears: ClassVar[tuple[type, ...]] = (Occasion,)
    example: ClassVar[Mapping[str, Any]] = {
        "repeat": "weekly",
        "weekdays": ["tue", "fri"],
        "at": ["10:00"],
        "audience": {"lists": ["Newsletter"]},
    }

    repeat: Annotated[
        Literal["once", "daily", "weekly", "monthly"],
        Meta(
            description="How often",
            extra_json_schema={
                "x-words": {
                    "once": "Once",
                    "daily": "Every so many days",
                    "weekly": "On days of the week",
                    "monthly": "On a day of the month",
                }
            },
        ),
    ] = "once"
    on: Annotated[
        IsoDay | None,
        Meta(
            title="Day",
            description="The day, for once",
            extra_json_schema={"x-when": {"repeat": ["once"]}},
        ),
    ] = None
    at: Annotated[
        list[Clock], Meta(max_length=24, title="Times", description="At these times of day")
    ] = []
    every: Annotated[
        int,
        Meta(
            ge=1,
            le=366,
            title="Every so many days",
            description="Every so many days, counted from the first day",
            extra_json_schema={"x-when": {"repeat": ["daily"]}},
        ),
    ] = 1
    weekdays: Annotated[
        list[Weekday],
        Meta(
            max_length=7,
            description="On these days",
            extra_json_schema={"x-words": WEEK, "x-when": {"repeat": ["weekly"]}},
        ),
    ] = []
    day: Annotated[
        int,
        Meta(
            ge=1,
            le=31,
            title="Day of the month",
            description="Day of the month; later than its last is its last",
            extra_json_schema={"x-when": {"repeat": ["monthly"]}},
        ),
    ] = 1
    begins: Annotated[IsoDay | None, Meta(description="The first day that counts")] = None
    ends: Annotated[IsoDay | None, Meta(description="The last day that counts")] = None
    zone: _Zone = "company"
    audience: Audience = Audience()

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Occasion) or event.kind != "schedule":
            return None
        return Match(event.why or "its time had come", event.data)

    def sample(self, automation_id: int, name: str) -> Event:
        here = f"{self.on or self.begins or '2026-03-02'}T{min(self.at, default='09:00')}"
        told = {"at": f"{here}:00+00:00", "local": here}
        return Occasion("schedule", automation_id, name, {"schedule": told})

    def due(self, after: datetime, upto: datetime, company_zone: str) -> list[Due]:
        """Its moments later than `after` and not later than `upto`, in order."""
        zone = self.zone_in(company_zone)
        first = local(after, zone).date() - timedelta(days=1)
        last = local(upto, zone).date() + timedelta(days=1)
        found = [
            Due(moment(day, clock, zone), f"{day}T{clock}")
            for day in between(first, last)
            if self._falls_on(day)
            for clock in sorted(set(self.at))
        ]
        return sorted((one for one in found if after < one.at <= upto), key=lambda one: one.at)

    def next_after(self, now: datetime, company_zone: str) -> datetime | None:
        """Its next moment, None when there is none."""
        zone = self.zone_in(company_zone)
        today = local(now, zone).date()
        for day in between(today, today + timedelta(days=_LOOK_AHEAD)):
            if self._falls_on(day):
                later = [at for clock in self.at if (at := moment(day, clock, zone)) > now]
                if later:
                    return min(later)
        return None

    def zone_in(self, company_zone: str) -> str:
        """The zone whose clock counts."""
        return company_zone if self.zone == "company" else self.zone

    def summary(self) -> str:
        said = f"{self._days()} at {', '.join(sorted(set(self.at))) or 'no time'}"
        return said if self.zone == "company" else f"{said} ({self.zone})"

    def references(self) -> Iterator[Reference]:
        one = self.audience
        for field, names in (("lists", one.lists), ("not_lists", one.not_lists)):
            for number, name in enumerate(names):
                yield Reference("list", name, f"/audience/{field}/{number}")

    def looks_at(self) -> Iterator[tuple[str, str]]:
        if self.audience.condition is not None:
            yield from paths_in(self.audience.condition, "/audience/condition")

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.repeat == "once" and self.on is None:
            yield "/on", "Say on which day."
        if self.repeat == "weekly" and not self.weekdays:
            yield "/weekdays", "Choose a day of the week."
        if self.repeat == "daily" and self.every > 1 and self.begins is None:
            yield "/begins", "Say from which day on the days are counted."
        if not self.at:
            yield "/at", "Say at what time."
        for name in ("on", "begins", "ends"):
            wrong = day_problem(getattr(self, name))
            if wrong:
                yield f"/{name}", wrong
        if self.begins and self.ends and self.ends < self.begins:
            yield "/ends", "It ends before it begins."
        if self.zone != "company" and not is_zone(self.zone):
            yield "/zone", f"“{self.zone}” is no time zone; write one like Europe/Rome."
        for field, sentence in self.audience.problems():
            yield f"/audience{field}", sentence

    def _falls_on(self, day: date) -> bool:
        written = day.isoformat()
        if self.repeat == "once":
            return written == self.on
        if (self.begins and written < self.begins) or (self.ends and written > self.ends):
            return False
        match self.repeat:
            case "daily":
                begins = date.fromisoformat(self.begins) if self.begins else day
                return (day - begins).days % self.every == 0
            case "weekly":
                return weekday(day) in self.weekdays
            case _:
                last = calendar.monthrange(day.year, day.month)[1]
                return day.day == min(self.day, last)

    def _days(self) -> str:
        match self.repeat:
            case "once":
                return f"On {self.on or 'no day'}"
            case "daily":
                return "Every day" if self.every == 1 else f"Every {self.every} days"
            case "weekly":
                return "Every " + (", ".join(one.capitalize() for one in self.weekdays) or "week")
            case _:
                return f"Day {self.day} of each month"
