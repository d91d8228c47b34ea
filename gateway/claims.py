"""Takes due messages in hand: decides about each and writes all decisions in one transaction.

Rule: nothing is sent here; after the commit a message is claimed, deferred or given up, and its
reasons are on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Content
from gateway.balance import Need
from gateway.channel import Address, Channel, PhoneAccess
from gateway.decide import Later, Never, SendNow, decide
from gateway.facts import Load, load
from gateway.fleet import Fleet
from gateway.lines import Line, first_of, open_lines
from gateway.pacing import LIVE_PRIORITY, SHORTEST_GAP_S, own_gap
from gateway.phone_facts import hour_of
from gateway.tally import Tally
from gateway.telling import tell_dropped
from gateway.throttle import Throttles
from gateway.verdicts import verdict_row
from store import events, phone_use, queue, runs
from store.messages import RECALLED
from store.phone_use import Counted, SendingPhone
from store.queue import Queued

REASONS_KEPT = 12  # a message that waits for weeks needs no diary
SET_ASIDE = timedelta(minutes=10)  # until a message is looked at again that we stumbled over
TO_ONE_PERSON = "WhatsApp takes only so many messages to one person at a time."
LOOK_ANEW = timedelta(hours=1)  # a rest may be lifted, and a limit grow, before its time
SOON = timedelta(seconds=1)  # no decision may bring a message back in the same moment

log = structlog.get_logger(__name__)


class Parcel(Struct, frozen=True):
    """A claimed message, ready to hand over. `day` (the company's local one) and `hour` are those
    it counts for.
    """

    queued: Queued
    content: Content
    phone: SendingPhone
    to: Address
    day: date
    hour: datetime
    need: Need

    @property
    def place(self) -> Counted:
        """The place it took."""
        return Counted(sent=1, fresh=int(self.need.fresh), opened=int(self.need.opens))

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.queued.attempts + 1


class Claimed(Struct, frozen=True):
    """What one claim did. `told`: events were written; `held_up`: permits ran out; `held`:
    messages of paused automations that left the line; `shut`: lines none of whose phones can
    send anything before that moment; `busy`: companies none of whose phones has a permit in this
    one. Messages stay there as they are, and in their order.
    """

    parcels: tuple[Parcel, ...] = ()
    deferred: int = 0
    dropped: int = 0
    held: int = 0
    told: bool = False
    held_up: bool = False
    shut: Mapping[Line, datetime] = {}
    busy: frozenset[int] = frozenset()

    @property
    def moved(self) -> bool:
        """Whether another claim may find more."""
        put_aside = self.deferred or self.dropped or self.held or self.shut or self.busy
        return bool(self.parcels or put_aside)


async def claim(
    tx: AsyncConnection,
    *,
    worker: str,
    channels: Mapping[str, Channel],
    room: int,
    throttles: Throttles,
    now: datetime,
    shut: Collection[Line] = (),
) -> Claimed:
    """Decide about up to `room` due messages of all lines but the `shut` ones. Where `throttles`
    have no permit left in this moment, a message simply stays where it is.
    """
    lines = await open_lines(tx, channels, worker, shut, now)
    batch, out_of_line = await first_of(tx, lines, now, room)
    if not batch:
        return Claimed(held=out_of_line)
    # Asked while the contacts are held: a run that the engine stopped has its message recalled
    # even if that was in somebody's hand just then and comes back to be sent again.
    stopped = await runs.stopped(tx, {one.run_id for one in batch if one.run_id})
    books = _Books(await load(tx, batch, channels, now), stopped, worker, throttles, now)
    for queued in batch:
        books.consider(queued)
    await queue.claim(tx, books.claims)
    await queue.defer(tx, books.deferrals)
    await queue.drop(tx, books.drops)
    dropped = [row["id"] for row in books.drops]
    await tell_dropped(tx, {one.company_id for one in batch}, dropped, now)
    await phone_use.pace(tx, books.gaps)
    await phone_use.count(tx, places_of(books.parcels, by_day=True))
    await phone_use.count_hours(tx, places_of(books.parcels, by_day=False))
    await phone_use.count_companies(tx, books.company_days)
    await events.insert_many(tx, books.verdicts)
    await books.tally.write(tx)
    return Claimed(
        tuple(books.parcels),
        len(books.deferrals),
        len(books.drops),
        out_of_line,
        bool(books.verdicts),
        books.held_up,
        books.shut,
        frozenset(books.busy),
    )


class _Books:
    """The decisions of one batch, as rows."""

    def __init__(
        self,
        facts: Load,
        stopped: Collection[int],
        worker: str,
        throttles: Throttles,
        now: datetime,
    ) -> None:
        self.facts = facts
        self.stopped = stopped
        self.worker = worker
        self.throttles = throttles
        self.now = now
        self.parcels: list[Parcel] = []
        self.claims: list[dict[str, Any]] = []
        self.deferrals: list[dict[str, Any]] = []
        self.drops: list[dict[str, Any]] = []
        self.verdicts: list[dict[str, Any]] = []
        self.tally = Tally()
        self.gaps: dict[int, datetime] = {}
        self.company_days: Counter[tuple[int, date]] = Counter()
        self.served: set[int] = set()
        self.held_up = False
        self.shut: dict[Line, datetime] = {}
        self.busy: set[int] = set()
        self.behind: Counter[int] = Counter()  # of a company: messages its phones cannot take now
        for fleet in facts.fleets.values():
            for phone_id in fleet.phones:
                self._look_at(fleet, phone_id)

    def consider(self, queued: Queued) -> None:
        """Decide about one message; later ones of a contact who gets one now wait their turn."""
        if queued.run_id in self.stopped:
            self._recall(queued)
            return
        line = (queued.priority, queued.company_id)
        if line in self.shut or queued.company_id in self.busy:
            return
        try:
            self._decide(queued)
        except Exception as error:
            # A fault of ours must not hold up all others: this one waits, loudly.
            log.exception("message set aside", message=queued.id, contact=queued.contact_id)
            words = f"It could not be decided about: {type(error).__name__}."
            self._defer(queued, self.now + SET_ASIDE, (words,))

    def _decide(self, queued: Queued) -> None:
        contact = self.facts.contacts.get(queued.contact_id)
        if queued.contact_id in self.served or contact is None:
            return
        try:
            content: Content = msgspec.convert(queued.content, Content)
            asked = self.facts.message(queued, content)
        except msgspec.ValidationError as error:
            self._drop(queued, Never("failed", "our_request", (f"It cannot be read: {error}.",)))
            return
        fleet = self.facts.fleets[queued.company_id]
        company = self.facts.companies[queued.company_id]
        decision = decide(asked, contact, company, fleet, self.now)
        match decision:
            case SendNow(phone_id=phone_id):
                self.served.add(queued.contact_id)
                if phone_id in fleet.busy:
                    self.held_up = True
                    if not fleet.has_permits:
                        self.busy.add(queued.company_id)
                elif wait := self.throttles.wait_for(phone_id, queued.contact_id):
                    at = self.now + max(SOON, timedelta(seconds=wait))
                    self._defer(queued, at, (TO_ONE_PERSON,))
                else:
                    self._take(queued, content, decision)
                    self._look_at(fleet, phone_id)
            case Later() as later:
                self._wait(queued, fleet, later)
            case Never() as never:
                self._drop(queued, never)

    def _wait(self, queued: Queued, fleet: Fleet, later: Later) -> None:
        at = later.at
        if later.rule == "phones":
            until = fleet.shut_until(live=queued.priority == LIVE_PRIORITY)
            if until is not None:
                self.shut[queued.priority, queued.company_id] = until
                return
            # Those that could take it send one after the other: not all are looked at each time.
            before = self.behind[queued.company_id]
            self.behind[queued.company_id] += 1
            apart = timedelta(seconds=SHORTEST_GAP_S / len(fleet.phones))
            at = min(at, self.now + LOOK_ANEW) + before * apart
        self._defer(queued, max(at, self.now + SOON), later.why)

    def _take(self, queued: Queued, content: Content, decision: SendNow) -> None:
        address = self.facts.addresses[queued.contact_id]
        assert address is not None  # noqa: S101 - `decide` refuses contacts without one
        phone_id, need = decision.phone_id, decision.need
        day = self.facts.days[queued.company_id]
        to = msgspec.convert(address, Address, from_attributes=True)
        phone = self.facts.access[phone_id]
        hour = hour_of(self.now)
        self.parcels.append(Parcel(queued, content, phone, to, day, hour, need))
        self.claims.append(
            {
                "id": queued.id,
                "state": "sending",
                "attempts": queued.attempts + 1,
                "phone_id": phone_id,
                "claimed_by": self.worker,
                "claimed_at": self.now,
                "why": _all_why(queued, decision.why),
                "terms": decision.terms(),
            }
        )
        gap = None
        if decision.choice.phone.paced:
            delays = self.facts.rules[queued.company_id].delay_ms
            gap = own_gap(delays, queued.id, live=need.live)
            self.gaps[phone_id] = self.now + gap
        self.company_days[queued.company_id, day] += 1
        self.throttles.take(phone_id, queued.contact_id)
        self.facts.fleets[queued.company_id].take(phone_id, need, gap)
        self.facts.take(queued, self.now)

    def _look_at(self, fleet: Fleet, phone_id: int) -> None:
        promised = self.facts.access[phone_id].throughput_per_s
        if not self.throttles.has_room(phone_id, promised):
            fleet.busy.add(phone_id)

    def _defer(self, queued: Queued, at: datetime, why: Sequence[str]) -> None:
        self.deferrals.append({"id": queued.id, "due_at": at, "why": _all_why(queued, why)})

    def _recall(self, queued: Queued) -> None:
        self.drops.append(
            {
                "id": queued.id,
                "state": "cancelled",
                "failed_at": self.now,
                "error_class": None,
                "error": RECALLED,
                "why": _all_why(queued, ("Its run was ended.",)),
            }
        )

    def _drop(self, queued: Queued, never: Never) -> None:
        self.drops.append(
            {
                "id": queued.id,
                "state": never.state,
                "failed_at": self.now,
                "error_class": never.reason,
                "error": never.why[0],
                "why": _all_why(queued, never.why),
            }
        )
        self.verdicts += verdict_row(queued, never.state, never.reason, self.now)
        self.tally.dropped(queued, never.state)


def access_to(phone: SendingPhone) -> PhoneAccess:
    """What a channel needs to speak for a phone."""
    return PhoneAccess(
        phone.id,
        phone.remote_id or "",
        phone.secret("token"),
        phone.base_url or "",
        phone.version or "",
    )


def places_of(parcels: Iterable[Parcel], *, by_day: bool) -> dict[tuple[int, Any], Counted]:
    """The places that these took, added up by phone and day, or by phone and hour."""
    found: dict[tuple[int, Any], Counted] = {}
    for parcel in parcels:
        key = (parcel.phone.id, parcel.day if by_day else parcel.hour)
        found[key] = found.get(key, Counted()) + parcel.place
    return found


def _all_why(queued: Queued, why: Sequence[str]) -> list[str]:
    """The reasons so far and the new ones: together they say why a message is late."""
    before = [one for one in queued.why or [] if one not in why]
    return [*before, *why][-REASONS_KEPT:]
