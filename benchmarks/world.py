"""The world around the engine: contacts, a published automation, and a null channel.

Rule: everything here happens in bulk and outside the measured time. It is what web and gateway
write: events of contacts, the state of messages and their verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.journey import CART, DOCUMENT, LATER, NOW, REPLIED, VISITS
from benchmarks.words import MESSAGES, TAGS
from flows.events import ApiCalled, Event, Verdict
from store import automations, companies
from store.contacts import contact_tags, contacts
from store.database import Database, in_chunks
from store.events import events
from store.messages import messages
from store.runs import runs
from store.visits import visits


class World:
    """One company with one live automation in a database of ours. `now` is what the clock says."""

    def __init__(self, database: Database, company_id: int, automation_id: int) -> None:
        self.database = database
        self.company_id = company_id
        self.automation_id = automation_id
        self.now = NOW

    async def people(self, count: int) -> list[int]:
        """New contacts; their ids."""
        async with self.database.write() as tx:
            last = (await tx.execute(sa.select(sa.func.max(contacts.c.id)))).scalar() or 0
            row = {
                "company_id": self.company_id,
                "first_name": "Ada",
                "created_at": NOW,
                "updated_at": NOW,
            }
            await tx.execute(sa.insert(contacts), [row] * count)
            query = sa.select(contacts.c.id).where(contacts.c.id > last).order_by(contacts.c.id)
            people = list((await tx.execute(query)).scalars())
        await self.refresh()
        return people

    async def happen(self, wave: str, people: Sequence[int]) -> None:
        """Write down what happens to each of them in this wave; the timer's wave moves the clock.

        They have to be those who wait for it; verdicts go to every message in the queue.
        """
        async with self.database.write() as tx:
            match wave:
                case "start":
                    asked = ApiCalled(self.automation_id, CART, "automation")
                    await self.tell(tx, [(one, asked, None) for one in people])
                case "verdict":
                    await self.tell(
                        tx,
                        [
                            (row.contact_id, Verdict(row.seq, "sent"), row.run_id)
                            for row in await self.send_all(tx)
                        ],
                    )
                case "reply":
                    await self.tell(tx, [(one, REPLIED, None) for one in people])
                case _:
                    self.now += LATER

    async def tell(
        self, tx: AsyncConnection, told: Iterable[tuple[int, Event, int | None]]
    ) -> None:
        """Write events of contacts: contact id, event, and the run it is aimed at."""
        rows = [
            {
                "company_id": self.company_id,
                "contact_id": contact_id,
                "kind": str(event.__struct_config__.tag),
                "data": msgspec.to_builtins(event),
                "source_id": None,
                "run_id": run_id,
                "at": self.now,
                "created_at": self.now,
            }
            for contact_id, event, run_id in told
        ]
        for chunk in in_chunks(rows):
            await tx.execute(sa.insert(events), chunk)

    async def send_all(self, tx: AsyncConnection) -> Sequence[Any]:
        """The null channel: every queued message is sent; whose they are, and which wait's."""
        table = messages.c
        sent = await tx.execute(
            sa.update(messages)
            .where(table.state == "queued")
            .values(state="sent", sent_at=self.now)
            .returning(table.contact_id, table.run_id, table.step, table.seq)
        )
        return sent.all()

    async def refresh(self) -> None:
        """Let PostgreSQL count its rows, as its autovacuum does in a house that is lived in."""
        if self.database.dialect == "postgresql":
            async with self.database.write() as tx:
                await tx.execute(sa.text("ANALYZE"))

    async def check(self, people: Sequence[int]) -> None:
        """Every journey is done, every message sent, every tag there, nothing left to do."""
        ours = runs.c.contact_id.between(people[0], people[-1])
        theirs = messages.c.contact_id.between(people[0], people[-1])
        tagged = contact_tags.c.contact_id.between(people[0], people[-1])
        visited = visits.c.run_id.in_(sa.select(runs.c.id).where(ours))
        queries: dict[str, tuple[sa.Select[Any], int]] = {
            "journeys done": (_count(runs).where(ours, runs.c.status == "done"), 1),
            "journeys at all": (_count(runs).where(ours), 1),
            "messages sent": (_count(messages).where(theirs, messages.c.state == "sent"), MESSAGES),
            "messages at all": (_count(messages).where(theirs), MESSAGES),
            "visits": (_count(visits).where(visited), VISITS),
            "tags": (_count(contact_tags).where(tagged), len(TAGS)),
            "events left": (_count(events).where(events.c.handled_at.is_(None)), 0),
            "faults": (_count(events).where(events.c.fault.is_not(None)), 0),
        }
        async with self.database.read() as tx:
            for what, (query, each) in queries.items():
                found = (await tx.execute(query)).scalar_one()
                assert found == each * len(people), f"{what}: {found} for {len(people)} contacts"


async def new_world(database: Database, now: datetime = NOW) -> World:
    """A company and its reference automation, live."""
    async with database.write() as tx:
        company = await companies.create(tx, "Measured", now=now)
        automation = await automations.create(tx, company, DOCUMENT, now)
        await automations.publish(tx, company, automation, None, "", now)
    return World(database, company, automation)


def _count(table: sa.Table) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table)
