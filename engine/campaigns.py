"""Campaigns and occurrences of schedules: their audiences put in line, a piece at a time.

Rules: the cursor moves in the transaction that puts its piece in line, so that a crash anywhere
neither skips nor repeats anybody; one broken campaign holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import structlog

from engine.audience import piece
from engine.room import Room
from flows.audience import Audience
from flows.events import Occasion
from store import campaigns, events
from store.campaigns import Campaign
from store.database import Database

PIECE = 250  # contacts put in line at once: about a tenth of a second's work for the engine
LONGEST_S = 60.0  # in one go; the next tick goes on, and no job is held for long
log = structlog.get_logger(__name__)


class Campaigns:
    """One engine worker's way of filling the line."""

    def __init__(self, database: Database, clock: Callable[[], datetime], room: Room) -> None:
        self.database = database
        self.clock = clock
        self.room = room
        self._aside: set[int] = set()

    def try_all_again(self) -> None:
        """Take up those again that were broken when they were last tried."""
        self._aside.clear()

    async def fill(self) -> int:
        """Put the audiences of unfinished campaigns in line, a piece of each in turn."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_S
        found, moved = 0, True
        while moved and loop.time() < end:
            async with self.database.read() as tx:
                known = await campaigns.to_fill(tx)
            unfinished = [one for one in known if one.id not in self._aside]
            if not unfinished:
                break
            moved = False
            for campaign in unfinished:
                if not await self.room.make():
                    return found  # live traffic goes first; the next tick tries again
                try:
                    count = await self.fill_piece(campaign)
                except Exception:
                    # The others go on; this one is tried again in the next minute.
                    log.exception(
                        "campaign fault", company=campaign.company_id, campaign=campaign.id
                    )
                    self._aside.add(campaign.id)
                    continue
                moved = moved or count is not None
                found += count or 0
        if found:
            await self.room.make(1)
        return found

    async def fill_piece(self, campaign: Campaign) -> int | None:
        """The next piece, with its cursor, in one short transaction; how many were put in line.
        None: another worker was faster. Whom the audience holds is found out before it, so that
        nobody waits for that.
        """
        now = self.clock()
        async with self.database.read() as tx:
            found = await piece(
                tx,
                campaign.company_id,
                msgspec.convert(campaign.audience, Audience),
                after=campaign.cursor,
                upto=campaign.ceiling,
                limit=PIECE,
                now=now,
            )
        rows = [_campaign_row(campaign, contact_id, now) for contact_id in found.contact_ids]
        async with self.database.write("engine.campaign") as tx:
            if not await campaigns.advance(
                tx,
                campaign,
                found.cursor,
                started=len(rows),
                left_out=found.left_out,
                now=now,
            ):
                return None
            await events.insert_many(tx, rows)
        if found.cursor is None:
            log.info("campaign started", company=campaign.company_id, campaign=campaign.id)
        return len(rows)


def occasion_row(
    company_id: int, contact_id: int, occasion: Occasion, source: str, at: datetime, now: datetime
) -> dict[str, Any]:
    """An occasion of one contact as a row of events; `source` names it for ever."""
    return {
        "company_id": company_id,
        "contact_id": contact_id,
        "kind": "occasion",
        "data": msgspec.to_builtins(occasion),
        "source_id": source,
        "at": at,
        "created_at": now,
    }


def _campaign_row(campaign: Campaign, contact_id: int, now: datetime) -> dict[str, Any]:
    if campaign.kind == "schedule":
        data: dict[str, Any] = {"schedule": campaign.data}
        why = f"it was {campaign.occurrence.replace('T', ' ')}"
    else:
        named = {"id": str(campaign.id), "name": campaign.name}
        data = {"campaign": named, "data": campaign.data}
        why = f"they are in the audience of “{campaign.name}”" if campaign.name else ""
    occasion = Occasion(campaign.kind, campaign.automation_id, campaign.trigger, data, why)
    source = f"campaign:{campaign.id}:{contact_id}"
    return occasion_row(campaign.company_id, contact_id, occasion, source, now, now)
