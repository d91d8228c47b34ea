"""A company with a contact, a settable clock and a runner, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.carts import ring_carts
from engine.intake import take_in
from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Event, Replied, Verdict
from store import automations, companies, events, messages, resolve, runs, shops, visits
from store.addresses import Address
from store.contacts import contact_tags, contacts
from store.database import Database
from store.doorbell import Doorbell
from tests.engine.flows import NOW
from triggers.shops import shopify


class House:
    """One company and the engine that serves it."""

    def __init__(self, database: Database, batch: int = 500) -> None:
        self.database = database
        self.now = NOW
        self.runner = Runner(database, lambda: self.now, Doorbell(None), batch)
        self.company = 0
        self.shop: Any = None

    async def open(self) -> None:
        async with self.database.write() as tx:
            self.company = await companies.create(tx, "Blue Mugs", now=NOW)
            self.shop = await shops.create(
                tx, self.company, "shopify", NOW, name="Mugs", shop_secrets=["secret"], country="GB"
            )

    async def contact(self, number: str = "+447700900123", **names: str) -> int:
        async with self.database.write() as tx:
            return await resolve.resolve(
                tx, self.company, [Address("phone", number)], now=self.now, **names
            )

    async def live(self, document: dict[str, Any]) -> int:
        """Publish an automation."""
        async with self.database.write() as tx:
            automation = await automations.create(tx, self.company, document, NOW)
            await automations.publish(tx, self.company, automation, None, "", NOW)
            return automation

    async def tell(
        self, contact: int, *told: Event, source: str | None = None, run: int | None = None
    ) -> int:
        """Write events; how many were new."""
        rows = [
            {
                "company_id": self.company,
                "contact_id": contact,
                "kind": str(event.__struct_config__.tag),
                "data": msgspec.to_builtins(event),
                "source_id": source,
                "run_id": run,
                "at": self.now,
                "created_at": self.now,
            }
            for event in told
        ]
        async with self.database.write() as tx:
            return len(await events.insert_many(tx, rows))

    async def start(self, contact: int, automation: int, **data: Any) -> None:
        await self.tell(contact, ApiCalled(automation, data))
        await self.runner.drain()

    async def say(self, contact: int, text: str) -> None:
        await self.tell(contact, Replied(text, Text(text)))
        await self.runner.drain()

    async def verdicts(self, state: Any = "sent") -> int:
        """Let the gateway have delivered everything that is queued; how many that was."""
        async with self.database.write() as tx:
            rows = (
                await tx.execute(
                    sa.select(messages.messages).where(messages.messages.c.state == "queued")
                )
            ).all()
            for row in rows:
                await tx.execute(
                    sa.update(messages.messages)
                    .where(messages.messages.c.id == row.id)
                    .values(state=state, sent_at=self.now)
                )
        for row in rows:
            if row.run_id:
                verdict = Verdict(row.seq, state)
                await self.tell(row.contact_id, verdict, source=f"verdict:{row.id}", run=row.run_id)
        await self.runner.drain()
        return len(rows)

    async def later(self, **length: float) -> None:
        self.now += timedelta(**length)
        await ring_carts(self.database, self.runner.flows, self.now)
        await self.runner.drain()

    async def shopify(self, topic: str, raw: bytes, event_id: str = "") -> int:
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Event-Id": event_id or topic}
        told = shopify.read(raw, headers, country="GB")
        async with self.database.write() as tx:
            count = await take_in(tx, self.shop, told, self.now)
        await self.runner.drain()
        return count

    async def texts(self, contact: int | None = None) -> list[str]:
        """Previews of all outgoing messages that were not recalled, oldest first."""
        table = messages.messages.c
        query = sa.select(table.preview).where(table.direction == "out", table.state != "cancelled")
        if contact is not None:
            query = query.where(table.contact_id == contact)
        return list(await self.all(query.order_by(table.id)))

    async def run(self) -> Any:
        """The newest run."""
        async with self.database.read() as tx:
            query = sa.select(runs.runs).order_by(runs.runs.c.id.desc()).limit(1)
            return (await tx.execute(query)).one()

    async def trace(self) -> list[tuple[str, str, str | None]]:
        run = await self.run()
        async with self.database.read() as tx:
            return [(line.step, line.did, line.exit) for line in await visits.of_run(tx, run.id)]

    async def all(self, query: sa.Select[Any]) -> Any:
        async with self.database.read() as tx:
            return (await tx.execute(query)).scalars().all()

    async def tags(self, contact: int) -> set[str]:
        query = sa.select(contact_tags.c.tag).where(contact_tags.c.contact_id == contact)
        return set(await self.all(query))

    async def row(self, tx: AsyncConnection, contact: int) -> Any:
        return (await tx.execute(sa.select(contacts).where(contacts.c.id == contact))).one()

    def at(self) -> datetime:
        return self.now


@pytest.fixture
async def house(database_url: str, anyio_backend: str) -> AsyncIterator[House]:
    database = Database(database_url)
    house = House(database)
    await house.open()
    yield house
    await database.close()
