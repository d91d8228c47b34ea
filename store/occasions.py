"""What the engine asks for to find out whose time has come: live automations, marks, dates.

Rule: reads only what can be due; the exact moment is worked out by the trigger itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations, revisions
from store.campaigns import trigger_marks
from store.companies import companies
from store.contacts import contact_addresses, contacts
from store.database import insert_into
from store.events import UNHANDLED, events
from store.numbers import zones_for

_DAY_LENGTH, _MONTH_AT, _MONTH_LENGTH = 10, 6, 5  # 2026-03-31: the day, and its 03-31


class LiveRevision(Struct, frozen=True):
    """A live automation, and since when what is live has been live."""

    automation_id: int
    company_id: int
    revision_id: int
    published_at: datetime
    zone: str


class Dated(Struct, frozen=True):
    """A contact whose field may be due; `zone` is theirs, as flows see it."""

    contact_id: int
    value: Any
    zone: str


async def live_revisions(tx: AsyncConnection) -> list[LiveRevision]:
    """All live automations of all companies; `zone` is the company's."""
    query = (
        sa.select(
            automations.c.id,
            automations.c.company_id,
            revisions.c.id,
            revisions.c.published_at,
            companies.c.zone,
        )
        .join(revisions, revisions.c.id == automations.c.live_revision_id)
        .join(companies, companies.c.id == automations.c.company_id)
        .where(automations.c.status == "live")
        .order_by(automations.c.id)
    )
    return [LiveRevision(*row) for row in await tx.execute(query)]


async def marks(tx: AsyncConnection) -> dict[tuple[int, str], datetime]:
    """`{(automation id, trigger): until when its occurrences have been seen to}`."""
    table = trigger_marks.c
    rows = await tx.execute(sa.select(table.automation_id, table.trigger, table.upto))
    return {(automation_id, trigger): upto for automation_id, trigger, upto in rows}


async def mark(tx: AsyncConnection, automation_id: int, trigger: str, upto: datetime) -> None:
    """All occurrences until `upto` have been seen to. A mark never goes back."""
    new = insert_into(tx, trigger_marks).values(
        automation_id=automation_id, trigger=trigger, upto=upto
    )
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["automation_id", "trigger"],
            set_={"upto": new.excluded.upto},
            where=trigger_marks.c.upto < new.excluded.upto,
        )
    )


async def pass_over(tx: AsyncConnection, automation_ids: Collection[int], upto: datetime) -> None:
    """What would have been due until `upto` does not count: these automations are not live."""
    if automation_ids:
        await tx.execute(
            sa.update(trigger_marks)
            .where(trigger_marks.c.automation_id.in_(automation_ids))
            .where(trigger_marks.c.upto < upto)
            .values(upto=upto)
        )


async def forget_marks(tx: AsyncConnection, gone: Collection[tuple[int, str]]) -> None:
    """Forget triggers that are not there any more: should they come back, they begin anew."""
    for automation_id, trigger in sorted(gone):
        await tx.execute(
            sa.delete(trigger_marks).where(
                trigger_marks.c.automation_id == automation_id, trigger_marks.c.trigger == trigger
            )
        )


async def dated(
    tx: AsyncConnection,
    company_id: int,
    company_zone: str,
    field: str,
    heads: Collection[str],
    *,
    yearly: bool,
    after: int,
    limit: int,
) -> list[Dated]:
    """Up to `limit` willing contacts with an id above `after` whose `field` begins with one of the
    ISO days `heads` (`yearly`: has one of these `MM-DD` at its sixth sign).
    """
    value = contacts.c.fields[field].as_string()
    head = sa.func.substr(
        value, _MONTH_AT if yearly else 1, _MONTH_LENGTH if yearly else _DAY_LENGTH
    )
    query = (
        sa.select(contacts.c.id, value, contacts.c.zone)
        .where(contacts.c.company_id == company_id, contacts.c.id > after)
        .where(contacts.c.deleted_at.is_(None), contacts.c.blocked_at.is_(None))
        .where(contacts.c.consent != "no", head.in_(sorted(heads)))
        .order_by(contacts.c.id)
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    numbers = await _numbers(tx, [row[0] for row in rows if not row[2]])
    return [
        Dated(one, text, zones_for(own, numbers.get(one, ""), company_zone)[0])
        for one, text, own in rows
    ]


async def backlog(tx: AsyncConnection, most: int) -> int:
    """How many events wait for the engine, counted no further than `most`."""
    some = sa.select(sa.literal(1)).select_from(events).where(UNHANDLED).limit(most).subquery()
    return int(await tx.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


async def _numbers(tx: AsyncConnection, contact_ids: Sequence[int]) -> dict[int, str]:
    """The number of each that tells the zone, chosen as for the contact flows see."""
    if not contact_ids:
        return {}
    table = contact_addresses.c
    query = (
        sa.select(table.contact_id, table.kind, table.value)
        .where(table.contact_id.in_(contact_ids), table.kind.in_(("phone", "wa_id")))
        .order_by(table.id.desc())
    )
    found: dict[int, dict[str, str]] = {}
    for contact_id, kind, value in await tx.execute(query):
        found.setdefault(contact_id, {})[kind] = value
    return {one: kinds.get("phone") or kinds.get("wa_id", "") for one, kinds in found.items()}
