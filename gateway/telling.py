"""What customers wrote, and what became of our messages, told to the company's own program.

Rule: told in the transaction that took it in, so that nothing is told that did not happen, and
nothing is lost; the engine makes the calls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.desk import Desk
from gateway.news import Inbound
from store import contact_list, http_calls, in_hand, news
from store.contact_list import ContactCard
from store.in_hand import InHand
from store.news import Hearer
from store.phone_use import SendingPhone

UNTOLD = frozenset({"queued", "sending"})  # it is on its way; nobody needs to know


async def tell_written(
    desk: Desk, company_id: int, written: Sequence[tuple[Mapping[str, Any], Inbound]]
) -> None:
    """Queue the calls that tell what customers wrote: their rows, and what the channel told."""
    if not written:
        return
    hearer = (await news.of_replies(desk.tx, [company_id])).get(company_id)
    if hearer is None:
        return
    ids = {int(row["contact_id"]) for row, _ in written}
    people = await contact_list.find_many(desk.tx, company_id, ids)
    phones = {phone.id: phone for phone in desk.by_remote.values()}
    calls = [
        news.call(
            hearer,
            company_id,
            _received(hearer, row, one, people.get(row["contact_id"]), phones[row["phone_id"]]),
            desk.now,
            key=str(row["id"]),
            contact_id=row["contact_id"],
        )
        for row, one in written
    ]
    await http_calls.insert_many(desk.tx, calls)


async def tell_states(
    tx: AsyncConnection, moves: Iterable[tuple[str, InHand]], now: datetime
) -> None:
    """Queue the calls that tell what became of messages: each as it is, and its state before."""
    changed = [
        after for state, after in moves if after.state != state and after.state not in UNTOLD
    ]
    company_ids = {one.company_id for one in changed}
    if not changed or not await news.statuses_are_heard(tx, company_ids):
        return
    hearers = await news.of_replies(tx, company_ids)
    calls = [
        news.call(
            hearer,
            one.company_id,
            _status(hearer, one, now),
            now,
            key=f"{one.id}-{one.state}",
            contact_id=one.contact_id,
        )
        for one in changed
        if (hearer := hearers.get(one.company_id)) is not None and hearer.statuses
    ]
    await http_calls.insert_many(tx, calls)


async def tell_dropped(
    tx: AsyncConnection, company_ids: Collection[int], message_ids: Collection[int], now: datetime
) -> None:
    """The same of messages that were just given up unsent."""
    if message_ids and await news.statuses_are_heard(tx, company_ids):
        rows = (await in_hand.find(tx, message_ids)).values()
        await tell_states(tx, [("queued", one) for one in rows], now)


def _received(
    hearer: Hearer,
    row: Mapping[str, Any],
    one: Inbound,
    person: ContactCard | None,
    phone: SendingPhone,
) -> dict[str, Any]:
    return {
        "event": "message.received",
        "id": str(row["id"]),
        "company": {"id": str(row["company_id"]), "name": hearer.company},
        "contact": _person(row["contact_id"], person),
        "phone": {"id": str(phone.id), "name": phone.name, "number": phone.number},
        "message": {
            "id": str(row["id"]),
            "type": row["kind"],
            "text": row["preview"],
            "content": row["content"],
            "whatsapp_id": one.channel_id,
            "quoted_whatsapp_id": one.quoted or None,
            "referral": one.referral or None,
        },
        "at": row["created_at"],
    }


def _person(contact_id: int, person: ContactCard | None) -> dict[str, Any]:
    if person is None:
        return {"id": str(contact_id)}
    return {
        "id": str(contact_id),
        "name": person.name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "language": person.language,
        "phone": person.number or None,
        "wa_id": person.address("wa_id") or None,
        "user_id": person.address("user_id") or None,
        "tags": list(person.tags),
        "fields": person.fields,
    }


def _status(hearer: Hearer, one: InHand, now: datetime) -> dict[str, Any]:
    error = None
    if one.error_class and one.state == "failed":
        error = {"kind": one.error_class, "code": one.error_code, "message": one.error}
    return {
        "event": "message.status",
        "id": f"{one.id}-{one.state}",
        "company": {"id": str(one.company_id), "name": hearer.company},
        "contact": {"id": str(one.contact_id)},
        "phone": {"id": str(one.phone_id)} if one.phone_id else None,
        "message": {
            "id": str(one.id),
            "state": one.state,
            "whatsapp_id": one.channel_id,
            "automation_id": str(one.automation_id) if one.automation_id else None,
            "error": error,
        },
        "at": now,
    }
