"""A house with phones of every kind and state, alerts, templates, and messages with a story."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from store import alerts, phones, templates
from store.ids import new_id
from store.messages import messages
from store.phones import phone_days, phone_hours
from tests.web.conftest import NOW, TEMPLATE, House
from tests.web.seed import seed_run

SHOP, TILL, OUTLET, NEW, LATE = range(1, 6)
"""The ids of its phones, in the order they were connected."""
WHY = ["It is outside the sending hours for this contact (Europe/Rome)."]
LONG = "Hi Emanuela, your cart is waiting, and what is in it is nearly sold out. " * 3
TERMS: dict[str, Any] = {
    "rules": [
        {"rule": "consent", "answer": "ok", "words": ""},
        {"rule": "gap", "answer": "exempt", "words": "It answers a live chat."},
        {"rule": "budget", "answer": "ok", "words": "1 of 2 today."},
        {"rule": "phones", "answer": "ok", "words": "Shop has the lowest load (10.1)."},
    ],
    "phone": {
        "id": SHOP,
        "name": "Shop",
        "how": "lowest",
        "score": 10.1,
        "seniority": 0.46,
        "today": 20,
        "load": 9.2,
        "failure_rate": 0.03,
        "failures": 0.9,
        "cooldown": 0.0,
    },
    "others": [
        {"id": TILL, "name": "Till", "score": 31.5},
        {
            "id": OUTLET,
            "name": "Outlet",
            "held": "has sent its 60 for today",
            "until": (NOW + timedelta(hours=13)).isoformat(),
        },
    ],
    "held": 3,
}


async def furnish(house: House) -> None:
    """All of it."""
    await _phones(house)
    await _alerts(house)
    await _templates(house)
    await _messages(house)


async def queue_one(house: House, contact: int, **told: Any) -> int:
    """Put a message by API in the queue; `told` are columns."""
    row: dict[str, Any] = {
        "id": new_id(NOW),
        "company_id": house.company,
        "contact_id": contact,
        "direction": "out",
        "state": "queued",
        "kind": "text",
        "content": {"type": "text", "body": told.get("preview", "Hi there")},
        "preview": "Hi there",
        "source": "api",
        "priority": 1,
        "due_at": NOW,
        "why": [],
        "created_at": NOW,
    }
    async with house.web.database.write() as tx:
        await tx.execute(sa.insert(messages).values(row | told))
    return int((row | told)["id"])


async def _phones(house: House) -> None:
    age = timedelta(days=12)
    async with house.web.database.write() as tx:
        await tx.execute(
            sa.update(phones.phones).values(
                name="Shop",
                quality="RED",
                quality_at=NOW - timedelta(hours=3),
                campaigns_rest_until=NOW + timedelta(days=5),
                campaigns_rest_why="customers block it",
                messaging_limit=2000,
                added_at=NOW - timedelta(days=80),
                last_sent_at=NOW - timedelta(minutes=2),
                last_receipt_at=NOW - timedelta(minutes=1),
                failures_in_row=1,
            )
        )
        linked: tuple[dict[str, Any], ...] = (
            {
                "name": "Till",
                "number": "+393331112223",
                "paired_at": NOW - age,
                "quality": "GREEN",
                "gap_until": NOW + timedelta(seconds=40),
                "unreceipted": 3,
                "last_receipt_at": NOW,
            },
            {
                "name": "Outlet",
                "number": "+393339998887",
                "status": "logged_out",
                "status_why": "it was logged out on the phone itself",
            },
            {
                "name": "New",
                "status": "pairing",
                "pairing": {
                    "state": "waiting_qr",
                    "qr": "2@" + "Ab3" * 70,
                    "until": (NOW + timedelta(seconds=14)).isoformat(),
                },
            },
            {
                "name": "Late",
                "status": "pairing",
                "pairing": {"state": "failed", "why": "The codes were not used in time."},
            },
        )
        for told in linked:
            await phones.create(tx, house.company, "neonize", NOW - age, **told)
        for phone_id, sent in ((SHOP, 340), (TILL, 52)):
            day = {"sent": sent, "failed": 3, "fresh": 13, "delivered": sent - 9, "answered": 8}
            await tx.execute(sa.insert(phone_days).values(phone_id=phone_id, day=NOW.date(), **day))
            hour = {"sent": sent // 8, "opened": sent // 3}
            await tx.execute(sa.insert(phone_hours).values(phone_id=phone_id, hour=NOW, **hour))


async def _alerts(house: House) -> None:
    at = NOW - timedelta(hours=2)
    async with house.web.database.write() as tx:
        for severity, kind, words, phone_id in (
            ("critical", "phone_logged_out", "Outlet cannot send any more.", OUTLET),
            ("warning", "template:sale:it", "WhatsApp: template sale (it) is paused.", None),
            ("info", "daily_cap", "Till has sent its 60 for today.", TILL),
        ):
            await alerts.raise_once(
                tx,
                house.company,
                severity,  # type: ignore[arg-type]
                kind,
                words,
                at,
                phone_id=phone_id,
            )


async def _templates(house: House) -> None:
    sale = [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "Ciao {{1}}, da oggi tutto al 30%: scarpe, borse e cinture."},
        {"type": "FOOTER", "text": "Rispondi STOP per non ricevere altro"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Vai al negozio"}]},
    ]
    told: tuple[dict[str, Any], ...] = (
        {"name": "summer_sale", "status": "PAUSED", "quality": "RED", "components": sale},
        {"name": "order_shipped", "category": "UTILITY", "quality": "GREEN"},
        {"name": "prize", "status": "REJECTED"},
    )
    async with house.web.database.write() as tx:
        rows = [TEMPLATE | {"language": "it"} | one for one in told]
        await templates.upsert(tx, house.company, rows, NOW)
        await tx.execute(
            sa.update(templates.templates)
            .where(templates.templates.c.name == "prize")
            .values(rejected_because="PROMOTIONAL")
        )


async def _messages(house: House) -> None:
    made = await house.live()
    run, _ = await seed_run(house, made)
    failed, _ = await seed_run(house, made, name="Grace Hopper", number="+393337654321")
    _, contact = await seed_run(house, made, name="Emanuela De Santis", number="+393337654320")
    at = NOW + timedelta(hours=8)
    read = {
        "state": "read",
        "phone_id": SHOP,
        "terms": TERMS,
        "billed": {"category": "marketing", "model": "PMP"},
        "attempts": 2,
        "due_at": at,
        "claimed_at": at,
        "sent_at": at + timedelta(seconds=1),
        "delivered_at": at + timedelta(seconds=3),
        "read_at": at + timedelta(minutes=4),
        "channel_id": "wamid.HBgMMzkzMzMxMjM0NTY3FQIAERgSQUFB",
        "why": [*WHY, "Attempt 1: WhatsApp had trouble.", "Shop has the lowest load (10.1)."],
    }
    capped = {
        "state": "failed",
        "phone_id": SHOP,
        "failed_at": NOW,
        "claimed_at": NOW,
        "sent_at": None,
        "delivered_at": None,
        "attempts": 1,
        "error": "Message undeliverable to keep the ecosystem healthy.",
        "error_class": "metas_choice",
        "error_code": "131049",
    }
    async with house.web.database.write() as tx:
        for which, told in ((run, read), (failed, capped)):
            await tx.execute(sa.update(messages).where(messages.c.run_id == which).values(**told))
    later = {"due_at": NOW + timedelta(hours=22), "why": WHY, "priority": 2, "preview": LONG}
    await queue_one(house, contact, source="automation", automation_id=made, **later)
    await queue_one(house, contact, preview="Your order 1008 has left our warehouse.")
