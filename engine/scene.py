"""What routing looks at and what it answers: plain values, shared by the core's callers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from flows.contact import Contact
from flows.document import AnyFlow
from flows.run import Run
from flows.trigger import Trigger

HOUSE_ORIGIN = "house_reply:"


class Words(Struct, frozen=True):
    """A company's own words for stop and start (normalised), those of ours that mean nothing here,
    and how a stop is confirmed.
    """

    stop: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    stopped: str = "You will not get any more messages from us. Write START to change that."
    started: str = "Welcome back! You will hear from us again."


class Live(Struct, frozen=True):
    """An automation that may start; of several the higher `priority` goes first.

    `test_contacts`: only these may enter, and as often as they like; None is everybody. `origin`:
    what made it, if no marketer did.
    """

    automation_id: int
    revision_id: int
    flow: AnyFlow
    priority: int = 0
    test_contacts: frozenset[int] | None = None
    origin: str = ""

    @property
    def of_house(self) -> bool:
        """Whether it is a rule of the whole house, which stands behind the company's own."""
        return self.origin.startswith(HOUSE_ORIGIN)


Hearing = tuple[Live, tuple[tuple[str, Trigger], ...]]
"""An automation, and those of its triggers by name that look at one class of events."""


class Lineup:
    """What may start in a company, oldest first, made ready to be asked who hears an event."""

    def __init__(self, live: Iterable[Live] = ()) -> None:
        self._live = {one.automation_id: one for one in live}
        self._hearing: dict[type, tuple[Hearing, ...]] = {}

    def __iter__(self) -> Iterator[Live]:
        return iter(self._live.values())

    def find(self, automation_id: int) -> Live | None:
        """The automation with this id, if it is live."""
        return self._live.get(automation_id)

    def hearing(self, kind: type) -> tuple[Hearing, ...]:
        """Who has triggers that look at events of this class."""
        found = self._hearing.get(kind)
        if found is None:
            found = self._hearing[kind] = tuple(
                (live, triggers) for live in self if (triggers := _triggers_for(kind, live.flow))
            )
        return found


def _triggers_for(kind: type, flow: AnyFlow) -> tuple[tuple[str, Trigger], ...]:
    return tuple(
        (name, trigger)
        for name, trigger in flow.triggers.items()
        if trigger.hears is None or issubclass(kind, trigger.hears)
    )


class Active(Struct, frozen=True):
    """A run that waits. `sent`: its message has left (or may have), so an answer can be to it."""

    run: Run
    automation_id: int
    revision_id: int
    flow: AnyFlow
    sent: bool = False


class Start(Struct, frozen=True):
    """Begin a run of `live`; runs in `instead_of` end first."""

    live: Live
    trigger: str
    data: dict[str, Any]
    why: str
    chain: int = 0
    instead_of: tuple[int, ...] = ()
    cart_id: int = 0


class Stop(Struct, frozen=True):
    """End this run; its queued messages are recalled."""

    run_id: int
    reason: str


class Routing(Struct, frozen=True):
    """The decision. `confirm` is one sentence to send whatever the contact's consent says."""

    stops: tuple[Stop, ...] = ()
    resumes: tuple[int, ...] = ()
    starts: tuple[Start, ...] = ()
    consent: Literal["yes", "no"] | None = None
    confirm: str = ""
    why: tuple[str, ...] = ()


class Scene(Struct, frozen=True):
    """What routing looks at: the contact, their waiting runs, what is live, who was in when."""

    contact: Contact
    runs: Sequence[Active]
    live: Lineup
    entered: Mapping[int, datetime]
    words: Words = Words()
