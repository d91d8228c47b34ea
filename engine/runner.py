"""Claims contacts with something to do, lets it happen in memory, writes it all in ONE transaction.

A crash before the commit redoes the events; after it everything asked for is already queued.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.books import Books
from engine.flowcache import FlowCache
from engine.person import Person
from engine.play import play, said
from engine.scene import Active, Lineup, Words
from flows.events import MovedTo, Replied, SubFlowEnded
from flows.run import Run
from flows.words import normal
from store import events, messages, runs
from store.companies import CompanySettings
from store.database import Database, is_about_data
from store.doorbell import Doorbell
from store.ids import new_id
from store.snapshots import Snapshot, snapshots

BATCH = 500  # contacts at once: larger gains little and holds locks longer
MOVED_TO = str(MovedTo.__struct_config__.tag)
SEES_WHAT_LEFT = {str(Replied.__struct_config__.tag), MOVED_TO}
"""Events to which it matters whether the message that a run waits for has left already."""
NOBODY = Lineup()
SET_ASIDE = timedelta(minutes=10)  # until timers are tried again that a fault of ours broke
_read_run = msgspec.json.Decoder(Run).decode
_read_move = msgspec.json.Decoder(MovedTo).decode
log = structlog.get_logger(__name__)


class Done(NamedTuple):
    """What came of a batch. `more`: others may be waiting; the oldest events can be all of a few
    contacts, so that fewer than a batch is no sign that nobody is left.
    """

    contacts: int = 0
    more: bool = False
    to_send: bool = False
    to_call: bool = False


class Runner:
    """One engine worker's hands. `clock` gives aware UTC now."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        bell: Doorbell,
        batch: int = BATCH,
        public_url: str = "",
    ) -> None:
        self.database = database
        self.clock = clock
        self.bell = bell
        self.size = batch
        self.public_url = public_url  # before the links of ours in messages; empty: there are none
        self.flows = FlowCache()
        self._answered = False  # those who answer went first in the last batch: others' turn
        self._turn = asyncio.Lock()
        self._draining = self._again = False
        self.ticked_at = 0.0  # when the last tick began, by the event loop's clock

    async def drain(self) -> int:
        """Batches until nothing is left to do; how many contacts were served. Whoever asks while
        it is being done makes it look once more, and serves nobody.
        """
        self._again = True
        if self._draining:
            return 0
        self._draining, served = True, 0
        try:
            while self._again:
                self._again = False
                done = await self.batch()
                served += done.contacts
                self._again |= done.more
        finally:
            self._draining = False
        return served

    async def batch(self) -> Done:
        """One transaction: at most one batch of contacts.

        When the database refuses something in it, the contacts are served one by one, and only
        those with whom it happens again are set aside.
        """
        now = self.clock()
        contact_ids: list[int] = []
        answering = False  # then nobody else has been looked at yet
        try:
            # One at a time: two would share one processor, and a reply would wait for both.
            async with self._turn, self.database.write("engine.batch") as tx:
                if not self._answered:
                    contact_ids = await runs.claim_answering(tx, self.size)
                self._answered = answering = bool(contact_ids)
                if not answering:
                    contact_ids = await runs.claim_contacts(tx, now, self.size)
                with _no_collecting():
                    done = await self._serve(tx, contact_ids, now)
        except Exception as error:
            if not contact_ids or not is_about_data(error):
                raise
            log.exception("batch refused; serving one by one", contacts=len(contact_ids))
            await self._one_by_one(contact_ids, now, error)
            return Done(len(contact_ids), more=answering or len(contact_ids) == self.size)
        await self._ring(done)
        return done._replace(more=done.more or answering)

    async def _one_by_one(
        self, contact_ids: Sequence[int], now: datetime, error: Exception
    ) -> None:
        refused: dict[int, str] = {}
        for contact_id in contact_ids:
            try:
                async with self.database.write() as tx:
                    alone = await runs.claim_contacts(tx, now, 1, only=contact_id)
                    done = await self._serve(tx, alone, now)
            except Exception as again:
                if not is_about_data(again):
                    raise
                refused[contact_id] = said(again)
            else:
                await self._ring(done)
        if len(refused) == len(contact_ids) > 1:
            raise error  # it is about none of them in particular: nobody is set aside for it
        for contact_id, fault in refused.items():
            log.error("contact refused; one event at a time", contact=contact_id, fault=fault)
            await self._event_by_event(contact_id, now)

    async def _event_by_event(self, contact_id: int, now: datetime) -> None:
        """Set aside only what the database refuses: a stop or an order behind it still counts."""
        async with self.database.read() as tx:
            rows = await events.unhandled_of(tx, [contact_id])
        for event_ids in (set[int](), *({row.id} for row in rows)):  # first the timers alone
            try:
                async with self.database.write() as tx:
                    alone = await runs.claim_contacts(tx, now, 1, only=contact_id)
                    done = await self._serve(tx, alone, now, event_ids)
            except Exception as error:
                if not is_about_data(error):
                    raise
                log.exception("set aside", contact=contact_id, events=sorted(event_ids))
                async with self.database.write() as tx:
                    alone = await runs.claim_contacts(tx, now, 1, only=contact_id)
                    if alone and event_ids:
                        await events.mark_faulty(tx, dict.fromkeys(event_ids, said(error)), now)
                    elif alone:
                        await runs.postpone(tx, alone, now, now + SET_ASIDE)
            else:
                await self._ring(done)

    async def _ring(self, done: Done) -> None:
        if done.to_send:
            await self.bell.ring_gateway()
        if done.to_call:
            await self.bell.ring_engine()

    async def _serve(
        self,
        tx: AsyncConnection,
        contact_ids: Sequence[int],
        now: datetime,
        only: Collection[int] | None = None,
    ) -> Done:
        """Let happen to these contacts what waits for them; or `only` these events, and none: the
        timers that are due.
        """
        if not contact_ids:
            return Done()
        books = Books(now, lambda: new_id(now), self.public_url)
        known = await snapshots(tx, contact_ids)
        waiting = await events.unhandled_of(tx, contact_ids)
        if only is not None:
            waiting = [row for row in waiting if row.id in only]
        live = await self.flows.live(tx, {one.company_id for one in known.values()})
        unsure = {row.contact_id for row in waiting if row.kind in SEES_WHAT_LEFT}
        active, lost = await self._active(tx, contact_ids, unsure)
        entered = await runs.entered(tx, contact_ids) if _remember(live) else {}
        revisions = await self.flows.of_revisions(tx, _moved_to(waiting))
        settings = {one.company_id: one.settings for one in known.values()}
        words = {company_id: words_of(one) for company_id, one in settings.items()}
        queue: dict[int, list[events.Waiting]] = {one: [] for one in contact_ids}
        for row in waiting:
            queue[row.contact_id].append(row)
        faults: dict[int, str] = {}
        late: list[int] = []
        debugging = log.is_enabled_for(logging.DEBUG)
        for contact_id, rows in queue.items():
            snapshot = known[contact_id]
            played = play(
                partial(
                    Person,
                    snapshot.contact,
                    active.get(contact_id, ()),
                    live.get(snapshot.company_id, NOBODY),
                    entered.get(contact_id, {}),
                    words[snapshot.company_id],
                    books.new_id,
                    revisions,
                ),
                books,
                snapshot.company_id,
                rows,
                now,
                timers=not only,
            )
            faults |= played.faults
            if played.timers_fault:
                late.append(contact_id)
            if debugging and played.person is not None:
                _log(snapshot, played.person)
        if lost:
            await runs.give_up(tx, lost, now)
            books.recalled += lost
            await events.insert_many(tx, _left_alone(known, active, now))
        await events.mark_handled(tx, [row.id for row in waiting if row.id not in faults], now)
        await events.mark_faulty(tx, faults, now)
        await books.write(tx)
        await runs.postpone(tx, late, now, now + SET_ASIDE)
        return Done(
            len(contact_ids),
            more=len(contact_ids) == self.size or len(waiting) >= self.size * runs.LOOK_AHEAD,
            to_send=bool(books.messages or books.recalled),
            to_call=bool(books.calls),
        )

    async def _active(
        self, tx: AsyncConnection, contact_ids: Sequence[int], unsure: Collection[int]
    ) -> tuple[Mapping[int, list[Active]], dict[int, str]]:
        """The waiting runs per contact, and `{run id: why}` of those nobody can read.

        `unsure`: the contacts of whom it matters whether an awaited message has left.
        """
        rows = await runs.waiting_of(tx, contact_ids)
        flows = await self.flows.of_revisions(tx, {row.revision_id for row in rows})
        loaded: list[tuple[runs.Waiting, Run]] = []
        lost: dict[int, str] = {}
        for row in rows:
            try:
                loaded.append((row, _read_run(row.state)))
            except msgspec.DecodeError as error:
                log.exception("run cannot be read", run=row.id, contact=row.contact_id)
                lost[row.id] = f"its state cannot be read: {error}"
        awaited = [
            run.id
            for row, run in loaded
            if row.contact_id in unsure and run.wait and "verdict" in run.wait.for_
        ]
        sent = await messages.left_for(tx, awaited)
        found: dict[int, list[Active]] = {}
        for row, run in loaded:
            found.setdefault(row.contact_id, []).append(
                Active(
                    run, row.automation_id, row.revision_id, flows[row.revision_id], run.id in sent
                )
            )
        return found, lost


