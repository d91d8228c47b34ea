"""Room before more is put in line: a live reply never stands behind a campaign.

Rule: bulk work goes through here, in pieces, and never goes on while others wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from store import occasions
from store.database import Database

ROOM = 50  # events that may wait while more are put in line
ROUNDS = 20  # batches served for room; where more still waits, live traffic goes first
BREATH_S = 0.03  # between pieces: SQLite lets who waits try again only every so many milliseconds


class Room:
    """The engine's line. `serve` sees to one batch of whoever waits."""

    def __init__(self, database: Database, serve: Callable[[], Awaitable[object]]) -> None:
        self.database = database
        self.serve = serve

    async def make(self, room: int = ROOM) -> bool:
        """Let the engine serve what waits, until fewer than `room` do, before more is put in line
        behind it; whether they are that few. In between, other processes get to write.
        """
        for _ in range(ROUNDS):
            async with self.database.read() as tx:
                waiting = await occasions.backlog(tx, room)
            if waiting < room:
                return True
            await self.serve()  # or another worker has them in hand
            await asyncio.sleep(BREATH_S)
        return False
