"""What open pages are told: one look a second at each automation that somebody watches.

Rule: however many pages watch an automation, the database is asked once for all of them, and not
at all when nobody does. The database is the truth; what is missed here is seen a second later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa
import structlog
from litestar import Litestar
from msgspec import Struct

from store.automations import automations, revisions
from store.results import Span, results
from web.builder.live.watcher import Watcher, person_of
from web.builder.results.numbers import counter
from web.config import WebConfig

EACH_S = 1.0
AT_LEAST_S = 0.2
PRESENCE_EACH = 5  # looks
AFTER_A_FAULT_S = 5.0
NOTHING = {"here": 0, "passed": 0, "left": 0, "exits": {}, "messages": {}}
_NAME = "feeds"
log = structlog.get_logger(__name__)


class Standing(Struct, frozen=True):
    """How an automation stands."""

    draft_version: int
    status: str
    revision: int | None


class Feeds:
    """All automations that pages of this process watch."""

    def __init__(self, web: WebConfig) -> None:
        self.web = web
        self.closed = False
        self._feeds: dict[int, _Feed] = {}

    @asynccontextmanager
    async def watching(self, automation_id: int, watcher: Watcher) -> AsyncIterator[None]:
        """The watcher hears of the automation for as long as this is open."""
        feed = self._feeds.get(automation_id)
        if feed is None:
            feed = self._feeds[automation_id] = _Feed(self.web, automation_id)
        feed.join(watcher)
        try:
            yield
        finally:
            feed.leave(watcher)
            if not feed.watchers and self._feeds.get(automation_id) is feed:
                del self._feeds[automation_id]

    @property
    def watched(self) -> set[int]:
        """The automations somebody looks at."""
        return set(self._feeds)

    def close(self) -> None:
        """End all streams, also those that are opened later; called before the server stops."""
        self.closed = True
        for feed in self._feeds.values():
            feed.end()


class _Feed:
    """One automation, and the pages that watch it."""

    def __init__(self, web: WebConfig, automation_id: int) -> None:
        self.web = web
        self.automation_id = automation_id
        self.watchers: set[Watcher] = set()
        self._counts: dict[Span, dict[str, dict[str, Any]]] = {}
        self._elsewhere: set[str] = set()
        self._gone: set[str] = set()
        self._looks = 0
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, watcher: Watcher) -> None:
        self.watchers.add(watcher)
        self._hurry.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"feed-{self.automation_id}")

    def leave(self, watcher: Watcher) -> None:
        """The last one takes the lamp along, once it is told that they have gone."""
        self.watchers.discard(watcher)
        self._gone.add(watcher.mark)
        if not self.watchers:
            self._hurry.set()

    def end(self) -> None:
        for watcher in self.watchers:
            watcher.bell.set()
        self._hurry.set()

    async def _run(self) -> None:
        try:
            while self.watchers:
                try:
                    await self._look()
                except Exception as error:  # noqa: BLE001  the database is away: pages wait
                    log.warning("feed cannot look", automation=self.automation_id, error=str(error))
                    await asyncio.sleep(AFTER_A_FAULT_S)
                await self._rest()
            await self._meet()
        finally:
            self._task = None

    async def _rest(self) -> None:
        """A second, or less when somebody comes who has seen nothing yet."""
        await asyncio.sleep(AT_LEAST_S)  # many who come at once are one look
        with suppress(TimeoutError):
            async with asyncio.timeout(EACH_S - AT_LEAST_S):
                await self._hurry.wait()
        self._hurry.clear()

    async def _look(self) -> None:
        spans = {one.span for one in self.watchers}
        async with self.web.database.read() as tx:
            row = (await tx.execute(_standing(self.automation_id))).one_or_none()
            found = {span: await results(tx, self.automation_id, span) for span in spans}
        now = {
            span: {step: counter(one) for step, one in numbers.steps.items()}
            for span, numbers in found.items()
        }
        await self._maybe_meet()
        for watcher in self.watchers:
            if row is not None:
                watcher.tell("draft", {"version": row.draft_version})
                watcher.tell("status", {"status": row.status, "revision": row.revision})
            if watcher.span in now:
                before = {} if watcher.fresh else self._counts.get(watcher.span, {})
                watcher.count(changed(before, now[watcher.span]))
                watcher.fresh = False
            watcher.tell("here", self._others(watcher))
        self._counts = now

    async def _maybe_meet(self) -> None:
        if self._looks % PRESENCE_EACH == 0 or self._gone or any(o.fresh for o in self.watchers):
            await self._meet()
        self._looks += 1

    async def _meet(self) -> None:
        """Tell the other processes who is here, and hear who is there."""
        mine, gone = {one.mark for one in self.watchers}, self._gone
        self._gone = set()
        moment = self.web.real_clock().timestamp()
        room = str(self.automation_id)
        found = await self.web.presence.tell(room, mine, gone, moment)
        self._elsewhere = set() if found is None else found - mine

    def _others(self, watcher: Watcher) -> list[str]:
        """The names of those who are here besides the owner of this page, each once."""
        people = {one.person for one in self.watchers}
        people |= {one for mark in self._elsewhere if (one := person_of(mark)) is not None}
        return sorted({one.name for one in people if one.user_id != watcher.person.user_id})


def changed(
    before: Mapping[str, dict[str, Any]], now: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The steps whose numbers are not as they were; zeros for those that nobody is at any more."""
    found = {step: one for step, one in now.items() if before.get(step) != one}
    return found | {step: NOTHING for step in before if step not in now}


def feeds_of(app: Litestar) -> Feeds:
    """Those of an application."""
    if _NAME not in app.state:
        app.state[_NAME] = Feeds(app.state["web"])
    found: Feeds = app.state[_NAME]
    return found


def _standing(automation_id: int) -> sa.Select[Any]:
    return (
        sa.select(
            automations.c.draft_version, automations.c.status, revisions.c.number.label("revision")
        )
        .outerjoin(revisions, revisions.c.id == automations.c.live_revision_id)
        .where(automations.c.id == automation_id)
    )
