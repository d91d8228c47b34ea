"""Forgetting a person: everything that says who they are goes, what only counts stays.

Rule: one transaction takes the person out of every queue; their runs hear that they are stopped.
Who writes again after that is somebody new.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Other
from flows.events import Stopped
from store import bulk, events, http_calls, media, media_wanted, number_checks, read_marks
from store.carts import carts
from store.contacts import contact_addresses, contact_tags, contacts
from store.database import in_chunks
from store.events import UNHANDLED
from store.links import links
from store.lists import list_members
from store.messages import messages
from store.notes import notes
from store.runs import runs
from store.visits import visits

WHY = "the contact was deleted"
ERASED = Other("erased", "Erased with the contact")
DONE = ("done", "failed")
PERSONAL = ("variables", "returned")  # of a run's state; the rest says where it is
AT_ONCE = 500


async def erase(tx: AsyncConnection, contact_ids: Collection[int], now: datetime) -> int:
    """Forget who these contacts are; their rows stay, so that counts and runs still add up.

    Returns how many events were written: their runs are ended by the engine.
    """
    told = 0
    for chunk in in_chunks(sorted(set(contact_ids)), AT_ONCE):
        told += await _erase(tx, chunk, now)
    return told


async def _erase(tx: AsyncConnection, contact_ids: Sequence[int], now: datetime) -> int:
    # Locks are taken as everybody takes them: the gateway has messages and then their contact, the
    # engine the contact and then what it has queued.
    await _forget_messages(tx, contact_ids, messages.c.state != "queued", {})
    query = sa.select(contacts.c.id).where(contacts.c.id.in_(contact_ids))
    await tx.execute(query.order_by(contacts.c.id).with_for_update())
    recalled = {"state": "cancelled", "failed_at": now, "error": f"recalled: {WHY}"}
    await _forget_messages(tx, contact_ids, messages.c.state == "queued", recalled)
    waiting = await _forget_runs(tx, contact_ids)
    await http_calls.recall(tx, waiting, now)
    await http_calls.drop_news(tx, contact_ids)
    ways = sa.select(contact_addresses.c.value).where(
        contact_addresses.c.contact_id.in_(contact_ids)
    )
    await number_checks.forget_numbers(tx, list((await tx.execute(ways)).scalars()))
    for table in (contact_addresses, contact_tags, list_members, notes, links):
        await tx.execute(sa.delete(table).where(table.c.contact_id.in_(contact_ids)))
    await media_wanted.forget(tx, contact_ids)
    await read_marks.forget(tx, contact_ids)
    await media.forget_senders(tx, contact_ids, now)
    await tx.execute(
        sa.update(carts).where(carts.c.contact_id.in_(contact_ids)).values(contact_id=None, data={})
    )
    await tx.execute(
        sa.update(events.events)
        .where(events.events.c.contact_id.in_(contact_ids), UNHANDLED)
        .values(handled_at=now, data={})
    )
    await tx.execute(
        sa.update(contacts)
        .where(contacts.c.id.in_(contact_ids))
        .values(
            name="",
            first_name="",
            last_name="",
            fields={},
            last_inbound_text="",
            assigned_to=None,
            deleted_at=sa.func.coalesce(
                contacts.c.deleted_at, sa.literal(now, contacts.c.deleted_at.type)
            ),
            updated_at=now,
        )
    )
    return await _stop(tx, waiting, now)


async def _forget_runs(tx: AsyncConnection, contact_ids: Sequence[int]) -> list[int]:
    """Empty what their runs know and saw; the ids of those that still wait."""
    query = (
        sa.select(runs.c.id, runs.c.status, runs.c.state)
        .where(runs.c.contact_id.in_(contact_ids))
        .order_by(runs.c.id)
        .with_for_update()
    )
    found = (await tx.execute(query)).all()
    rows = [
        (run_id, {name: value for name, value in (state or {}).items() if name not in PERSONAL})
        for run_id, _, state in found
    ]
    await bulk.update(tx, runs, ("id", "state"), rows)
    for ids in in_chunks([run_id for run_id, *_ in found]):
        await tx.execute(sa.update(visits).where(visits.c.run_id.in_(ids)).values(data={}))
        await tx.execute(
            sa.update(http_calls.http_calls)
            .where(http_calls.http_calls.c.run_id.in_(ids), http_calls.http_calls.c.state.in_(DONE))
            .values(request={}, answer=None)
        )
    return [run_id for run_id, status, _ in found if status == "waiting"]


async def _forget_messages(
    tx: AsyncConnection,
    contact_ids: Sequence[int],
    which: sa.ColumnElement[bool],
    more: dict[str, Any],
) -> None:
    values = {"kind": "other", "content": msgspec.to_builtins(ERASED), "preview": ""} | more
    mine = messages.c.contact_id.in_(contact_ids)
    await tx.execute(sa.update(messages).where(mine, which).values(values))


async def _stop(tx: AsyncConnection, run_ids: Sequence[int], now: datetime) -> int:
    if not run_ids:
        return 0
    told = msgspec.to_builtins(Stopped(WHY))
    query = sa.select(runs.c.id, runs.c.company_id, runs.c.contact_id).where(runs.c.id.in_(run_ids))
    rows = [
        {
            "company_id": company_id,
            "contact_id": contact_id,
            "kind": "stopped",
            "data": told,
            "run_id": run_id,
            "at": now,
            "created_at": now,
        }
        for run_id, company_id, contact_id in (await tx.execute(query.order_by(runs.c.id))).all()
    ]
    return len(await events.insert_many(tx, rows))
