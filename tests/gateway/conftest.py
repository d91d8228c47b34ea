"""A company with phones, a pretend Meta behind real HTTP, and a clock that a test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.content import Content, Text, plain
from gateway.channels.cloud_api import CloudApi
from gateway.dispatcher import Dispatcher
from store import companies, phones, resolve
from store.addresses import Address
from store.automations import automations
from store.companies import CompanySettings
from store.database import Database
from store.doorbell import Doorbell
from store.events import events
from store.ids import new_id
from store.messages import messages
from tests.gateway.circle import Circle, a_circle

NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Rome


class Clock:
    """Says what the test says."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def go(self, **duration: float) -> None:
        self.now += timedelta(**duration)


Answer = tuple[int, dict[str, Any]] | None
"""Status and body; None hangs up without an answer, after the message was taken."""


class Meta:
    """Speaks just enough HTTP to be graph.facebook.com. `answer` decides about each request."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.tokens: list[str] = []
        self.answer: Callable[[dict[str, Any]], Answer | Awaitable[Answer]] = self.accept
        self.url = ""
        self._numbers = count(1)
        self._open: set[asyncio.StreamWriter] = set()

    def accept(self, _body: dict[str, Any]) -> Answer:
        wamid = f"wamid.{next(self._numbers)}"
        return 200, {"messaging_product": "whatsapp", "messages": [{"id": wamid}]}

    def refuse(self, code: int, status: int = 400) -> None:
        body = {"error": {"message": f"(#{code}) no", "code": code}}
        self.answer = lambda _body: (status, body)

    def references(self) -> list[int]:
        return [int(body["biz_opaque_callback_data"]) for body in self.taken]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                await self._one(line, reader, writer)
        except (ConnectionError, EOFError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        headers = {}
        while (header := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        if line.startswith(b"GET "):  # how a number fares: nothing to tell
            writer.write(b"HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n")
            return
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.paths.append(line.split()[1].decode())
        self.tokens.append(headers["authorization"])
        self.taken.append(body)
        answer = self.answer(body)
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer is None:
            raise ConnectionResetError
        status, told = answer
        raw = json.dumps(told).encode()
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw)
        await writer.drain()

    def hang_up(self) -> None:
        for writer in self._open:
            writer.close()


@pytest.fixture
async def meta(anyio_backend: str) -> AsyncIterator[Meta]:
    pretend = Meta()
    server = await asyncio.start_server(pretend.serve, "127.0.0.1", 0)
    pretend.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield pretend
    server.close()
    pretend.hang_up()
    await asyncio.sleep(0)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


class House:
    """One company: makes contacts, queues messages, looks at rows."""

    def __init__(self, db: Database, clock: Clock, meta: Meta) -> None:
        self.db, self.clock, self.meta = db, clock, meta
        self.company = self.phone = 0
        self.secret = "app-secret"
        self._numbers = count(391230000000)
        self._opened: list[CloudApi] = []

    async def build(self, **settings: Any) -> None:
        async with self.db.write() as tx:
            self.company = await companies.create(
                tx, "Shop", now=NOON, settings=CompanySettings(**settings)
            )
        self.phone = await self.add_phone("1000")

    async def build_another(self, remote_id: str) -> None:
        async with self.db.write() as tx:
            self.company = await companies.create(tx, "Another shop", now=NOON)
        self.phone = await self.add_phone(remote_id)

    async def settings(self, **settings: Any) -> None:
        async with self.db.write() as tx:
            await companies.set_settings(tx, self.company, CompanySettings(**settings))

    async def add_phone(self, remote_id: str, **told: Any) -> int:
        credentials = {"token": f"token-{remote_id}", "app_secret": self.secret}
        values: dict[str, Any] = {
            "remote_id": remote_id,
            "account_id": "waba-1",
            "name": f"Phone {remote_id}",
            "number": f"+39{remote_id}",
            "credentials": credentials,
            "base_url": self.meta.url,
        }
        async with self.db.write() as tx:
            return await phones.create(tx, self.company, "cloud_api", NOON, **values | told)

    async def contact(self, *, wrote_minutes_ago: float | None = None, **values: Any) -> int:
        number = str(next(self._numbers))
        wrote = None
        if wrote_minutes_ago is not None:
            wrote = self.clock() - timedelta(minutes=wrote_minutes_ago)
        async with self.db.write() as tx:
            contact = await resolve.resolve(tx, self.company, [Address("wa_id", number)], now=NOON)
            from store.contacts import contacts

            await tx.execute(
                sa.update(contacts)
                .where(contacts.c.id == contact)
                .values({"last_inbound_at": wrote, "zone": "Europe/Rome"} | values)
            )
        return contact

    async def queue(self, contact: int, content: Content | None = None, **values: Any) -> int:
        content = content or Text("Hello")
        message_id = new_id(self.clock())
        row = {
            "id": message_id,
            "company_id": self.company,
            "contact_id": contact,
            "direction": "out",
            "state": "queued",
            "kind": str(content.__struct_config__.tag),
            "content": msgspec.to_builtins(content),
            "preview": plain(content),
            "priority": 0,
            "source": "automation",
            "due_at": self.clock(),
            "created_at": self.clock(),
        }
        async with self.db.write() as tx:
            await tx.execute(sa.insert(messages).values(row | values))
        return message_id

    async def automation(self, priority: int = 0, status: str = "live") -> int:
        row = {"company_id": self.company, "name": "Offers", "status": status, "draft": {}}
        async with self.db.write() as tx:
            made = await tx.execute(
                sa.insert(automations)
                .values(**row, priority=priority, created_at=NOON, updated_at=NOON)
                .returning(automations.c.id)
            )
            return int(made.scalar_one())

    async def set_status(self, automation_id: int, status: str) -> None:
        which = automations.c.id == automation_id
        async with self.db.write() as tx:
            await tx.execute(sa.update(automations).where(which).values(status=status))

    def dispatcher(self, name: str = "gateway:test:1", **options: Any) -> Dispatcher:
        channel = CloudApi()
        self._opened.append(channel)
        return Dispatcher(
            self.db, Doorbell(None), self.clock, {"cloud_api": channel}, name=name, **options
        )

    async def message(self, message_id: int) -> Any:
        async with self.db.read() as tx:
            return (await tx.execute(sa.select(messages).where(messages.c.id == message_id))).one()

    async def rows(self, table: sa.Table) -> list[Any]:
        async with self.db.read() as tx:
            return list((await tx.execute(sa.select(table))).all())

    async def verdicts(self) -> list[tuple[int, str, str]]:
        told = [row for row in await self.rows(events) if row.kind == "verdict"]
        return [(row.run_id, row.data["state"], row.data.get("reason", "")) for row in told]

    async def close(self) -> None:
        for channel in self._opened:
            await channel.close()


@pytest.fixture
async def house(db: Database, clock: Clock, meta: Meta) -> AsyncIterator[House]:
    one = House(db, clock, meta)
    await one.build()
    yield one
    await one.close()


@pytest.fixture
async def circle(house: House, tmp_path: Path) -> AsyncIterator[Circle]:
    async with a_circle(house, tmp_path) as one:
        yield one
