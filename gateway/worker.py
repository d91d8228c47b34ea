"""One gateway process: hears the bell or looks each second, sends, sweeps, says that it lives.

Rule: it survives everything but its own end; on SIGTERM what is being sent is finished first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway import channels as channel_kinds
from gateway.channel import Channel
from gateway.channels.cloud_api import CloudApi
from gateway.dispatcher import (
    BATCH,
    CONCURRENCY,
    HELD_UP_S,
    MEDIA,
    THROUGHPUT_PER_S,
    Dispatcher,
)
from gateway.host import Host
from gateway.rounds import look_after
from gateway.templates import keep_up
from gateway.watch import Watch
from store import heartbeats
from store.database import Database
from store.doorbell import Doorbell

POLL_S = 1.0  # bells only shorten this
BEAT_S = 2.0
SWEEP_S = 2.0
SWEEP_FILES_S = 60.0
MARKS_S = 60.0  # until a company's wish to show what was read is known
ROUNDS_S = 300.0  # how phones fare changes slowly, and WhatsApp tells most of it by itself
WATCH_S = 60.0
GIVE_BACK_S = 60.0  # hand-overs end after hours
FINISH_WITHIN_S = 4.0  # of a stop; whoever stops us kills us after ten
AFTER_A_FAULT_S = (0.5, 1.0, 2.0, 5.0)
log = structlog.get_logger(__name__)


async def run(
    database_url: str,
    redis_url: str | None,
    clock: Callable[[], datetime],
    *,
    stop: asyncio.Event | None = None,
    channels: Mapping[str, Channel] | None = None,
    concurrency: int = CONCURRENCY,
    throughput_per_s: float = THROUGHPUT_PER_S,
    media: Path = MEDIA,
) -> None:
    """Deliver until SIGTERM, SIGINT or `stop`; what is under way is finished first.

    `channels` by kind are those of `gateway/channels` unless given; they are closed at the end.
    `media` is the folder of files.
    """
    with _stopped_by_signals(stop or asyncio.Event(), listen=stop is None) as stopped:
        await _run(
            database_url, redis_url, clock, stopped, channels, concurrency, throughput_per_s, media
        )


async def _run(
    database_url: str,
    redis_url: str | None,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    channels: Mapping[str, Channel] | None,
    concurrency: int,
    throughput_per_s: float,
    media: Path,
) -> None:
    database, bell = Database(database_url), Doorbell(redis_url)
    opened = channels or {kind: found() for kind, found in channel_kinds.kinds().items()}
    dispatcher = Dispatcher(
        database,
        bell,
        clock,
        opened,
        name=f"gateway:{socket.gethostname()}:{os.getpid()}",
        concurrency=concurrency,
        throughput_per_s=throughput_per_s,
        media=media,
    )
    try:
        await _Worker(dispatcher, stop).work()
    finally:
        for channel in opened.values():
            await channel.close()
        await bell.close()
        await database.close()


class _Worker:
    """The loops of one process around one dispatcher."""

    def __init__(self, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
        self.dispatcher = dispatcher
        self.stop = stop
        self.look = asyncio.Event()  # there may be something to claim
        self.deliveries: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """All loops until the stop, then the end of what is under way."""
        started = datetime.now(UTC)
        hands = self.dispatcher
        watch = Watch(hands.database, hands.channels, hands.clock)
        beside = [
            asyncio.create_task(self._each(BEAT_S, lambda: self._beat(started))),
            asyncio.create_task(self._each(SWEEP_S, self.dispatcher.sweep)),
            asyncio.create_task(self._each(POLL_S, self.dispatcher.release)),
            asyncio.create_task(self._each(GIVE_BACK_S, self.dispatcher.give_back)),
            asyncio.create_task(self._each(ROUNDS_S, self._look_after)),
            asyncio.create_task(self._each(WATCH_S, watch.look)),
            asyncio.create_task(self._each(POLL_S, self.dispatcher.files.fetch)),
            asyncio.create_task(self._each(SWEEP_FILES_S, self.dispatcher.files.sweep)),
            asyncio.create_task(self._each(POLL_S, self.dispatcher.marks.say)),
            asyncio.create_task(self._each(MARKS_S, self.dispatcher.marks.ask_companies)),
            asyncio.create_task(self._hear()),
            *(asyncio.create_task(self._run(one)) for one in self.dispatcher.channels.values()),
            *(
                asyncio.create_task(keep_up(self.dispatcher.database, one, self.dispatcher.clock))
                for one in self.dispatcher.channels.values()
                if isinstance(one, CloudApi)
            ),
        ]
        try:
            await self._claim_and_deliver()
            await self._finish()
        finally:
            for task in (*beside, *self.deliveries):
                task.cancel()
            await asyncio.gather(*beside, *self.deliveries, return_exceptions=True)

    async def _claim_and_deliver(self) -> None:
        faults = 0
        while not self.stop.is_set():
            self.look.clear()
            room = 2 * BATCH - len(self.dispatcher.in_flight)
            try:
                if room < BATCH // 2:
                    await self._pause(self.look.wait(), POLL_S)
                    continue
                claimed = await self.dispatcher.claim(min(room, BATCH))
                faults = 0
            except Exception as error:  # noqa: BLE001 - drivers raise all sorts when cut off
                wait = AFTER_A_FAULT_S[min(faults, len(AFTER_A_FAULT_S) - 1)]
                faults += 1
                log.warning("claiming failed; trying again", error=repr(error), wait_s=wait)
                await self._pause(asyncio.sleep(wait), wait)
                continue
            if claimed.parcels:
                task = asyncio.create_task(self.dispatcher.deliver(claimed.parcels))
                self.deliveries.add(task)
                task.add_done_callback(self._delivered)
            if claimed.held_up and not claimed.busy:
                await self._pause(asyncio.sleep(HELD_UP_S), HELD_UP_S)
            elif not claimed.moved:
                await self._pause(self.look.wait(), POLL_S)

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self.deliveries.discard(task)
        self.look.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("delivery fault", exc_info=task.exception())

    async def _finish(self) -> None:
        if self.deliveries:
            await asyncio.wait(set(self.deliveries), timeout=FINISH_WITHIN_S)

    async def _look_after(self) -> None:
        mine = self.dispatcher
        await look_after(mine.database, mine.channels, mine.clock)

    async def _hear(self) -> None:
        while True:
            await self.dispatcher.bell.hear_gateway(POLL_S)
            self.look.set()

    async def _run(self, channel: Channel) -> None:
        """What a channel does beside sending; it is begun again after a fault."""
        mine = self.dispatcher
        host = Host(mine.database, mine.bell, mine.clock, mine.name)
        while True:
            try:
                await channel.run(host)
                return
            except Exception:
                log.exception("a channel's own work failed; it begins again")
            await asyncio.sleep(AFTER_A_FAULT_S[-1])

    async def _each(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Do `work` now and every some seconds; a fault is logged and changes nothing."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the database is away, or one round failed
                log.warning("a round beside failed; trying again", error=repr(error))
            await asyncio.sleep(seconds)

    async def _beat(self, started: datetime) -> None:
        """Say that we live. Real time: health must not depend on a clock that somebody moves."""
        now = datetime.now(UTC)
        async with self.dispatcher.database.write() as tx:
            await heartbeats.beat(tx, self.dispatcher.name, os.getpid(), started, now)

    async def _pause(self, until: Awaitable[object], at_most_s: float) -> None:
        """Wait for something, for the stop, or for a while."""
        waits = [asyncio.ensure_future(until), asyncio.ensure_future(self.stop.wait())]
        await asyncio.wait(waits, timeout=at_most_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event, *, listen: bool) -> Iterator[asyncio.Event]:
    """`stop`, set at SIGTERM and SIGINT while inside."""
    loop = asyncio.get_running_loop()
    heard = (signal.SIGTERM, signal.SIGINT) if listen else ()
    for number in heard:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
