"""A company with a paired phone whose library is pretended, in the real chain of processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.channels.neonize import Neonize
from gateway.dispatcher import Dispatcher
from gateway.host import Host
from store import pairing, phones
from store.database import Database
from store.doorbell import Doorbell
from tests.gateway.conftest import NOON, Clock, House, Meta
from tests.gateway.paired.pretend import PROGRAM, Pretend

OWN = "390000000001@s.whatsapp.net"
PATIENCE_S = 20.0


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something another process does; what it was."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await holds()):  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.02)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class PairedHouse(House):
    """The house with paired phones, and one worker that owns them."""

    def __init__(self, db: Database, clock: Clock, meta: Meta, folder: Path) -> None:
        super().__init__(db, clock, meta)
        self.folder = folder
        self.channel = self.open_channel()
        self._tasks: list[asyncio.Task[None]] = []
        self._channels: list[Neonize] = []

    def open_channel(self, **options: Any) -> Neonize:
        told: dict[str, Any] = {
            "program": PROGRAM, "typing": False, "media": self.folder / "media", "round_s": 0.02,
        }  # fmt: skip
        return Neonize(self.folder / "phones", **(told | options))

    async def build(self, **settings: Any) -> None:
        await super().build(gap_minutes=0, **settings)
        async with self.db.write() as tx:
            await tx.execute(sa.delete(phones.phones))
        self.phone = await self.add_paired()

    async def add_paired(self, jid: str | None = OWN, **told: Any) -> int:
        paired = NOON - timedelta(days=200)
        values = {
            "name": "Own", "remote_id": jid, "status": "offline" if jid else "pairing",
            "paired_at": paired if jid else None,
        }  # fmt: skip
        async with self.db.write() as tx:
            made = await phones.create(tx, self.company, "neonize", paired, **(values | told))
        if jid:
            (self.folder / f"{made}.own").write_text(jid.partition("@")[0])
        return made

    def work(self, channel: Neonize | None = None, name: str = "gateway:test:1") -> None:
        """Let a worker look after the phones."""
        one = channel or self.channel
        self._channels.append(one)
        host = Host(self.db, Doorbell(None), self.clock, name)
        self._tasks.append(asyncio.create_task(one.run(host)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self._channels:
            await channel.close()
        self._tasks, self._channels = [], []

    def paired_dispatcher(self, name: str = "gateway:test:1") -> Dispatcher:
        return Dispatcher(self.db, Doorbell(None), self.clock, {"neonize": self.channel}, name=name)

    def pretend(self, phone_id: int = 0) -> Pretend:
        return Pretend(self.folder / "phones" / f"{phone_id or self.phone}.db")

    async def the_phone(self, phone_id: int = 0) -> Any:
        async with self.db.read() as tx:
            query = sa.select(phones.phones).where(phones.phones.c.id == (phone_id or self.phone))
            return (await tx.execute(query)).one()

    async def is_(self, status: str, phone_id: int = 0) -> Any:
        """Wait until a phone has this status."""

        async def has() -> Any:
            row = await self.the_phone(phone_id)
            return row if row.status == status else None

        return await until(has)

    async def wish(self, wanted: str, phone_id: int = 0) -> None:
        async with self.db.write() as tx:
            await pairing.wish(tx, phone_id or self.phone, wanted)

    async def pairing_is(self, state: str, phone_id: int = 0) -> Any:
        async def has() -> Any:
            shown = (await self.the_phone(phone_id)).pairing or {}
            return shown if shown.get("state") == state else None

        return await until(has)


@pytest.fixture
async def db(sqlite_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """SQLite is enough here: what both databases must do alike is tested with the store."""
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
async def paired(
    db: Database, clock: Clock, meta: Meta, tmp_path: Path
) -> AsyncIterator[PairedHouse]:
    one = PairedHouse(db, clock, meta, tmp_path)
    await one.build()
    yield one
    await one.stop()
    await one.close()
