"""A run as the engine and the gateway leave it: contact, trace, message."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from store import contacts, resolve, step_days, visits
from store.addresses import Address
from store.automations import automations
from store.ids import new_id
from store.messages import messages
from store.runs import runs
from tests.web.conftest import NOW, House


async def seed_run(
    house: House,
    automation_id: int,
    *,
    company: int = 0,
    name: str = "Ada Rossi",
    number: str = "+393312345678",
    text: str = "Hi Ada, your cart is waiting.",
) -> tuple[int, int]:
    """`(run id, contact id)` of a run that sent a template and waits for a reply."""
    company = company or house.company
    run_id = new_id(NOW)
    later = NOW + timedelta(seconds=42)
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(tx, company, [Address("phone", number)], now=NOW, name=name)
        filled = {contact: {"email": "ada@example.com", "size": "M"}}
        await contacts.set_fields(tx, filled, NOW)
        await contacts.tag(tx, company, [contact], ["vip"], NOW)
        revision = await tx.scalar(
            sa.select(automations.c.live_revision_id).where(automations.c.id == automation_id)
        )
        await tx.execute(
            sa.insert(runs).values(
                id=run_id,
                company_id=company,
                automation_id=automation_id,
                revision_id=revision,
                contact_id=contact,
                trigger="cart",
                status="waiting",
                step="reply",
                seq=2,
                state={"id": run_id, "step": "reply", "seq": 2},
                wait_until=NOW + timedelta(days=1),
                started_at=NOW,
            )
        )
        line: dict[str, Any] = {
            "company_id": company,
            "run_id": run_id,
            "automation_id": automation_id,
        }
        sent = line | {"step": "remind", "kind": "send_template", "seq": 1}
        wait = line | {"step": "reply", "kind": "wait_for_reply", "seq": 2}
        await visits.insert_many(
            tx,
            [
                sent | {"at": NOW, "did": "waits", "exit": None, "why": "queued", "data": {}},
                sent | {"at": later, "did": "left", "exit": "sent", "why": "", "data": {}},
                wait
                | {"at": later, "did": "waits", "exit": None, "why": "waits up to 1 day"}
                | {"data": {}},
            ],
        )
        await visits.count(
            tx,
            {
                (automation_id, "remind", "entered"): 1,
                (automation_id, "remind", "sent"): 1,
                (automation_id, "reply", "entered"): 1,
            },
        )
        place = (automation_id, step_days.day_of(NOW, "UTC"), int(revision or 0))
        await step_days.count(
            tx,
            {
                (*place, "", "run", "started"): 1,
                (*place, "remind", "exit", "sent"): 1,
                (*place, "remind", "message", "sent"): 1,
                (*place, "remind", "message", "delivered"): 1,
            },
        )
        await tx.execute(
            sa.insert(messages).values(
                id=new_id(NOW),
                company_id=company,
                contact_id=contact,
                run_id=run_id,
                automation_id=automation_id,
                step="remind",
                seq=1,
                direction="out",
                state="delivered",
                kind="template",
                content={
                    "type": "template",
                    "name": "cart_reminder",
                    "language": "en",
                    "body": ["Ada"],
                },
                preview=text,
                template="cart_reminder",
                category="marketing",
                source="automation",
                sent_at=later,
                delivered_at=later,
                why=["outside sending hours, so at 09:00", "through Main: the only phone"],
                created_at=NOW,
            )
        )
    return run_id, contact
