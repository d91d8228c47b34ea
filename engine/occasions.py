"""Triggers whose own time has come: schedules, dates of contacts, campaigns, as events.

Rules: once for each contact and occurrence, whatever crashes; what was due while nobody worked is
made up for in order, up to three days back; nothing is due for the time before a trigger was
published, nor for the time it was paused, nor for a field that is filled in too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.campaigns import PIECE, Campaigns, occasion_row
from engine.flowcache import FlowCache
from engine.room import Room
from flows.events import Occasion
from store import campaigns, events, occasions
from store.database import Database, in_chunks
from store.occasions import Dated, LiveRevision
from triggers.date_field import DateField
from triggers.schedule import Schedule

MINUTE = timedelta(minutes=1)  # how closely times are kept: none is written to the second
TOO_LATE = timedelta(days=3)  # what was due longer ago helps nobody any more
LOOKED_AT = 5_000  # contacts with a date, at once
REVISIONS = 200  # read at once when they are new to this process
log = structlog.get_logger(__name__)

Timed = Schedule | DateField


class _Clocked(Struct, frozen=True):
    """One trigger with a time of its own, of a live automation."""

    live: LiveRevision
    name: str
    trigger: Timed
    after: datetime
    upto: datetime


class Occasions:
    """One engine worker's calendar. `serve` lets the engine see to one batch of whoever waits."""

    def __init__(
        self,
        database: Database,
        flows: FlowCache,
        clock: Callable[[], datetime],
        serve: Callable[[], Awaitable[object]],
    ) -> None:
        self.database = database
        self.flows = flows
        self.clock = clock
        self.room = Room(database, serve)
        self.campaigns = Campaigns(database, clock, self.room)
        self._busy = asyncio.Lock()
        self._looked: datetime | None = None
        self._timed: dict[int, dict[str, Timed]] = {}

    async def ring(self) -> int:
        """Put in line whoever's time has come; how many. While one call is at it, others do
        nothing. Called each second; looks at calendars once a minute.
        """
        if self._busy.locked():
            return 0
        async with self._busy:
            minute = self.clock().replace(second=0, microsecond=0)
            found = 0
            if minute != self._looked:
                self.campaigns.try_all_again()
                found += await self._look(minute)
                self._looked = minute
            return found + await self.campaigns.fill()

    async def _look(self, upto: datetime) -> int:
        """Everything that was due until `upto`."""
        async with self.database.read() as tx:
            live = await occasions.live_revisions(tx)
            await self._learn(tx, live)
            marks = await occasions.marks(tx)
        await self._tidy(live, marks, upto)
        found = 0
        for one in live:
            for name, trigger in self._timed[one.revision_id].items():
                mark = marks.get((one.automation_id, name), one.published_at)
                clocked = _Clocked(one, name, trigger, max(mark, upto - TOO_LATE), upto)
                if mark < clocked.after:
                    log.warning("occasions too late", **_ids(clocked), since=mark.isoformat())
                try:
                    found += await self._see_to(clocked)
                except Exception:
                    # One company's fault is not the others'; its mark stays, so it is tried again.
                    log.exception("occasion fault", **_ids(clocked))
        return found

    async def _learn(self, tx: AsyncConnection, live: Sequence[LiveRevision]) -> None:
        """Keep the timed triggers of what is live, and forget all others."""
        ids = {one.revision_id for one in live}
        self._timed = {one: timed for one, timed in self._timed.items() if one in ids}
        for chunk in in_chunks(sorted(ids - self._timed.keys()), REVISIONS):
            for revision_id, flow in (await self.flows.of_revisions(tx, chunk)).items():
                self._timed[revision_id] = {
                    name: trigger
                    for name, trigger in flow.triggers.items()
                    if isinstance(trigger, Schedule | DateField)
                }

    async def _tidy(
        self,
        live: Sequence[LiveRevision],
        marks: dict[tuple[int, str], datetime],
        upto: datetime,
    ) -> None:
        """A new trigger begins where it was published; one that is paused misses what it misses."""
        there = {
            (one.automation_id, name): one.published_at
            for one in live
            for name in self._timed[one.revision_id]
        }
        automations = {one.automation_id for one in live}
        paused = {key[0] for key, mark in marks.items() if mark < upto} - automations
        gone = {key for key in marks.keys() - there.keys() if key[0] in automations}
        new = there.keys() - marks.keys()
        if not (paused or gone or new):
            return
        async with self.database.write("engine.marks") as tx:
            await occasions.pass_over(tx, sorted(paused), upto)
            await occasions.forget_marks(tx, gone)
            for key in sorted(new):
                await occasions.mark(tx, *key, there[key])

    async def _see_to(self, one: _Clocked) -> int:
        match one.trigger:
            case Schedule() as schedule:
                return await self._schedule(one, schedule)
            case DateField() as dates:
                return await self._dates(one, dates)

    async def _schedule(self, one: _Clocked, schedule: Schedule) -> int:
        """Each occurrence is a campaign of its own, made together with the mark."""
        due = schedule.due(one.after, one.upto, one.live.zone)
        if not due:
            return 0
        async with self.database.write("engine.schedule") as tx:
            for moment in due:
                await campaigns.create(
                    tx,
                    company_id=one.live.company_id,
                    automation_id=one.live.automation_id,
                    trigger=one.name,
                    kind="schedule",
                    audience=msgspec.to_builtins(schedule.audience),
                    occurrence=moment.occurrence,
                    data={"at": moment.at.isoformat(), "local": moment.occurrence},
                    now=one.upto,
                )
            await occasions.mark(tx, one.live.automation_id, one.name, one.upto)
        log.info("schedule due", **_ids(one), occurrences=len(due))
        return len(due)

    async def _dates(self, one: _Clocked, dates: DateField) -> int:
        """Look along the contacts whose day may have come. A crash looks again from the mark:
        whoever was put in line already has an event with that occurrence.
        """
        live = one.live
        if not dates.may_be_due(one.after, one.upto, live.zone):
            return 0
        heads = dates.heads(one.after, one.upto)
        cursor, found = 0, 0
        while True:
            async with self.database.read() as tx:
                near = await occasions.dated(
                    tx,
                    live.company_id,
                    live.zone,
                    dates.field,
                    heads.days,
                    yearly=heads.yearly,
                    after=cursor,
                    limit=LOOKED_AT,
                )
            rows = [
                _date_row(one, dates, contact, due.at, due.occurrence)
                for contact in near
                for due in dates.due(contact.value, one.after, one.upto, contact.zone, live.zone)
            ]
            rows.sort(key=lambda row: row["at"])
            for some in in_chunks(rows, PIECE):
                await self.room.make()
                async with self.database.write("engine.dates") as tx:
                    found += len(await events.insert_many(tx, some))
            if len(near) < LOOKED_AT:
                break
            cursor = near[-1].contact_id
        async with self.database.write("engine.dates") as tx:
            await occasions.mark(tx, live.automation_id, one.name, one.upto)
        if found:
            await self.room.make(1)
            log.info("dates due", **_ids(one), contacts=found)
        return found


def _date_row(
    one: _Clocked, dates: DateField, contact: Dated, at: datetime, occurrence: str
) -> dict[str, Any]:
    day = occurrence.partition("T")[0]
    occasion = Occasion(
        "date_field",
        one.live.automation_id,
        one.name,
        {"date": {"field": dates.field, "value": contact.value, "day": day}},
        f"the day in “{dates.field}” is {day}",
    )
    source = f"date:{one.live.automation_id}:{one.name}:{contact.contact_id}:{occurrence}"
    return occasion_row(one.live.company_id, contact.contact_id, occasion, source, at, one.upto)


def _ids(one: _Clocked) -> dict[str, Any]:
    return {
        "company": one.live.company_id,
        "automation": one.live.automation_id,
        "trigger": one.name,
    }
