"""What is forgotten when, a little at a time: traces, handled events, webhook calls, links.

Rule: one piece is one short transaction, so that sends and starts never wait for it. How long
traces and events are kept is each company's own setting; counters, runs and messages stay.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import companies, retention
from store.companies import CompanySettings
from store.database import Database
from store.retention import Piece

PIECE = 5_000  # rows of one transaction: well under a tenth of a second on either database
PIECES = 10  # of one table in one call, so 50,000 rows a minute
LOOKS = 50  # pieces looked at in one call; most of them hold nothing to forget
PAUSE_S = 0.05  # between two pieces: writers of other processes get their turn
REST = timedelta(hours=1)  # after a walk to the end, before the next begins
LEAST_KEPT_DAYS = 7  # shops and WhatsApp repeat a webhook for so long: its id must be known
CALLS_KEPT = timedelta(days=30)
LINKS_KEPT = timedelta(days=180)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger(__name__)

Look = Callable[[AsyncConnection, int, int], Awaitable[Piece | None]]
Forget = Callable[[AsyncConnection, Piece, list[int], datetime], Awaitable[int]]
KeptDays = Callable[[CompanySettings], int]


class Forgotten(Struct, frozen=True):
    """Rows deleted in one call."""

    traces: int = 0
    events: int = 0
    calls: int = 0
    links: int = 0


class Walk(Struct):
    """How far a walk through a table has come. It is not stored: a new worker begins again."""

    after: int = 0
    upto: datetime | None = None
    rests_until: datetime = BEGINNING


class Retention:
    """One worker's broom. Several workers may sweep at once: they only find less."""

    def __init__(self, database: Database, *, piece: int = PIECE, pause_s: float = PAUSE_S) -> None:
        self.database = database
        self.piece = piece
        self.pause_s = pause_s
        self._traces = Walk()
        self._events = Walk()

    async def work(self, now: datetime) -> Forgotten:
        """Forget some of what is due at `now`; the rest is for the next call."""

        async def forget_traces(
            tx: AsyncConnection, piece: Piece, ids: list[int], before: datetime
        ) -> int:
            return await retention.forget_traces(tx, piece, ids, before, now)

        done = Forgotten(
            await self._walk(
                self._traces, retention.look_at_traces, forget_traces, _trace_days, now
            ),
            await self._walk(
                self._events, retention.look_at_events, retention.forget_events, _event_days, now
            ),
            await self._front(retention.forget_calls, now - CALLS_KEPT),
            await self._front(retention.forget_links, now - LINKS_KEPT),
        )
        if done != Forgotten():
            log.info(
                "forgotten",
                traces=done.traces,
                events=done.events,
                calls=done.calls,
                links=done.links,
            )
        return done

    async def _walk(
        self, walk: Walk, look: Look, forget: Forget, days: KeptDays, now: datetime
    ) -> int:
        """Go on through the table, piece by piece, up to what nobody wants forgotten yet."""
        if now < walk.rests_until:
            return 0
        if walk.upto is None:
            walk.upto = now - await self._shortest(days)
        deleted = pieces = 0
        for _ in range(LOOKS):
            async with self.database.read() as tx:
                piece = await look(tx, walk.after, self.piece)
                due = await _due(tx, piece, days, now) if piece is not None else {}
            if piece is None or piece.oldest >= walk.upto:
                walk.after, walk.upto, walk.rests_until = 0, None, now + REST
                break
            if due:
                async with self.database.write() as tx:
                    for before, company_ids in due.items():
                        deleted += await forget(tx, piece, company_ids, before)
                pieces += 1
            walk.after = piece.last
            if pieces == PIECES:
                break
            if due:
                await asyncio.sleep(self.pause_s)
        return deleted

    async def _front(
        self, forget: Callable[[AsyncConnection, datetime, int], Awaitable[int]], before: datetime
    ) -> int:
        deleted = 0
        for _ in range(PIECES):
            async with self.database.write() as tx:
                count = await forget(tx, before, self.piece)
            deleted += count
            if count < self.piece:
                break
            await asyncio.sleep(self.pause_s)
        return deleted

    async def _shortest(self, days: KeptDays) -> timedelta:
        """The shortest time any company keeps this."""
        shortest = days(CompanySettings())
        after = 0
        async with self.database.read() as tx:
            while found := await companies.page(tx, after=after):
                shortest = min(shortest, *(days(one.settings) for one in found))
                after = found[-1].id
        return timedelta(days=shortest)


async def _due(
    tx: AsyncConnection, piece: Piece, days: KeptDays, now: datetime
) -> dict[datetime, list[int]]:
    """`{forget what is before: ids of the companies that want it}`, as far as they are in it."""
    known = await companies.find_many(tx, piece.companies)
    due: dict[datetime, list[int]] = defaultdict(list)
    for company_id, oldest in piece.companies.items():
        settings = known[company_id].settings if company_id in known else CompanySettings()
        before = now - timedelta(days=days(settings))
        if oldest < before:
            due[before].append(company_id)
    return due


def _trace_days(settings: CompanySettings) -> int:
    return settings.keep_traces_days


def _event_days(settings: CompanySettings) -> int:
    return max(settings.keep_events_days, LEAST_KEPT_DAYS)
