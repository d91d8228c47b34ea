"""One engine process: an arq worker whose jobs are doorbells, with a tick every second.

Rule: Redis may vanish or be wiped at any moment; the worker then ticks by itself and comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from arq import cron
from arq.connections import RedisSettings, create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError

from engine.announce import Way, announce
from engine.jobs.advance import advance_batch
from engine.jobs.tick import tick
from engine.jobs.upkeep import upkeep
from engine.mail import Mailer
from engine.occasions import Occasions
from engine.retention import Retention
from engine.runner import Runner
from engine.telling import Teller
from engine.webhooks import Caller
from store import heartbeats
from store.database import Database
from store.doorbell import Doorbell

QUEUE = "arq:queue"
LISTEN_S = 0.25  # between two looks when no bell rings; the cron jobs need no more
JOB_LIMIT_S = 300
PAUSE_S = 1.0  # between two ticks, and before Redis is tried again
SILENT_S = 2.5  # without a tick, until we tick ourselves
BEAT_S = 2.0
FINISH_S = 3.0  # for the batch in hand when we are asked to stop
EVERY_SECOND = set(range(60))
log = structlog.get_logger(__name__)


class RungWorker(Worker):
    """arq's worker, woken by a bell where arq itself would look a hundred times a second."""

    def __init__(self, bell: Doorbell, **settings: Any) -> None:
        super().__init__(**settings)
        self._bell = bell

    async def main(self) -> None:
        """Start the jobs that are there, listen, and look again."""
        self.ctx["redis"] = self.pool
        while True:
            await self._poll_iteration()
            await self._bell.hear_engine(LISTEN_S)


async def run(
    database_url: str,
    redis_url: str,
    clock: Callable[[], datetime],
    *,
    allow_private_webhooks: bool = False,
    public_url: str = "",
    mailer: Mailer | None = None,
) -> None:
    """Work until SIGTERM or SIGINT; the batch in hand is finished first. `public_url` is how the
    links of ours in messages reach us; `mailer` sends alerts.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    database = Database(database_url)
    bell = Doorbell(redis_url)
    runner = Runner(database, clock, bell, public_url=public_url)
    caller = Caller(database, clock, allow_private=allow_private_webhooks)
    teller = Teller(database, clock, allow_private=allow_private_webhooks, mailer=mailer)
    way = Way(public_url, by_mail=mailer is not None)
    ctx: dict[str, Any] = {
        "runner": runner,
        "caller": caller,
        "teller": teller,
        "occasions": Occasions(database, runner.flows, clock, runner.batch),
        "retention": Retention(database),
    }
    tasks = [
        asyncio.create_task(_work(redis_url, ctx, bell, stop)),
        asyncio.create_task(_beat(database, stop)),
        asyncio.create_task(_watch(ctx, stop)),
        asyncio.create_task(_tell(teller, way, stop)),
    ]
    try:
        await stop.wait()
        await asyncio.gather(*tasks)
    finally:
        await teller.close()
        await caller.close()
        await bell.close()
        await database.close()


async def _work(redis_url: str, ctx: dict[str, Any], bell: Doorbell, stop: asyncio.Event) -> None:
    """Arq as long as Redis is there, bare ticks while it is not."""
    while not stop.is_set():
        worker = None
        try:
            worker = await _worker(redis_url, ctx, bell)
            await _until(worker.main(), stop)
        except (RedisError, OSError) as error:
            log.warning("Redis is away; going on without it", error=str(error))
        except Exception:
            log.exception("engine fault; trying again")
        finally:
            if worker is not None:
                await _leave(worker)
        if not stop.is_set():
            await _tick_once(ctx)
            await _until(asyncio.sleep(PAUSE_S), stop)


async def _watch(ctx: dict[str, Any], stop: asyncio.Event) -> None:
    """Tick when nobody else does: a Redis that hangs says nothing at all, and arq's own ticks
    wait for a wall clock that may have been put back.
    """
    loop = asyncio.get_running_loop()
    runner: Runner = ctx["runner"]
    runner.ticked_at = loop.time()
    while not stop.is_set():
        if loop.time() - runner.ticked_at > SILENT_S:
            log.warning("no tick came; looking without Redis")
            await _tick_once(ctx)
        await _until(asyncio.sleep(PAUSE_S), stop)


async def _worker(redis_url: str, ctx: dict[str, Any], bell: Doorbell) -> RungWorker:
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    settings.retry_on_timeout = True
    pool = await create_pool(settings)
    return RungWorker(
        bell,
        functions=[func(advance_batch, keep_result=0, max_tries=1)],
        cron_jobs=[
            cron(tick, second=EVERY_SECOND, microsecond=0, keep_result=0, max_tries=1, unique=True),
            cron(upkeep, second=0, microsecond=0, keep_result=0, max_tries=1, unique=True),
        ],
        redis_pool=pool,
        queue_name=QUEUE,
        handle_signals=False,
        job_timeout=JOB_LIMIT_S,
        keep_result=0,
        ctx=ctx,
    )


async def _leave(worker: Worker) -> None:
    """Let the jobs in hand finish, then hang up; arq's own `close` would cancel them."""
    if worker.tasks:
        await asyncio.wait(worker.tasks.values(), timeout=FINISH_S)
    for task in worker.tasks.values():
        task.cancel()
    await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    with contextlib.suppress(RedisError, OSError):
        await worker.pool.aclose(close_connection_pool=True)


async def _tick_once(ctx: dict[str, Any]) -> None:
    try:
        await tick(ctx)
    except Exception:
        log.exception("tick failed; trying again")


async def _until(work: Any, stop: asyncio.Event) -> None:
    """Await `work` or the stop, whichever is first."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.create_task(stop.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    else:
        await task


async def _tell(teller: Teller, way: Way, stop: asyncio.Event) -> None:
    """Tell news as it comes, in a line of its own: programs that are slow keep no run waiting."""
    while not stop.is_set():
        told = 0
        try:
            told = await announce(teller.database, way, teller.clock())
            told += await teller.tell_due()
        except Exception as error:  # noqa: BLE001  the database is away: what is due stays due
            log.warning("news cannot be told; trying again", error=repr(error))
        if not told:
            await _until(asyncio.sleep(PAUSE_S), stop)


async def _beat(database: Database, stop: asyncio.Event) -> None:
    """Say that we live. Real time: health must not depend on a clock that tests move."""
    name = f"engine:{socket.gethostname()}:{os.getpid()}"
    started = datetime.now(UTC)
    while not stop.is_set():
        try:
            async with database.write() as tx:
                await heartbeats.beat(tx, name, os.getpid(), started, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  the database is away: others will notice
            log.warning("no heartbeat", error=str(error))
        await _until(asyncio.sleep(BEAT_S), stop)
