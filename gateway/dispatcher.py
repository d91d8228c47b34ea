"""Claim due messages, hand them to their channels, write down the answers.

Rule: between two transactions nothing but the network happens, and every result is kept until it
is written, however long the database is away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gateway.balance import LOOK_AGAIN
from gateway.channel import Accepted, Channel, SendError
from gateway.claims import Claimed, Parcel, access_to, claim
from gateway.files import Files
from gateway.lines import Line
from gateway.marks import Marks
from gateway.results import Recorded, Result, abandon, expire, record, settle_unconfirmed
from gateway.tally import Tally
from gateway.throttle import Throttles
from store import companies, contacts, heartbeats, held, in_hand, queue
from store.database import Database, is_about_data
from store.doorbell import Doorbell

BATCH = 100  # messages per claim: larger gains little and holds contacts longer
CONCURRENCY = 32  # requests at once; WhatsApp answers in a fraction of a second
THROUGHPUT_PER_S = 80.0  # of a Cloud API number, in and out together
SLICE_S = 0.25  # answers that came together are written together; none waits longer for others
PAUSES_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # between tries to write while the database is away
IN_HAND_AT_MOST = timedelta(seconds=60)  # longer than any request may take
DEAD_AFTER = timedelta(seconds=15)  # several heartbeats missed, in real time
MEDIA = Path("var/media")  # where files lie, unless settings say otherwise
HELD_UP_S = 0.05  # until some permits of a busy phone are back
PATIENCE_S = 10.0  # for a line; what was decided longer ago is decided again, with newer news
NOT_TRIED = SendError("unreachable", 0, "The gateway was stopped before it was sent.")
OUTDATED = SendError("unreachable", 0, "WhatsApp was slow, so it waited for its turn too long.")
CUT_OFF = SendError("uncertain", 0, "The gateway was stopped while it was being sent.")
BROKEN = SendError("uncertain", 0, "The channel failed while it was being sent.")

log = structlog.get_logger(__name__)


class Dispatcher:
    """One worker's hands. `clock` gives aware UTC now, `channels` are by kind, `media` is the
    folder of files.
    """

    def __init__(
        self,
        database: Database,
        bell: Doorbell,
        clock: Callable[[], datetime],
        channels: Mapping[str, Channel],
        *,
        name: str,
        concurrency: int = CONCURRENCY,
        throughput_per_s: float = THROUGHPUT_PER_S,
        patience_s: float = PATIENCE_S,
        media: Path = MEDIA,
    ) -> None:
        self.database = database
        self.bell = bell
        self.clock = clock
        self.channels = channels
        self.name = name
        self.throughput_per_s = throughput_per_s
        self.patience_s = patience_s
        self.marks = Marks(database, channels)
        self.files = Files(database, clock, channels, media)
        self.in_flight: set[int] = set()
        self._lines = asyncio.Semaphore(concurrency)
        self.throttles = Throttles(throughput_per_s, time.monotonic)
        self._shut: dict[Line, datetime] = {}
        self._busy: dict[int, float] = {}  # companies without permits, until when by a steady clock

    async def drain(self) -> int:
        """Claim and deliver until nothing is due any more; how many were handed over."""
        total = 0
        self._shut.clear()
        await self.release()
        while True:
            claimed = await self.claim()
            await self.deliver(claimed.parcels)
            total += len(claimed.parcels)
            if not claimed.moved and not claimed.held_up:
                return total
            if claimed.held_up and not claimed.moved:
                await asyncio.sleep(1 / self.throughput_per_s)

    async def claim(self, room: int = BATCH) -> Claimed:
        """One transaction: decide about up to `room` due messages and claim what may go now."""
        now = self.clock()
        # Not longer than that ahead: somebody may put the clock back.
        self._shut = {
            line: until for line, until in self._shut.items() if now < until <= now + LOOK_AGAIN
        }
        at = time.monotonic()
        self._busy = {company_id: until for company_id, until in self._busy.items() if until > at}
        async with self.database.read() as tx:
            due = set(await queue.due_lines(tx, now)) - self._shut.keys()
        busy = {line for line in due if line[1] in self._busy}
        if not due - busy:
            return Claimed(held_up=bool(busy))
        claimed = Claimed()
        try:
            async with self.database.write("gateway.claim") as tx:
                claimed = await claim(
                    tx,
                    worker=self.name,
                    channels=self.channels,
                    room=room,
                    throttles=self.throttles,
                    now=now,
                    shut=self._shut.keys() | busy,
                )
                # Before the commit: the sweep must never see a claim of ours that is unknown to us.
                self.in_flight |= {parcel.queued.id for parcel in claimed.parcels}
        except BaseException:
            self.in_flight -= {parcel.queued.id for parcel in claimed.parcels}
            raise
        # A person may lift a rest or connect another phone long before the first would be back.
        latest = now + LOOK_AGAIN
        self._shut |= {line: min(until, latest) for line, until in claimed.shut.items()}
        # They would only take the room of others, who have permits.
        self._busy |= dict.fromkeys(claimed.busy, time.monotonic() + HELD_UP_S)
        if claimed.told:
            await self.bell.ring_engine()
        return claimed

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        """Hand parcels over and write down every answer.

        Cancelled, it stops sending at once and still writes down what is known.
        """
        tasks = {asyncio.create_task(self._send(parcel)): parcel for parcel in parcels}
        waiting = set(tasks)
        unwritten: list[Result] = []
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=SLICE_S)
                unwritten = [(tasks[task], task.result()) for task in done]
                for parcel, outcome in unwritten:
                    self.throttles.hear(parcel.phone.id, parcel.queued.contact_id, outcome)
                if unwritten:
                    await self._write_surely(unwritten)
                    unwritten = []
        except asyncio.CancelledError:
            for task in waiting:
                task.cancel()
            cut = list(waiting)
            rest = await asyncio.gather(*cut, return_exceptions=True)
            unwritten += [
                # A task that never began is cancelled itself; its message did not leave.
                (tasks[task], NOT_TRIED if isinstance(known, BaseException) else known)
                for task, known in zip(cut, rest, strict=True)
            ]
            await self._write(unwritten)
            raise
        finally:
            self.in_flight -= {parcel.queued.id for parcel in parcels}

    async def release(self) -> int:
        """Put messages of automations that go on again back in line; how many."""
        total = 0
        while True:
            async with self.database.read() as tx:
                automation_ids = await held.released(tx)
            if not automation_ids:
                return total
            async with self.database.write() as tx:
                freed = await held.release(tx, automation_ids, self.clock())
            total += freed
            if not freed:  # another worker is at it
                return total

    async def give_back(self) -> int:
        """Give silent chats back to the automations, where the company wants that; how many."""
        async with self.database.read() as tx:
            company_ids = await contacts.with_handed_over(tx)
            known = (await companies.find_many(tx, company_ids)).values() if company_ids else ()
        hours = {one.id: one.settings.hand_over_ends_after_hours for one in known}
        total = 0
        for company_id in sorted(one for one, after in hours.items() if after):
            now = self.clock()
            since = now - timedelta(hours=hours[company_id] or 0)
            async with self.database.write() as tx:
                total += len(await contacts.give_back_silent(tx, company_id, since, now))
        return total

    async def sweep(self) -> int:
        """Look after messages whose fate is open: of dead workers, unconfirmed for too long, and
        those that nobody wants any more.
        """
        now = self.clock()
        async with self.database.read() as tx:
            names = await in_hand.workers_with_messages(tx)
            unsure = await in_hand.companies_unconfirmed(tx)
            late = await queue.any_expired(tx, now)
            if not names and not unsure and not late:
                return 0
            alive_since = datetime.now(UTC) - DEAD_AFTER
            alive = {one.name for one in await heartbeats.everybody(tx) if one.at > alive_since}
        # The set itself, not a copy: what another claim takes meanwhile must count as ours.
        ours = self.in_flight
        tally = Tally()
        async with self.database.write("gateway.abandon") as tx:
            # First: what is given up below may be on its way, if somebody just moved the clock.
            done = [
                await settle_unconfirmed(tx, company_id, except_ids=ours, now=now, tally=tally)
                for company_id in sorted(unsure)
            ]
            done.append(await expire(tx, now, tally))
            found = await abandon(
                tx,
                claimed_before=now - IN_HAND_AT_MOST,
                dead_workers=(names - alive) | {self.name},
                except_ids=ours,
                tally=tally,
            )
            await tally.write(tx)
        if found:
            log.warning("messages of a lost worker are unconfirmed", messages=found)
        await self._ring(done)
        return found + sum(one.settled for one in done)

    async def _send(self, parcel: Parcel) -> Accepted | SendError:
        """Hand one over; never raises, also when it is cancelled."""
        tried = False
        loop = asyncio.get_running_loop()
        turn_by = loop.time() + self.patience_s
        try:
            async with self._lines:
                if loop.time() > turn_by:
                    return OUTDATED
                await self.marks.before_answer(parcel.queued, parcel.phone)
                tried = True
                return await self.files.send(
                    parcel.queued.company_id,
                    parcel.phone.kind,
                    access_to(parcel.phone),
                    parcel.to,
                    parcel.content,
                    reference=str(parcel.queued.id),
                    quoted=parcel.queued.quoted_channel_id or "",
                )
        except asyncio.CancelledError:
            return CUT_OFF if tried else NOT_TRIED
        except Exception:
            log.exception("channel fault", message=parcel.queued.id, phone=parcel.phone.id)
            return BROKEN

    async def _write_surely(self, results: list[Result]) -> None:
        """Write results down; while the database is away, try again until it is back."""
        tries = 0
        while True:
            try:
                await self._write(results)
                return
            except Exception as error:  # noqa: BLE001 - drivers raise all sorts when cut off
                if is_about_data(error):
                    await self._write_each(results)
                    return
                log.warning("results wait for the database", error=repr(error), n=len(results))
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def _write_each(self, results: list[Result]) -> None:
        """One result the database refuses must not keep its neighbours back."""
        for one in results:
            try:
                await self._write([one])
            except Exception:
                # It stays in hand; the sweep makes it unconfirmed and the company's rule decides.
                log.exception("result cannot be written", message=one[0].queued.id)

    async def _write(self, results: Sequence[Result]) -> None:
        if not results:
            return
        async with self.database.write("gateway.record") as tx:
            done = await record(tx, results, worker=self.name, now=self.clock())
        for parcel, outcome in results:
            _log(parcel, outcome)
        await self._ring([done])

    async def _ring(self, done: Sequence[Recorded]) -> None:
        if any(one.told for one in done):
            await self.bell.ring_engine()
        for company_id in sorted({of for one in done for of in one.companies}):
            await self.bell.ring_live(company_id)


def _log(parcel: Parcel, outcome: Accepted | SendError) -> None:
    words = log.bind(
        company=parcel.queued.company_id,
        contact=parcel.queued.contact_id,
        run=parcel.queued.run_id,
        message=parcel.queued.id,
        phone=parcel.phone.id,
    )
    if isinstance(outcome, Accepted):
        words.debug("message accepted", held=outcome.held)
    else:
        words.info("message not accepted", meaning=outcome.meaning, code=outcome.code)
