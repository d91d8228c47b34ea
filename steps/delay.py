"""The kind `delay`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, structs

from flows.calendar import (
    DAY,
    WEEK,
    WEEKDAYS,
    Clock,
    Weekday,
    is_zone,
    local,
    next_allowed,
    next_weekday,
)
from flows.dates import Reader
from flows.duration import Duration, duration_words, parse_duration
from flows.events import Event
from flows.run import WaitFor
from flows.step import Context, Exit, Fail, Group, Leave, Outcome, Reference, Step, Wait
from flows.text import has_liquid
from steps._fields import FieldName, field_reference
from steps._listening import reader
from steps._moments import (
    EVERYBODYS,
    USUAL_TIME,
    LeapDay,
    Only,
    beside,
    day_words,
    find_date,
    next_return,
    on_clock,
)
from steps._sending import Liquid

_TIME: frozenset[WaitFor] = frozenset({"time"})
_TOO_LATE = Exit("too_late", "Too late")
_NO_DATE = Exit("no_date", "No date")
_LAG = timedelta(minutes=5)  # a timer of the last allowed minute may ring so much after it
_FARTHEST = timedelta(days=10 * 366)  # a date beyond this is a typing error, not a plan
_WEEK = len(WEEKDAYS) * DAY
_ANY_READER = Reader(datetime(2000, 1, 1, tzinfo=UTC))  # to see whether a text is a date at all


class Delay(Step, frozen=True, kw_only=True, tag="delay"):
    """Lets time pass before the next step: a length of time, until a date, until a day of the week,
    or until before, on or after a date of the contact. The moment is worked out when a contact
    arrives; who waits already goes on as it was, whatever time zone or hours are changed later.
    A time that is skipped when clocks change is the first moment after; one that comes twice is
    the first.
    """

    label: ClassVar[str] = "Delay"
    group: ClassVar[Group] = "waiting"
    icon: ClassVar[str] = "clock"
    example: ClassVar[Mapping[str, Any]] = {
        "mode": "field",
        "field": "appointment",
        "when": "before",
        "by": "1d",
        "only": {"start": "09:00", "end": "19:00", "not_on_holidays": True},
        "too_late": "leave",
    }

    mode: Annotated[
        Literal["duration", "date", "weekday", "field"],
        Meta(
            title="Wait",
            description="A length of time; until a date; until the next of these days; "
            "or around a date that a field of the contact holds",
            extra_json_schema={
                "x-hint": "",
                "x-words": {
                    "duration": "A length of time",
                    "date": "Until a date",
                    "weekday": "Until a day of the week",
                    "field": "Around a date of the contact",
                },
            },
        ),
    ] = "duration"
    duration: Annotated[
        Duration,
        Meta(description="How long", extra_json_schema={"x-when": {"mode": ["duration"]}}),
    ] = "1h"
    date: Annotated[
        Liquid,
        Meta(
            title="Until when",
            description="Until when: 2026-03-31T18:30, or a variable such as {{ order.delivery }}",
            extra_json_schema={"x-when": {"mode": ["date"]}},
        ),
    ] = ""
    weekdays: Annotated[
        list[Weekday],
        Meta(
            max_length=7,
            description="Which days; empty: every day",
            extra_json_schema={"x-words": WEEK, "x-when": {"mode": ["weekday"]}},
        ),
    ] = []
    field: Annotated[
        FieldName,
        Meta(
            title="Field with the date",
            description="The contact's field that holds the date",
            extra_json_schema={"x-when": {"mode": ["field"]}},
        ),
    ] = ""
    when: Annotated[
        Literal["before", "on", "after"],
        Meta(
            description="Before that date, on it or after it",
            extra_json_schema={
                "x-when": {"mode": ["field"]},
                "x-words": {"before": "Before", "on": "On the day", "after": "After"},
            },
        ),
    ] = "on"
    by: Annotated[
        Duration,
        Meta(
            title="How long before or after",
            description="How long before or after, such as 3d or 2h",
            extra_json_schema={"x-when": {"mode": ["field"], "when": ["before", "after"]}},
        ),
    ] = "1d"
    yearly: Annotated[
        bool,
        Meta(
            title="Every year",
            description="The next time that day comes, as a birthday",
            extra_json_schema={"x-when": {"mode": ["field"]}},
        ),
    ] = False
    leap_day: Annotated[
        LeapDay,
        Meta(
            title="29 February in other years",
            description="29 February in other years: on 28 February or 1 March",
            extra_json_schema={
                "x-more": True,
                "x-when": {"mode": ["field"], "yearly": [True]},
                "x-words": {"feb28": "28 February", "mar1": "1 March"},
            },
        ),
    ] = "feb28"
    time: Annotated[
        Clock | None,
        Meta(
            title="At this time of day",
            description=f"At this time of day; empty: the date's own, else {USUAL_TIME}",
            extra_json_schema={"x-when": {"mode": ["date", "weekday", "field"]}},
        ),
    ] = None
    zone: Annotated[
        str,
        Meta(
            max_length=60,
            title="Whose clock",
            description="Whose clock: “contact”, “company”, or a time zone such as Europe/Rome",
            extra_json_schema={"x-input": "zone", "x-more": True},
        ),
    ] = "contact"
    only: Annotated[
        Only | None,
        Meta(
            title="Hours and days",
            description="When it may end; at other times it waits for the next",
            extra_json_schema={"x-input": "window"},
        ),
    ] = None
    too_late: Annotated[
        Literal["go_on", "leave"],
        Meta(
            title="A date that has passed",
            description="A date that has passed: go on at once, or leave by “Too late”",
            extra_json_schema={
                "x-more": True,
                "x-when": {"mode": ["date", "field"]},
                "x-words": {"go_on": "Go on at once", "leave": "Leave by “Too late”"},
            },
        ),
    ] = "go_on"
    drop_if_later: Annotated[
        Duration | None,
        Meta(
            title="Too late after",
            description="Leave by “Too late” if it only goes on so long after its moment",
            extra_json_schema={"x-more": True},
        ),
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        exits = [Exit("after", "After", required=True)]
        if (self._may_be_past() and self.too_late == "leave") or self.drop_if_later is not None:
            exits.append(_TOO_LATE)
        if self.mode == "field" or (self.mode == "date" and has_liquid(self.date)):
            exits.append(_NO_DATE)
        return tuple(exits)

    def enter(self, ctx: Context) -> Outcome:
        zone = self._zone(ctx)
        found = self._target(ctx, zone)
        if isinstance(found, Leave):
            return found
        if found - ctx.now > _FARTHEST:
            return Leave("no_date", f"{found:%Y-%m-%d} is more than ten years ahead")
        if found < ctx.now and self.too_late == "leave":
            return Leave("too_late", f"{_shown(found, zone)} has passed")
        until = self._allowed_from(ctx, max(found, ctx.now), zone)
        if until is None:
            return Fail("no time is ever allowed here; look at its days and hours")
        if until <= ctx.now and self.mode != "duration":
            come = "has passed" if found < ctx.now else "has come"
            return Leave("after", f"{_shown(found, zone)} {come}")
        if self.mode == "duration" and until == found:
            return Wait(_TIME, until, f"waits {duration_words(parse_duration(self.duration))}")
        moved = "" if until == max(found, ctx.now) else ", when it may go on"
        return Wait(_TIME, until, f"waits until {_shown(until, zone)}{moved}")

    def resume(self, ctx: Context, event: Event) -> Outcome:
        wait, zone = ctx.run.wait, self._zone(ctx)
        until = wait.until if wait is not None and wait.until is not None else ctx.now
        planned = datetime.fromisoformat(wait.note["planned"]) if wait and wait.note else until
        late = ctx.now - planned
        if self.drop_if_later is not None and late > parse_duration(self.drop_if_later):
            return Leave("too_late", f"{duration_words(late)} too late")
        again = self._allowed_from(ctx, ctx.now, zone) if late > _LAG else None
        if again is not None and again > ctx.now:
            why = f"is late and may not go on now; waits until {_shown(again, zone)}"
            return Wait(_TIME, again, why, (), {"planned": planned.isoformat()})
        if self.mode == "duration" and self.only is None:
            return Leave("after", f"{duration_words(parse_duration(self.duration))} later")
        return Leave("after", f"{_shown(until, zone)} has come")

    def summary(self) -> str:
        said = self._said()
        return ", ".join((said, *(self.only.words() if self.only is not None else ())))

    def texts(self) -> Iterator[tuple[str, str]]:
        if self.date:
            yield "/date", self.date

    def references(self) -> Iterator[Reference]:
        if self.mode == "field" and self.field not in EVERYBODYS:
            yield from field_reference(self.field, "/field")

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from self._mode_problems()
        if self.zone not in ("contact", "company") and not is_zone(self.zone):
            yield "/zone", f"“{self.zone}” is no time zone; write one like Europe/Rome."
        if self.only is not None:
            yield from self.only.problems()
        if self.drop_if_later is not None and not parse_duration(self.drop_if_later):
            yield "/drop_if_later", "No time at all would drop everybody."

    def waits(self) -> bool:
        return not self._may_be_past()

    def passes(self, exit_name: str) -> timedelta | None:
        if exit_name == "no_date":
            return timedelta(0)
        if self.mode == "duration":
            return parse_duration(self.duration) + (_WEEK if self.only else timedelta(0))
        return _WEEK if self.mode == "weekday" else _FARTHEST

    def _target(self, ctx: Context, zone: str) -> datetime | Leave:
        if self.mode == "duration":
            return ctx.now + parse_duration(self.duration)
        if self.mode == "weekday":
            clock = self.time or USUAL_TIME
            return next_weekday(tuple(self.weekdays), clock, ctx.now, zone)
        value: Any = ctx.render(self.date) if self.mode == "date" else _field(ctx, self.field)
        found = find_date(value, structs.replace(reader(ctx), zone=zone))
        if found is None:
            shown = f"“{str(value)[:60]}” is no date" if value not in (None, "") else "it is empty"
            what = f"the field “{self.field}”" if self.mode == "field" else "the date"
            return Leave("no_date", f"{what}: {shown}", saw={"value": value})
        shift = self._shift()
        try:
            if self.mode == "date":
                return on_clock(found, self.time, zone)
            if self.yearly:
                return next_return(found, shift, self.time, zone, ctx.now, self.leap_day)
            return beside(found, shift, self.time, zone)
        except (OverflowError, ValueError):
            return Leave("no_date", f"“{value}” is too far away", saw={"value": value})

    def _shift(self) -> timedelta:
        if self.when == "on":
            return timedelta(0)
        length = parse_duration(self.by)
        return -length if self.when == "before" else length

    def _zone(self, ctx: Context) -> str:
        contact = ctx.contact
        return {"contact": contact.zone, "company": contact.company.zone}.get(self.zone, self.zone)

    def _allowed_from(self, ctx: Context, at: datetime, zone: str) -> datetime | None:
        if self.only is None:
            return at
        return next_allowed(self.only.rules(), ctx.contact.company, at, zone)

    def _may_be_past(self) -> bool:
        return self.mode == "date" or (self.mode == "field" and not self.yearly)

    def _mode_problems(self) -> Iterator[tuple[str, str]]:
        match self.mode:
            case "duration":
                if not parse_duration(self.duration):
                    yield "/duration", "A delay must last at least a second."
            case "date":
                if not self.date.strip():
                    yield "/date", "Say until when."
                elif not has_liquid(self.date) and find_date(self.date, _ANY_READER) is None:
                    yield "/date", f"“{self.date}” is no date; write it like 2026-03-31T18:30."
            case "field":
                if not self.field:
                    yield "/field", "Say which field holds the date."
                if self.when != "on":
                    yield from self._offset_problems(parse_duration(self.by))
            case "weekday":
                return

    def _offset_problems(self, length: timedelta) -> Iterator[tuple[str, str]]:
        if not length:
            yield "/by", "Say how long before or after."
        if self.time is not None and length % DAY:
            said = "With a time of day only whole days can be counted."
            yield "/by", f"{said} Empty the time of day."

    def _said(self) -> str:
        time = f" at {self.time}" if self.time else ""
        match self.mode:
            case "duration":
                return duration_words(parse_duration(self.duration))
            case "date":
                return f"until {self.date.strip() or 'no date yet'}{time}"
            case "weekday":
                days = day_words(self.weekdays) or "it is"
                return f"until {days} {self.time or USUAL_TIME}"
            case "field":
                length = f"{duration_words(parse_duration(self.by))} {self.when}"
                side = "" if self.when == "on" else f"{length} "
                yearly = ", every year" if self.yearly else ""
                return f"until {side}“{self.field or 'no field yet'}”{time}{yearly}"


def _field(ctx: Context, name: str) -> Any:
    contact = ctx.contact
    return contact.words()[name] if name in EVERYBODYS else contact.fields.get(name)


def _shown(at: datetime, zone: str) -> str:
    return f"{local(at, zone):%a %d %b %Y %H:%M} ({zone})"
