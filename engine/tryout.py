"""A try-out: who goes through a flow, how it begins, what the tester lets happen, in order. PURE.

Rule: it is a small JSON value and all there is. Nothing is remembered anywhere else, so a step
back is a shorter list, and the same list on a changed flow is the same try-out of that flow.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs

from flows.calendar import is_zone
from flows.contact import Contact
from flows.events import AIMED, Event, Started, VerdictState
from flows.scenario import SCRIPTABLE, SOMEBODY, Answer

LIMIT = 100_000  # characters of JSON; a hundred messages with a long payload are a fifth of it
TYPING = timedelta(seconds=5)  # from one thing to the customer's next: they answer at once
LONGEST = timedelta(days=3650)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NOT_READ = "This simulation cannot be read. Start it again."
Seconds = Annotated[int, Meta(ge=0, le=int(LONGEST.total_seconds()))]


class Act(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing the tester lets happen, `at` seconds after the beginning; no `event`: time passes
    until then.
    """

    at: Seconds
    event: Event | None = None


class Chosen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of the `message`-th message (from 1), instead of its being sent."""

    message: Annotated[int, Meta(ge=1, le=10_000)]
    state: VerdictState
    reason: Annotated[str, Meta(max_length=200)] = ""


class Session(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A try-out. `contact` is the sample, or not used when `contact_id` names a real one whose copy
    goes through. `trigger`: the one that `first` is meant for, "" when it is begun by hand.
    `plain`: the phone has no buttons.
    """

    start: datetime
    first: Event = Started()
    trigger: Annotated[str, Meta(max_length=64)] = ""
    contact: Contact = SOMEBODY
    contact_id: Annotated[int, Meta(ge=0)] = 0
    acts: Annotated[list[Act], Meta(max_length=300)] = []
    verdicts: Annotated[list[Chosen], Meta(max_length=300)] = []
    answers: Annotated[list[Answer], Meta(max_length=300)] = []
    splits: Annotated[dict[str, str], Meta(max_length=300)] = {}
    plain: bool = False

    @property
    def now(self) -> datetime:
        """The moment it has come to."""
        return self.start + timedelta(seconds=self.acts[-1].at if self.acts else 0)

    def then(self, event: Event) -> Session:
        """The same, and then this happens."""
        return self._with(self.now + TYPING, event)

    def until(self, at: datetime) -> Session:
        """The same, and time passes until `at`; never backwards."""
        return self._with(max(at, self.now))

    def back(self) -> Session:
        """Without the last thing that happened."""
        return self.up_to(len(self.acts) - 1)

    def up_to(self, acts: int) -> Session:
        """With only so many of the things that happened, from the first."""
        return structs.replace(self, acts=self.acts[: max(0, acts)])

    def _with(self, at: datetime, event: Event | None = None) -> Session:
        since = at - self.start
        seconds = -(-since // timedelta(seconds=1))  # up: what is due then has come
        most = int(LONGEST.total_seconds())
        return structs.replace(self, acts=[*self.acts, Act(at=min(seconds, most), event=event)])


class NoSessionError(Exception):
    """Why something is no try-out, in a sentence."""


def read_session(text: str) -> Session:
    """The try-out in a page's own JSON. Raises NoSessionError for anything else."""
    if len(text) > LIMIT:
        raise NoSessionError("This simulation has grown too long. Start it again.")
    try:
        session = msgspec.json.decode(text, type=Session)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NoSessionError(NOT_READ) from error
    if wrong_with(session):
        raise NoSessionError(NOT_READ)
    return session


def write_session(session: Session) -> str:
    """The JSON that `read_session` reads."""
    return msgspec.json.encode(session).decode()


def wrong_with(session: Session) -> Literal["", "first", "start", "acts", "contact"]:
    """The part that no try-out can have, beyond what the types say; "" when all is right."""
    if isinstance(session.first, AIMED):
        return "first"
    if session.start.tzinfo is None or not EARLIEST <= session.start <= LATEST:
        return "start"
    times = [one.at for one in session.acts]
    events = [one.event for one in session.acts if one.event is not None]
    if times != sorted(times) or not all(isinstance(one, SCRIPTABLE) for one in events):
        return "acts"
    person = session.contact
    moments = (person.last_inbound_at, person.last_outbound_at, person.created_at)
    aware = all(at is None or at.tzinfo is not None for at in moments)
    return "" if aware and is_zone(person.zone) else "contact"


def choose(session: Session, number: int, state: str, reason: str = "") -> Session:
    """What becomes of message `number`: one of the verdicts, or as usual for any other word."""
    rest = [one for one in session.verdicts if one.message != number]
    try:
        chosen = msgspec.convert({"message": number, "state": state, "reason": reason}, Chosen)
    except msgspec.ValidationError:
        return structs.replace(session, verdicts=rest)
    return structs.replace(session, verdicts=[*rest, chosen])


def forget_beyond(session: Session, messages: int) -> Session:
    """Without what was chosen for messages that are not asked for any more."""
    kept = [one for one in session.verdicts if one.message <= messages]
    return structs.replace(session, verdicts=kept)


def answered(session: Session, step: str, answer: dict[str, Any] | None) -> Session:
    """What the outside answers to `step`; None: as usual. Raises ValidationError."""
    rest = [one for one in session.answers if one.step != step]
    if answer is not None:
        rest.append(msgspec.convert({**answer, "step": step}, Answer))
    return structs.replace(session, answers=rest)


def goes(session: Session, step: str, way: str) -> Session:
    """Which exit the split `step` takes; "": whatever is drawn."""
    splits = {key: old for key, old in session.splits.items() if key != step}
    return structs.replace(session, splits={**splits, step: way} if way else splits)
