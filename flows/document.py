"""The flow document: the JSON a marketer draws, a file holds and a revision pins.

`Flow[S, T]` is generic over step and trigger kinds; the catalog fills in those it found.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from flows.conditions import Condition
from flows.duration import Duration
from flows.listen import LISTENED_WORDS, NAMED, Listened, Name
from flows.step import Place, Step, StepId
from flows.trigger import Trigger

SPEC = 1
S = TypeVar("S", bound=Step)
T = TypeVar("T", bound=Trigger)


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may enter, and how often."""

    policy: Annotated[
        Literal["once_ever", "once_at_a_time", "restart", "parallel"],
        Meta(
            title="How often",
            description="What happens when somebody who is or was inside is started again",
            extra_json_schema={
                "x-words": {
                    "once_at_a_time": "Once at a time",
                    "once_ever": "Once ever",
                    "restart": "Who is inside starts again",
                    "parallel": "Several times at once",
                }
            },
        ),
    ] = "once_at_a_time"
    not_again_within: Annotated[
        Duration | None,
        Meta(title="Not again within", description="Not started again within this time"),
    ] = None
    condition: Annotated[
        Condition | None, Meta(title="Only if", description="Only contacts for whom this holds")
    ] = None


class ExitRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ends a run at any step; queued messages are recalled."""

    on: Annotated[
        Listened, Meta(description="What happened", extra_json_schema={"x-words": LISTENED_WORDS})
    ]
    name: Annotated[
        Name,
        Meta(
            title="Which",
            description="Which tag, list, field, link or event; empty: any",
            extra_json_schema={"x-when": {"on": NAMED}},
        ),
    ] = ""


class Flow(Struct, Generic[S, T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One automation's graph. `start` is the step a run begins with."""

    spec: Annotated[Literal[1], Meta(description="Version of this format")] = 1
    name: Annotated[str, Meta(min_length=1, max_length=120, description="What the team calls it")]
    description: Annotated[
        str, Meta(max_length=1000, title="Description", description="What it is for")
    ] = ""
    language: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$",
            title="Language",
            description="Language of its messages, such as en or pt_BR",
            extra_json_schema={"x-input": "language"},
        ),
    ] = "en"
    triggers: Annotated[
        dict[StepId, T], Meta(max_length=50, description="What starts it, by a stable name")
    ] = {}
    start: Annotated[StepId | None, Meta(description="The step a run begins with")] = None
    start_at: Annotated[
        tuple[Place, Place] | None, Meta(description="Place of the start card: x, y")
    ] = None
    entry: Annotated[Entry, Meta(title="Who may enter, and how often")] = Entry()
    exit_rules: Annotated[
        list[ExitRule], Meta(max_length=20, title="Exit rules", description="What ends a run")
    ] = []
    over_budget: Annotated[
        Literal["defer", "drop"],
        Meta(
            title="When somebody has had enough marketing",
            description="Its marketing for somebody who has had their fill: later, or not at all",
            extra_json_schema={
                "x-words": {"defer": "Send it later", "drop": "Do not send it"},
            },
        ),
    ] = "defer"
    steps: Annotated[dict[StepId, S], Meta(max_length=1000, description="The steps, by id")] = {}


AnyFlow = Flow[Step, Trigger]
