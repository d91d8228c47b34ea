"""The base of all step kinds, and what a step can answer.

A kind is one file in `steps/`: its words, its schema and its behaviour. A step never does
anything itself: it answers Leave, Wait or Fail, with effects that others carry out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from flows.contact import Contact
from flows.effects import Effect
from flows.events import Event
from flows.run import Run, WaitFor
from flows.text import has_liquid, render
from flows.values import Values

Group = Literal["messages", "waiting", "logic", "data", "flow"]
StepId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Stable name of a step")]
Place = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]


class Reference(Struct, frozen=True):
    """Something outside the document that a step names in `field`."""

    what: Literal["template", "automation", "list", "field", "user"]
    name: str
    field: str
    language: str = ""
    variables: int | None = None


class Exit(Struct, frozen=True):
    """A named way out. A required one that leads nowhere is a problem; an optional one ends."""

    name: str
    label: str
    required: bool = False


class Leave(Struct, frozen=True):
    """Go on through `exit`. A `result` is kept as `answers.<step id>` for later steps; `saw` are
    the values the decision looked at, for the trace.
    """

    exit: str
    why: str = ""
    effects: tuple[Effect, ...] = ()
    result: Any = None
    saw: dict[str, Any] = {}


class Wait(Struct, frozen=True):
    """Park the run until one of `for_` happens, at the latest at `until`."""

    for_: frozenset[WaitFor]
    until: datetime | None = None
    why: str = ""
    effects: tuple[Effect, ...] = ()
    note: dict[str, Any] = {}


class Stay(Struct, frozen=True):
    """What happened is nothing to this step: the run waits as before, and no trace is left."""


class Fail(Struct, frozen=True):
    """The run cannot go on; `reason` is shown to people."""

    reason: str


Outcome = Leave | Wait | Stay | Fail
NO_STEPS: Mapping[str, Any] = {}


class Context:
    """What a step sees while it acts. Everything here is a value; nothing can be changed.

    `steps` are all of the flow, `language` is that of its messages.
    """

    __slots__ = (
        "_values",
        "contact",
        "language",
        "now",
        "run",
        "seed",
        "seq",
        "step",
        "steps",
    )

    def __init__(
        self,
        run: Run,
        step: str,
        seq: int,
        contact: Contact,
        now: datetime,
        seed: int,
        steps: Mapping[str, Step] = NO_STEPS,
        language: str = "",
    ) -> None:
        self.run = run
        self.step = step
        self.seq = seq
        self.contact = contact
        self.now = now
        self.seed = seed
        self.steps = steps
        self.language = language
        self._values: Values | None = None

    @property
    def values(self) -> Mapping[str, Any]:
        """All that texts and conditions may name: the run's variables, `contact`, `company`,
        `window` and `now`.
        """
        if self._values is None:
            self._values = Values(self.run.variables, self.contact, self.now)
        return self._values

    def render(self, text: str) -> str:
        """`text` with its Liquid filled in. Raises FlowError, which fails the run."""
        return render(text, self.values) if has_liquid(text) else text


class Step(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="step"
):
    """One step of a flow. Subclasses add their settings; `next` says where each exit leads."""

    label: ClassVar[str] = ""
    group: ClassVar[Group] = "flow"
    icon: ClassVar[str] = "square"
    example: ClassVar[Mapping[str, Any]] = {}
    """For the docs, where no flow of the library uses this kind: its settings, without `next`."""
    fresh: ClassVar[Mapping[str, Any]] = {}
    """Settings of a new one, where the defaults alone leave nothing to connect."""

    name: Annotated[
        str,
        Meta(
            max_length=80,
            title="Name",
            description="What colleagues call this step",
            extra_json_schema={"x-hint": ""},
        ),
    ] = ""
    next: Annotated[dict[str, StepId], Meta(description="Exit → the step it leads to")] = {}
    at: Annotated[tuple[Place, Place] | None, Meta(description="Place on the canvas: x, y")] = None
    note: Annotated[
        str, Meta(max_length=2000, title="Note", description="A note for colleagues")
    ] = ""

    def exits(self) -> tuple[Exit, ...]:
        """The ways out of this step as it is set up, in the order they are shown."""
        raise NotImplementedError

    def enter(self, ctx: Context) -> Outcome:
        """A run arrives."""
        raise NotImplementedError

    def enter_again(self, ctx: Context) -> Outcome:  # noqa: ARG002  kinds look at it
        """A run arrives by hand whose message of this step has left already: none is sent twice."""
        return Leave("sent", "it was sent before")

    def resume(self, ctx: Context, event: Event) -> Outcome:
        """Something happened that the run waited for here."""
        raise NotImplementedError(f"{type(self).__name__} never waits for {event}")

    def summary(self) -> str:
        """One line in words for cards, outline and diff."""
        return ""

    def texts(self) -> Iterator[tuple[str, str]]:
        """`(field, text)` of everything that may hold Liquid, so that it can be checked."""
        return iter(())

    def problems(self) -> Iterator[tuple[str, str]]:
        """`(field, sentence)` of what the schema cannot say is wrong with these settings."""
        return iter(())

    def waits(self) -> bool:
        """Whether time or a reply passes here, so that a loop through this step is no hang."""
        return False

    def passes(self, exit_name: str) -> timedelta | None:  # noqa: ARG002  kinds look at it
        """The longest time before a run leaves by this exit.

        None: it leaves by the customer's own message, which opens the service window anew.
        """
        return timedelta(0)

    def offers(self) -> tuple[tuple[str, str], ...]:
        """`(id, label)` of the options its message shows, in their order; a label may be empty."""
        return ()

    def gives(self) -> Iterator[tuple[str, str]]:
        """`(path, words)` of what later steps find of it under `answers.<step id>`; the path is
        empty for the whole of it.
        """
        return iter(())

    def free_form(self) -> bool:
        """Whether this sends something that WhatsApp only allows inside the service window."""
        return False

    def references(self) -> Iterator[Reference]:
        """What outside the document this step needs."""
        return iter(())

    def looks_at(self) -> Iterator[tuple[str, str]]:
        """`(field, dotted path)` of every value the settings name outside of texts."""
        return iter(())

    def listens(self) -> Iterator[tuple[str, str, str]]:
        """`(field, on, name)` of everything it waits to hear, in the words of `flows.listen`."""
        return iter(())

    def steps_named(self) -> Iterator[tuple[str, str]]:
        """`(field, step id)` of every setting, besides `next`, that names another step."""
        return iter(())

    def options_named(self) -> Iterator[tuple[str, str, str]]:
        """`(field, step id, option id)` of every setting that names an option of another step."""
        return iter(())


def kind_of(step: Step) -> str:
    """The kind's name: its file's name and the document's `type`."""
    return str(step.__struct_config__.tag)
