"""What other programs post to a webhook trigger's address, into rows: contact, fields, event.
Called inside the webhook's own transaction.

Rules: what comes twice with one id starts once; without an id each delivery is a new one, because
two alike may well be meant. A trigger that is not live takes deliveries and starts nobody: an
author looks at them to find the paths, and a sender that is refused would give up for good.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.events import Occasion
from flows.fields import Unfit, fit
from store import automations, changes, companies, contact_list, events, fields, inbound_hooks
from store.addresses import Address
from store.companies import Company
from store.inbound_hooks import Hook
from store.numbers import parse_phone
from store.resolve import resolve
from triggers.webhook import Told, Webhook


class Accepted(Struct, frozen=True):
    """There is an event for it; `repeated`: it had come before."""

    event_id: int
    contact_id: int
    repeated: bool = False


class Ignored(Struct, frozen=True):
    """It was understood and starts nobody; `why` in words."""

    why: str


class Refused(Struct, frozen=True):
    """It cannot be used as it is; `path` is where in it something is wrong, `why` what."""

    path: str
    why: str


async def take_in(
    tx: AsyncConnection, hook: Hook, payload: Any, delivery: str, now: datetime
) -> Accepted | Ignored | Refused:
    """Take in one delivery. `delivery` is the id the sender gave it, empty for none; an id in the
    payload counts more.
    """
    await inbound_hooks.note(tx, hook.id, payload, now)
    trigger = await _trigger(tx, hook)
    if isinstance(trigger, Ignored):
        return trigger
    wanted, why = trigger.wants(payload)
    if not wanted:
        return Ignored(why)
    told = trigger.read(payload)
    own = told.id or delivery
    source = f"hook:{hook.id}:{own}" if own else None
    if source is not None and (known := await _known(tx, hook, source)) is not None:
        return known
    company = await companies.get(tx, hook.company_id)
    found = await _contact(tx, company, trigger, told, now)
    if isinstance(found, Refused):
        return found
    await _fields(tx, company, found, told, now)
    occasion = Occasion("webhook", hook.automation_id, hook.trigger, {"webhook": payload})
    made = await events.insert_many(
        tx,
        [
            {
                "company_id": company.id,
                "contact_id": found,
                "kind": "occasion",
                "data": msgspec.to_builtins(occasion),
                "source_id": source,
                "at": now,
                "created_at": now,
            }
        ],
    )
    if made:
        return Accepted(made[0], found)
    known = await _known(tx, hook, source or "")  # another delivery with this id was faster
    return known or Ignored("the same came a moment before")


async def _trigger(tx: AsyncConnection, hook: Hook) -> Webhook | Ignored:
    """The live trigger, or why there is none."""
    found = await automations.get(tx, hook.company_id, hook.automation_id)
    if found.status != "live" or found.live_revision_id is None:
        return Ignored(
            f"the automation is {'not live' if found.status == 'live' else found.status}"
        )
    documents = await automations.documents(tx, [found.live_revision_id])
    raw = documents[found.live_revision_id].get("triggers", {}).get(hook.trigger)
    try:
        trigger = msgspec.convert(raw, catalog().triggers["webhook"])
    except msgspec.ValidationError:
        trigger = None
    if not isinstance(trigger, Webhook):
        return Ignored("the live revision has no such webhook; publish it first")
    return trigger


async def _known(tx: AsyncConnection, hook: Hook, source: str) -> Accepted | None:
    table = events.events.c
    query = sa.select(table.id, table.contact_id).where(
        table.company_id == hook.company_id, table.source_id == source
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Accepted(row.id, row.contact_id, repeated=True)


async def _contact(
    tx: AsyncConnection, company: Company, trigger: Webhook, told: Told, now: datetime
) -> int | Refused:
    """Whom it is about: by number, made when unknown; else by an e-mail address we know."""
    if not told.phone:
        if told.email:
            known = await contact_list.find_by_email(tx, company.id, told.email)
            if known:
                return known[0]
            said = f"Nobody has the e-mail address at “{trigger.email}”, and there is no number."
            return Refused(trigger.email, said)
        path = trigger.phone or trigger.email
        return Refused(path, f"There is nothing at “{path}”.")
    number = parse_phone(told.phone, company.country)
    if number is None:
        said = f"What is at “{trigger.phone}” is no phone number: “{told.phone[:40]}”."
        return Refused(trigger.phone, said)
    addresses = [Address("phone", number)]
    if "@" in told.email:
        addresses.append(Address("email", told.email))
    return await resolve(tx, company.id, addresses, now=now, name=told.name)


async def _fields(
    tx: AsyncConnection, company: Company, contact_id: int, told: Told, now: datetime
) -> None:
    """Fill the contact's fields; what does not fit its field is left out, the rest counts."""
    if not told.fields:
        return
    kinds = (await fields.kinds_of(tx, [company.id])).get(company.id, {})
    values = {
        key: kept
        for key, value in told.fields.items()
        if not isinstance(kept := fit(kinds.get(key, "text"), value, company.zone), Unfit)
    }
    await changes.fields(tx, company.id, {contact_id: values}, now)