def _left_alone(
    known: Mapping[int, Snapshot], active: Mapping[int, Sequence[Active]], now: datetime
) -> list[events.NewEvent]:
    """The runs that wait for another one that is not there any more hear that it has failed."""
    callers = {one.run.parent for mine in active.values() for one in mine}
    return [
        {
            "company_id": known[contact_id].company_id,
            "contact_id": contact_id,
            "kind": str(SubFlowEnded.__struct_config__.tag),
            "data": SubFlowEnded(run.seq, failed=True, reason="its state cannot be read"),
            "source_id": f"lost:{run.id}:{run.seq}",
            "run_id": run.id,
            "at": now,
            "created_at": now,
        }
        for contact_id, mine in active.items()
        for run in (one.run for one in mine)
        if run.wait and "sub_flow" in run.wait.for_ and (run.id, run.seq) not in callers
    ]


@contextmanager
def _no_collecting() -> Iterator[None]:
    """A batch makes very many objects and lets all of them go again; looking for cycles among
    them meanwhile, as Python does by their number, takes a quarter of the time and finds nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _remember(live: Mapping[int, Lineup]) -> bool:
    """Whether anybody's entry policy asks when a contact was in before."""
    return any(
        one.flow.entry.policy == "once_ever" or one.flow.entry.not_again_within
        for lineup in live.values()
        for one in lineup
    )


def _moved_to(rows: Sequence[events.Waiting]) -> set[int]:
    """The revisions that events of this batch move runs to."""
    found = set()
    for row in rows:
        if row.kind == MOVED_TO:
            with suppress(msgspec.DecodeError):  # `play` sets aside what cannot be read
                found.add(_read_move(row.data).revision_id)
    return found - {0}


def words_of(settings: CompanySettings) -> Words:
    """The words of a company, as routing compares them."""
    return Words(
        stop=frozenset(map(normal, settings.stop_words)),
        start=frozenset(map(normal, settings.start_words)),
        plain=frozenset(map(normal, settings.plain_words)),
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
