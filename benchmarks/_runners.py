"""The engine as a worker runs it: real database, real transactions, many contacts at once.

The journey: started by the API, a message, its verdict, a reply, a tag, the goal. Verdicts and
replies are written in bulk, as a gateway would; only the engine's own time counts.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from benchmarks._journeys import DOCUMENT, NOW
from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Event, Replied, Verdict
from store import automations, companies, events, messages, runs
from store.contacts import contacts
from store.database import Database
from store.doorbell import Doorbell
from store.migrate import migrate

JOURNEYS = 2_000
CART = {"cart": {"total": "49.90", "currency": "EUR", "url": "https://shop.example.com/carts/1"}}
KEPT = ("mark", "remember", "ask", "reply", "keep", "end")


async def journeys_per_second(url: str) -> float:
    """Journeys in a second of the engine's time on the database at `url`, migrated here."""
    await migrate(url)
    database = Database(url)
    try:
        return JOURNEYS / await _carry_all(database)
    finally:
        await database.close()


async def _carry_all(database: Database) -> float:
    async with database.write() as tx:
        company = await companies.create(tx, "Measured", now=NOW)
        automation = await automations.create(tx, company, _document(), NOW)
        await automations.publish(tx, company, automation, None, "", NOW)
        rows = [
            {"company_id": company, "first_name": "Ada", "created_at": NOW, "updated_at": NOW}
            for _ in range(JOURNEYS)
        ]
        await tx.execute(sa.insert(contacts), rows)
        people = list((await tx.execute(sa.select(contacts.c.id))).scalars())
    runner = Runner(database, lambda: NOW, Doorbell(None))
    asked = ApiCalled(automation, CART, "automation")
    spent = await _happen(runner, company, [(one, asked, None) for one in people])
    async with database.read() as tx:
        table = messages.messages.c
        queued = (await tx.execute(sa.select(table.contact_id, table.run_id, table.seq))).all()
    assert len(queued) == JOURNEYS
    verdicts = [(row.contact_id, Verdict(row.seq, "sent"), row.run_id) for row in queued]
    spent += await _happen(runner, company, verdicts)
    replied = Replied("Yes", Text("Yes"))
    spent += await _happen(runner, company, [(one, replied, None) for one in people])
    async with database.read() as tx:
        done = sa.select(sa.func.count()).where(runs.runs.c.status == "done")
        assert (await tx.execute(done)).scalar_one() == JOURNEYS
    return spent


async def _happen(
    runner: Runner, company: int, told: Sequence[tuple[int, Event, int | None]]
) -> float:
    """Write these events, let the engine handle all of them; seconds that the engine needed."""
    rows = [
        {
            "company_id": company,
            "contact_id": contact,
            "kind": str(event.__struct_config__.tag),
            "data": msgspec.to_builtins(event),
            "source_id": None,
            "run_id": run,
            "at": NOW,
            "created_at": NOW,
        }
        for contact, event, run in told
    ]
    async with runner.database.write() as tx:
        await events.insert_many(tx, rows)
    began = time.perf_counter()
    served = await runner.drain()
    assert served == len(told), served
    return time.perf_counter() - began


def _document() -> dict[str, Any]:
    """The journey without its first message and its delay: each event is one visit of a worker."""
    steps = {name: step for name, step in DOCUMENT["steps"].items() if name in KEPT}
    steps["remember"] = steps["remember"] | {"next": {"done": "ask"}}
    return DOCUMENT | {"start": "mark", "steps": steps}
