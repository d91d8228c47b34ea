"""A saved test: who goes through a flow, what happens to them, and what must come of it.

Rule: it is a plain JSON value that means the same on every machine: times count from `start`,
chance from `seed`, and the outside world answers what `answers` says.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from flows.calendar import is_zone
from flows.contact import Contact
from flows.duration import Duration, parse_duration
from flows.events import (
    AIMED,
    ApiCalled,
    ConsentChanged,
    Event,
    FieldChanged,
    Happened,
    LinkClicked,
    ListsChanged,
    MovedTo,
    Occasion,
    Replied,
    Retried,
    ShopHappened,
    Stopped,
    TagsChanged,
    VerdictState,
)

SCRIPTABLE = (
    *(Replied, ShopHappened, ApiCalled, ConsentChanged, Occasion, TagsChanged, ListsChanged),
    *(FieldChanged, LinkClicked, Happened, Stopped, MovedTo, Retried),
)
"""What may happen to a contact from outside; the rest is the simulator's own doing."""
Outcome = Literal["waiting", "done", "failed", "stopped", "not started"]
Times = Annotated[int, Meta(ge=1, le=10_000)]


_COMPLAINTS = (
    (re.compile(r"^Object missing required field `(.*)`$"), r"“\1” is missing"),
    (re.compile(r"^Object contains unknown field `(.*)`$"), r"“\1” is not known here"),
    (re.compile(r"^Invalid (?:enum )?value '?(.*?)'?$"), r"“\1” is not possible here"),
    (re.compile(r"^Expected (.*), got (.*)$"), r"this must be \1, not \2"),
)
_TYPE_WORDS = {
    "array": "a list",
    "object": "an object",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}


SOMEBODY = Contact(
    id=1,
    name="Ada Byron",
    first_name="Ada",
    last_name="Byron",
    phone="+447700900123",
    language="en",
    country="GB",
    zone="Europe/London",
)
"""Who goes through a flow unless a test names somebody else."""


class Scripted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a script. When: `after` the start, or `after` the n-th message the flow asked for
    (`on_message`, from 1). What: the customer's `say` (text) or `tap` (an option's id, or
    `step.option`), an `event` as JSON, or that message's `verdict` with its `reason`. A `tap` is on
    the newest message that offers the option. `contact`: what is different about them by then.
    """

    after: str = "0s"
    on_message: int | None = None
    say: str | None = None
    tap: str | None = None
    event: Event | None = None
    verdict: VerdictState | None = None
    reason: str = ""
    contact: dict[str, Any] = {}


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a webhook or another automation answers: to `step`, or to any; only to its `call`-th
    call (from 1), or to all. A status of 0 is no answer at all, for `reason`. `result` and `values`
    are another automation's, `failed` when it did not come to its end.
    """

    step: str = ""
    call: Times | None = None
    after: Duration = "0s"
    status: Annotated[int, Meta(ge=0, le=599)] = 200
    body: Any = None
    result: str = ""
    values: dict[str, Any] = {}
    failed: bool = False
    reason: str = ""


class Other(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another automation that is live in this scenario: its number and its document."""

    automation: Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]
    flow: dict[str, Any]
    priority: int = 0


class Phrases(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A company's own words for stop and start, those of ours that mean nothing there (`plain`),
    and how either is confirmed; empty: as everywhere.
    """

    stop: list[str] = []
    start: list[str] = []
    plain: list[str] = []
    stopped: str = ""
    started: str = ""


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must come of it; each part may be left out, but not all of them.

    `exits`: `step.exit` in the order they are taken, others in between allowed; `messages`: words
    that stand in the messages the phone got, in their order. `exactly`: these and no others.
    `fields`: the contact's at the end, null is empty.
    """

    exits: list[str] = []
    messages: list[str] = []
    exactly: bool = False
    status: Outcome | None = None
    goal: str | None = None
    tags: list[str] = []
    without_tags: list[str] = []
    fields: dict[str, Any] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing at all is expected."""
        return self == Expected() or self == Expected(exactly=True)


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A saved test. `first` begins it: an event that a trigger hears, or `started`, which begins a
    run without asking who may enter. `seed` decides random splits, as a run's number does, unless
    `splits` says which exit one takes.
    """

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    first: Event
    expect: Expected
    contact: Contact = SOMEBODY
    start: datetime = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    lasts: Duration = "30d"
    seed: Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")] = "1"
    script: Annotated[list[Scripted], Meta(max_length=1000)] = []
    answers: Annotated[list[Answer], Meta(max_length=1000)] = []
    splits: Annotated[dict[str, str], Meta(max_length=1000)] = {}
    words: Phrases = Phrases()
    others: Annotated[list[Other], Meta(max_length=50)] = []


def read_scenario(raw: object) -> tuple[Scenario | None, list[str]]:
    """The scenario in decoded JSON, or None and what is wrong with it, as sentences for people."""
    try:
        scenario = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as problem:
        return None, [_in_words(str(problem))]
    wrong = wrong_in(scenario)
    return (None, [f"{said}." for said in wrong]) if wrong else (scenario, [])


def _in_words(said: str) -> str:
    """The decoder's complaint for people: where, then what, as “first: “content” is missing”."""
    what, _, where = said.partition(" - at `$")
    for pattern, words in _COMPLAINTS:
        what = pattern.sub(words, what)
    for kind, word in _TYPE_WORDS.items():
        what = what.replace(f"`{kind}`", word)
    place = where.rstrip("`").lstrip(".")
    return f"{place}: {what}." if place else f"{what}."


def wrong_in(scenario: Scenario) -> list[str]:
    """What the types cannot say is wrong with a scenario, as sentences for people."""
    wrong = [
        f"script, entry {number}: {said}"
        for number, one in enumerate(scenario.script, 1)
        if (said := wrong_with(one))
    ]
    if isinstance(scenario.first, AIMED):
        wrong.append("first: this event is aimed at a run; nothing begins by it")
    if not is_zone(scenario.contact.zone):
        wrong.append(f"contact.zone: “{scenario.contact.zone}” is no time zone")
    if scenario.start.tzinfo is None:
        wrong.append("start: give its offset, such as 2026-03-02T10:00:00Z")
    if scenario.expect.empty:
        wrong.append("expect: say at least one thing that must come of it")
    wrong += [
        f"expect.exits: “{one}” is no “step.exit”"
        for one in scenario.expect.exits
        if "." not in one
    ]
    return wrong


def wrong_with(one: Scripted) -> str:
    """What is wrong with one line of a script; "" when nothing is."""
    acts = [name for name in ("say", "tap", "event") if getattr(one, name) is not None]
    if len(acts) > 1:
        return f"give one of {' and '.join(acts)}; use an entry for each"
    if not acts and one.verdict is None and not one.contact:
        return "nothing happens here; give say, tap, event, verdict or contact"
    if one.verdict is not None and one.on_message is None:
        return "say with on_message which message has this verdict (from 1)"
    if one.on_message is not None and one.on_message < 1:
        return "messages are counted from 1"
    if one.event is not None and not isinstance(one.event, SCRIPTABLE):
        kinds = ", ".join(str(kind.__struct_config__.tag) for kind in SCRIPTABLE)
        return f"the simulator makes this event itself; a script has {kinds}"
    unknown = sorted(one.contact.keys() - set(Contact.__struct_fields__))
    if unknown:
        return f"a contact has no “{unknown[0]}”"
    try:
        parse_duration(one.after)
    except ValueError as problem:
        return str(problem)
    return ""
