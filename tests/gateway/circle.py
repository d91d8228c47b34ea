"""The gateway and the pretend WhatsApp in front of each other: real HTTP both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import sqlalchemy as sa

from flows.content import Content
from gateway.channels.cloud_api import CloudApi, parse, verify
from gateway.dispatcher import Dispatcher
from gateway.inbound import take_in
from sandbox.server import server as sandbox_server
from store import phone_use
from store.contacts import contacts
from store.doorbell import Doorbell
from store.events import events
from store.phones import phones
from tests.sandbox.bench import PNID, WABA, Bench, Receiver, config_for, until

if TYPE_CHECKING:
    from tests.gateway.conftest import House


class Circle:
    """A house whose phone is the sandbox's number."""

    def __init__(self, house: House, bench: Bench, media: Path) -> None:
        self.house, self.bench = house, bench
        self.channel = CloudApi()
        self.dispatcher = Dispatcher(
            house.db,
            Doorbell(None),
            house.clock,
            {"cloud_api": self.channel},
            name="g",
            media=media,
        )
        self.taken = 0

    async def quiet(self) -> None:
        """Let the sandbox finish, and take in whatever its webhooks told."""
        await self.bench.quiet()
        receiver = self.bench.receiver
        while self.taken < len(receiver.bodies):
            raw, header = receiver.bodies[self.taken], receiver.signatures[self.taken]
            self.taken += 1
            async with self.house.db.write() as tx:
                secret = verify(raw, header, await phone_use.app_secrets(tx, "cloud_api"))
                assert secret is not None
                await take_in(tx, parse(raw), app_secret=secret, now=self.house.clock())

    async def send(self, content: Content, **values: Any) -> Any:
        [person] = await self.house.rows(contacts)
        async with self.house.db.write() as tx:
            await tx.execute(sa.update(events).values(handled_at=self.house.clock()))
        one = await self.house.queue(person.id, content, **values)
        await self.dispatcher.drain()
        await self.quiet()
        return await self.house.message(one)

    async def happened(self) -> list[Any]:
        return [row.data for row in await self.house.rows(events) if row.kind == "replied"]


@asynccontextmanager
async def a_circle(house: House, folder: Path) -> AsyncIterator[Circle]:
    """A running sandbox, and the house in front of it."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    config = config_for(folder, f"http://{host}:{port}/hooks/whatsapp")
    served = sandbox_server(config, port=0, clock=house.clock)
    serving = asyncio.create_task(served.serve())
    await until(lambda: served.started)
    url = f"http://127.0.0.1:{served.servers[0].sockets[0].getsockname()[1]}"
    async with house.db.write() as tx:
        await tx.execute(
            sa.update(phones).values(
                remote_id=PNID,
                account_id=WABA,
                base_url=url,
                credentials={"token": "token", "app_secret": "app-secret"},
            )
        )
    async with httpx.AsyncClient(base_url=url) as client:
        one = Circle(
            house, Bench(client, cast("Any", house.clock), receiver, config), folder / "media"
        )
        yield one
        await one.channel.close()
    served.should_exit = True
    await serving
    server.close()
