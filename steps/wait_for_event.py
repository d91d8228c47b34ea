"""The kind `wait_for_event`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.conditions import Condition, Judged, judge, paths_in, problems_in
from flows.duration import Duration, duration_words, parse_duration
from flows.events import Event, LinkClicked, TimerDue
from flows.listen import LISTENED_WORDS, NAMED, Listened, Name, heard, told
from flows.run import WaitFor
from flows.step import Context, Exit, Group, Leave, Outcome, Stay, Step, StepId, Wait
from flows.values import Values

_TIMEOUT = "timeout"
_REPLIED = "replied"
_LINK = "link.clicked"
_EVENT: frozenset[WaitFor] = frozenset({"event", "time"})
_EVENT_OR_REPLY: frozenset[WaitFor] = frozenset({"event", "reply", "time"})
_ALWAYS = Judged(held=True, why="", saw={})


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that may happen, and the exit it takes."""

    exit: Annotated[
        StepId,
        Meta(
            title="Name in the automation",
            description="Name of its exit",
            extra_json_schema={"x-more": True, "x-made": True},
        ),
    ]
    label: Annotated[
        str, Meta(max_length=40, title="Name", description="What the exit is called")
    ] = ""
    on: Annotated[
        Listened, Meta(description="What happens", extra_json_schema={"x-words": LISTENED_WORDS})
    ]
    name: Annotated[
        Name,
        Meta(
            title="Which",
            description="Which tag, list, field, part of a link, or event; empty: any",
            extra_json_schema={"x-when": {"on": NAMED}},
        ),
    ] = ""
    step: Annotated[
        StepId | None,
        Meta(
            title="In this message",
            description="For a link: only when opened in this message of this run",
            extra_json_schema={"x-input": "step", "x-when": {"on": ["link.clicked"]}},
        ),
    ] = None
    condition: Annotated[
        Condition | None,
        Meta(
            title="Only if",
            description="Only if this holds; what the event brings along is under `event`",
            extra_json_schema={"x-input": "condition"},
        ),
    ] = None


class WaitForEvent(Step, frozen=True, kw_only=True, tag="wait_for_event"):
    """Waits until something happens to the contact: an order, a tag, an opened link, an event of
    your own. The first line that fits says where it goes on; when nothing of it happened in time,
    it goes on by “Nothing happened”. What happened before the wait began does not count. What the
    event brought along is found under `answers`.
    """

    label: ClassVar[str] = "Wait for event"
    group: ClassVar[Group] = "waiting"
    icon: ClassVar[str] = "radio"
    example: ClassVar[Mapping[str, Any]] = {
        "lines": [
            {
                "exit": "big",
                "label": "Large order",
                "on": "order.paid",
                "condition": {
                    "type": "is",
                    "value": "event.order.total",
                    "op": "at_least",
                    "to": 100,
                },
            },
            {"exit": "paid", "label": "Order paid", "on": "order.paid"},
            {"exit": "opened", "label": "Looked at it", "on": "link.clicked", "name": "/sale"},
        ],
        "up_to": "3d",
    }

    lines: Annotated[
        list[Line],
        Meta(
            max_length=10,
            title="What may happen",
            description="What may happen, the first that fits wins",
        ),
    ] = []
    up_to: Annotated[Duration, Meta(description="How long to wait")] = "7d"

    def exits(self) -> tuple[Exit, ...]:
        return (
            *(Exit(one.exit, one.label or one.exit, required=True) for one in self.lines),
            Exit(_TIMEOUT, "Nothing happened", required=True),
        )

    def enter(self, ctx: Context) -> Outcome:
        length = parse_duration(self.up_to)
        replies = any(one.on == _REPLIED for one in self.lines)
        listens = _EVENT_OR_REPLY if replies else _EVENT
        return Wait(listens, ctx.now + length, f"waits {self.summary()}")

    def resume(self, ctx: Context, event: Event) -> Outcome:
        if isinstance(event, TimerDue):
            return Leave(_TIMEOUT, f"nothing of it in {duration_words(parse_duration(self.up_to))}")
        for one in self.lines:
            why = heard(one.on, one.name, event)
            if not why or not _in_message(one, event, ctx.run.id):
                continue
            brought = told(event)
            judged = _judged(one, ctx, brought)
            if judged.held:
                said = f"{why}, and {judged.why}" if judged.why else why
                return Leave(one.exit, said, result=brought, saw=judged.saw)
        return Stay()

    def summary(self) -> str:
        limit = f"up to {duration_words(parse_duration(self.up_to))}"
        heard_of = dict.fromkeys(_words(one) for one in self.lines)
        return f"{limit} for {' or '.join(heard_of)}" if heard_of else limit

    def problems(self) -> Iterator[tuple[str, str]]:
        if not parse_duration(self.up_to):
            yield "/up_to", "There must be time for something to happen."
        if not self.lines:
            yield "/lines", "Say what is waited for."
        seen = {_TIMEOUT}
        for number, one in enumerate(self.lines):
            where = f"/lines/{number}"
            if one.exit in seen:
                yield f"{where}/exit", f"There is another exit “{one.exit}” here already."
            seen.add(one.exit)
            if one.step is not None and one.on != _LINK:
                yield f"{where}/step", "Only a link is opened in a message; take this away."
            if one.condition is not None:
                yield from problems_in(one.condition, f"{where}/condition")

    def looks_at(self) -> Iterator[tuple[str, str]]:
        for number, one in enumerate(self.lines):
            if one.condition is not None:
                yield from paths_in(one.condition, f"/lines/{number}/condition")

    def listens(self) -> Iterator[tuple[str, str, str]]:
        for number, one in enumerate(self.lines):
            yield f"/lines/{number}/name", one.on, one.name

    def steps_named(self) -> Iterator[tuple[str, str]]:
        for number, one in enumerate(self.lines):
            if one.step is not None:
                yield f"/lines/{number}/step", one.step

    def gives(self) -> Iterator[tuple[str, str]]:
        yield "", "what happened"

    def waits(self) -> bool:
        return True

    def passes(self, exit_name: str) -> timedelta | None:
        replied = any(one.exit == exit_name and one.on == _REPLIED for one in self.lines)
        return None if replied else parse_duration(self.up_to)


def _words(line: Line) -> str:
    said = line.on.replace(".", " ")
    return f"{said} “{line.name}”" if line.name else said


def _in_message(line: Line, event: Event, run_id: int) -> bool:
    if line.step is None or not isinstance(event, LinkClicked):
        return True
    return (event.run_id, event.step) == (run_id, line.step)


def _judged(line: Line, ctx: Context, brought: Any) -> Judged:
    if line.condition is None:
        return _ALWAYS
    variables = {**ctx.run.variables, "event": brought}
    return judge(line.condition, Values(variables, ctx.contact, ctx.now))
