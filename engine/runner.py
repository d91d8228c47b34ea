"""Claims contacts with something to do, lets it happen in memory, writes it all in ONE transaction.

A crash before the commit redoes the events; after it everything asked for is already queued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.books import Books
from engine.flowcache import FlowCache
from engine.person import Person
from engine.play import play, said
from engine.scene import Active, Words
from flows.run import Run
from flows.words import normal
from store import events, messages, runs
from store.companies import CompanySettings
from store.database import Database, is_about_data
from store.doorbell import Doorbell
from store.ids import new_id
from store.snapshots import Snapshot, snapshots

BATCH = 500  # contacts at once: larger gains little and holds locks longer
SET_ASIDE = timedelta(minutes=10)  # until timers are tried again that a fault of ours broke
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
        self.ticked_at = 0.0  # when the last tick began, by the event loop's clock

    async def drain(self) -> int:
        """Batches until nothing is left to do; how many contacts were served."""
        served = 0
        while True:
            count = await self.batch()
            served += count
            if count < self.size:
                return served

    async def batch(self) -> int:
        """One transaction: at most one batch of contacts. Returns how many were served.

        When the database refuses something in it, the contacts are served one by one, and only
        those with whom it happens again are set aside.
        """
        now = self.clock()
        contact_ids: list[int] = []
        try:
            async with self.database.write() as tx:
                contact_ids = await runs.claim_contacts(tx, now, self.size)
                books = await self._serve(tx, contact_ids, now)
        except Exception as error:
            if not contact_ids or not is_about_data(error):
                raise
            log.exception("batch refused; serving one by one", contacts=len(contact_ids))
            await self._one_by_one(contact_ids, now, error)
        else:
            await self._ring(books)
        return len(contact_ids)

    async def _one_by_one(
        self, contact_ids: Sequence[int], now: datetime, error: Exception
    ) -> None:
        refused: dict[int, str] = {}
        for contact_id in contact_ids:
            try:
                async with self.database.write() as tx:
                    alone = await runs.claim_contacts(tx, now, 1, only=contact_id)
                    books = await self._serve(tx, alone, now)
            except Exception as again:
                if not is_about_data(again):
                    raise
                refused[contact_id] = said(again)
            else:
                await self._ring(books)
        if len(refused) == len(contact_ids) > 1:
            raise error  # it is about none of them in particular: nobody is set aside for it
        for contact_id, fault in refused.items():
            log.error("contact set aside", contact=contact_id, fault=fault)
            async with self.database.write() as tx:
                alone = await runs.claim_contacts(tx, now, 1, only=contact_id)
                rows = await events.unhandled_of(tx, alone)
                await events.mark_faulty(tx, {row.id: fault for row in rows}, now)
                await runs.postpone(tx, alone, now, now + SET_ASIDE)

    async def _ring(self, books: Books) -> None:
        if books.messages or books.recalled:
            await self.bell.ring_gateway()
        if books.calls:
            await self.bell.ring_engine()

    async def _serve(self, tx: AsyncConnection, contact_ids: Sequence[int], now: datetime) -> Books:
        books = Books(now, lambda: new_id(now))
        if not contact_ids:
            return books
        known = await snapshots(tx, contact_ids)
        waiting = await events.unhandled_of(tx, contact_ids)
        company_ids = {one.company_id for one in known.values()}
        live = await self.flows.live(tx, company_ids)
        active, lost = await self._active(tx, contact_ids)
        entered = await runs.entered(tx, contact_ids)
        revisions = await self.flows.of_revisions(tx, _moved_to(waiting))
        queue: dict[int, list[events.Waiting]] = {one: [] for one in contact_ids}
        for row in waiting:
            queue[row.contact_id].append(row)
        faults: dict[int, str] = {}
        late: list[int] = []
        for contact_id, rows in queue.items():
            snapshot = known[contact_id]
            played = play(
                partial(
                    Person,
                    snapshot.contact,
                    active.get(contact_id, ()),
                    live.get(snapshot.company_id, ()),
                    entered.get(contact_id, {}),
                    _words(snapshot.settings),
                    books.new_id,
                    revisions,
                ),
                snapshot.company_id,
                rows,
                now,
            )
            faults |= played.faults
            if played.timers_fault:
                late.append(contact_id)
            if played.person is not None:
                books.take_over(played.page)
                _log(snapshot, played.person)
        await runs.give_up(tx, lost, now)
        books.recalled += lost
        await events.mark_handled(tx, [row.id for row in waiting if row.id not in faults], now)
        await events.mark_faulty(tx, faults, now)
        await books.write(tx)
        await runs.postpone(tx, late, now, now + SET_ASIDE)
        return books

    async def _active(
        self, tx: AsyncConnection, contact_ids: Sequence[int]
    ) -> tuple[Mapping[int, list[Active]], dict[int, str]]:
        """The waiting runs per contact, and `{run id: why}` of those nobody can read."""
        rows = await runs.waiting_of(tx, contact_ids)
        flows = await self.flows.of_revisions(tx, {row.revision_id for row in rows})
        loaded: list[tuple[runs.Waiting, Run]] = []
        lost: dict[int, str] = {}
        for row in rows:
            try:
                loaded.append((row, msgspec.convert(row.state, Run)))
            except msgspec.ValidationError as error:
                log.exception("run cannot be read", run=row.id, contact=row.contact_id)
                lost[row.id] = f"its state cannot be read: {error}"
        unsure = [run.id for _, run in loaded if run.wait and "verdict" in run.wait.for_]
        sent = await messages.left_for(tx, unsure)
        found: dict[int, list[Active]] = {}
        for row, run in loaded:
            found.setdefault(row.contact_id, []).append(
                Active(
                    run, row.automation_id, row.revision_id, flows[row.revision_id], run.id in sent
                )
            )
        return found, lost


def _moved_to(rows: Sequence[events.Waiting]) -> set[int]:
    """The revisions that events of this batch move runs to."""
    wanted = {row.data.get("revision_id", 0) for row in rows if row.kind == "moved_to"}
    return {one for one in wanted if isinstance(one, int) and one}


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
