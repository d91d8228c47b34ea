"""Claims contacts with something to do, lets it happen in memory, writes it all in ONE transaction.

A crash before the commit redoes the events; after it everything asked for is already queued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.books import Books
from engine.flowcache import FlowCache
from engine.person import Person
from engine.route import Active, Words
from flows.events import Event, TimerDue
from flows.run import Run
from flows.words import normal
from store import events, messages, runs
from store.companies import CompanySettings
from store.database import Database
from store.doorbell import Doorbell
from store.ids import new_id
from store.snapshots import Snapshot, snapshots

BATCH = 500  # contacts at once: larger gains little and holds locks longer
TIMERS_AT_ONCE = 100  # of one contact in one batch; the rest is due in the next
log = structlog.get_logger(__name__)


class Runner:
    """One engine worker's hands. `clock` gives aware UTC now."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], bell: Doorbell, batch: int = BATCH
    ) -> None:
        self.database = database
        self.clock = clock
        self.bell = bell
        self.size = batch
        self.flows = FlowCache()

    async def drain(self) -> int:
        """Batches until nothing is left to do; how many contacts were served."""
        served = 0
        while True:
            count = await self.batch()
            served += count
            if count < self.size:
                return served

    async def batch(self) -> int:
        """One transaction: at most one batch of contacts. Returns how many were served."""
        now = self.clock()
        async with self.database.write() as tx:
            contact_ids = await runs.claim_contacts(tx, now, self.size)
            if not contact_ids:
                return 0
            books = Books(now, lambda: new_id(now))
            await self._serve(tx, contact_ids, books)
            await books.write(tx)
        if books.messages or books.recalled:
            await self.bell.ring_gateway()
        if books.calls:
            await self.bell.ring_engine()
        return len(contact_ids)

    async def _serve(self, tx: AsyncConnection, contact_ids: Sequence[int], books: Books) -> None:
        now = books.now
        known = await snapshots(tx, contact_ids)
        waiting = await events.unhandled_of(tx, contact_ids)
        company_ids = {one.company_id for one in known.values()}
        live = await self.flows.live(tx, company_ids)
        active = await self._active(tx, contact_ids)
        entered = await runs.entered(tx, contact_ids)
        queue: dict[int, list[events.Waiting]] = {one: [] for one in contact_ids}
        for row in waiting:
            queue[row.contact_id].append(row)
        faults: dict[int, str] = {}
        for contact_id, rows in queue.items():
            snapshot = known[contact_id]
            person = Person(
                snapshot.contact,
                active.get(contact_id, ()),
                live.get(snapshot.company_id, ()),
                entered.get(contact_id, {}),
                _words(snapshot.settings),
                books.new_id,
            )
            try:
                _play(person, rows, now)
            except Exception as error:
                # A fault of ours must not stop everybody else: this contact is set aside, loudly.
                log.exception("contact set aside", contact=contact_id)
                faults |= dict.fromkeys(
                    (row.id for row in rows), f"{type(error).__name__}: {error}"
                )
                continue
            books.add(snapshot.company_id, person)
            _log(snapshot, person)
        await events.mark_handled(tx, [row.id for row in waiting if row.id not in faults], now)
        await events.mark_faulty(tx, faults, now)

    async def _active(
        self, tx: AsyncConnection, contact_ids: Sequence[int]
    ) -> Mapping[int, list[Active]]:
        rows = await runs.waiting_of(tx, contact_ids)
        flows = await self.flows.of_revisions(tx, {row.revision_id for row in rows})
        loaded = [(row, msgspec.convert(row.state, Run)) for row in rows]
        unsure = [run.id for _, run in loaded if run.wait and "verdict" in run.wait.for_]
        sent = await messages.left_for(tx, unsure)
        found: dict[int, list[Active]] = {}
        for row, run in loaded:
            found.setdefault(row.contact_id, []).append(
                Active(
                    run, row.automation_id, row.revision_id, flows[row.revision_id], run.id in sent
                )
            )
        return found


def _play(person: Person, rows: Iterable[events.Waiting], now: datetime) -> None:
    """Let timers and events happen in the order of their times."""
    for row in rows:
        event: Event = msgspec.convert(row.data, Event)
        _ring_timers(person, min(row.at, now), now)
        person.happen(event, now, row.run_id or 0)
    _ring_timers(person, now, now)


def _ring_timers(person: Person, upto: datetime, now: datetime) -> None:
    for _ in range(TIMERS_AT_ONCE):
        timer = person.next_timer()
        if timer is None or timer[0] > upto:
            return
        _, run_id, seq = timer
        person.happen(TimerDue(seq), now, run_id)


def _words(settings: CompanySettings) -> Words:
    return Words(
        stop=frozenset(map(normal, settings.stop_words)),
        start=frozenset(map(normal, settings.start_words)),
        **({"stopped": settings.stop_confirmation} if settings.stop_confirmation else {}),
    )


def _log(snapshot: Snapshot, person: Person) -> None:
    for event, why in person.said:
        log.debug(
            "routed",
            company=snapshot.company_id,
            contact=snapshot.contact.id,
            kind=event.__struct_config__.tag,
            why=why,
        )
