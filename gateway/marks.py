"""Telling customers that their message was read: when a person opens the chat, and, where a company
wants that, just before it is answered.

Rule: it never holds up or fails a message. A mark that cannot be set is forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from gateway.channel import Channel, PhoneAccess, SendError
from gateway.claims import access_to
from gateway.pacing import LIVE_PRIORITY
from store import companies, phone_use, read_marks
from store.database import Database
from store.phone_use import SendingPhone
from store.queue import Queued
from store.read_marks import Mark

AT_ONCE = 50
WITHIN_S = 3.0  # an answer does not wait longer for its blue ticks
log = structlog.get_logger(__name__)


class Marks:
    """One worker's blue ticks. `wanting`: companies that show them before they answer."""

    def __init__(self, database: Database, channels: Mapping[str, Channel]) -> None:
        self.database = database
        self.channels = channels
        self.wanting: frozenset[int] = frozenset()

    async def ask_companies(self) -> None:
        """Learn which companies want it."""
        found: set[int] = set()
        after = 0
        async with self.database.read() as tx:
            while page := await companies.page(tx, after=after):
                found |= {one.id for one in page if one.settings.mark_read}
                after = page[-1].id
        self.wanting = frozenset(found)

    async def say(self) -> int:
        """Tell whoever is to be told; how many."""
        async with self.database.read() as tx:
            if not await read_marks.are_there(tx):
                return 0
        async with self.database.write() as tx:
            taken = await read_marks.take(tx, AT_ONCE)
            phones = await phone_use.by_ids(tx, {one.phone_id for one in taken})
        by_id = {phone.id: phone for phone in phones}
        told = [(by_id[one.phone_id], one) for one in taken if one.phone_id in by_id]
        await asyncio.gather(
            *(self._tell(phone.kind, access_to(phone), one) for phone, one in told)
        )
        return len(told)

    async def before_answer(self, queued: Queued, phone: SendingPhone) -> None:
        """Show that we read what this message answers."""
        if queued.priority != LIVE_PRIORITY or queued.company_id not in self.wanting:
            return
        try:
            async with asyncio.timeout(WITHIN_S):
                async with self.database.read() as tx:
                    mark = await read_marks.newest(tx, queued.contact_id, phone.id)
                if mark is not None:
                    await self._tell(phone.kind, access_to(phone), mark)
        except Exception as error:  # noqa: BLE001 - the message goes in any case
            log.info("not marked as read", contact=queued.contact_id, error=repr(error))

    async def _tell(self, kind: str, phone: PhoneAccess, mark: Mark) -> None:
        if kind not in self.channels:
            return
        failed = await self.channels[kind].mark_read(phone, mark.channel_id, typing=False)
        if isinstance(failed, SendError):
            log.info(
                "not marked as read",
                contact=mark.contact_id,
                phone=mark.phone_id,
                meaning=failed.meaning,
                code=failed.code,
            )
