"""Automations that no marketer made: each is kept like what it comes from, its origin.

Rule: `keep` may be repeated at any time; for whatever is as it should be it writes nothing. All of
a house's companies take a handful of statements.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations, revisions
from store.companies import companies
from store.database import in_chunks, insert_into

AT_ONCE = 1_000  # automations per statement
Key = tuple[int, str]
"""A company's id and the origin, such as `auto_reply:7`."""


class Kept(Struct, frozen=True):
    """An automation with an origin, as it is now."""

    id: int
    company_id: int
    origin: str
    status: str
    draft: Any


async def keep(
    tx: AsyncConnection,
    company_ids: Collection[int],
    prefix: str,
    wanted: Mapping[Key, dict[str, Any]],
    now: datetime,
) -> None:
    """Make what is live in these companies, of the origins that begin with `prefix`, exactly
    `wanted`: `{(company id, origin): document}`. What is not wanted any more is put away; whoever
    is inside goes on.
    """
    for chunk in in_chunks(sorted(company_ids)):
        mine = {key: document for key, document in wanted.items() if key[0] in set(chunk)}
        await _create(tx, [key for key in mine if key not in await _found(tx, chunk, prefix)], now)
        found = await _found(tx, chunk, prefix)
        stale = [one for key, one in found.items() if key in mine and one.draft != mine[key]]
        await _revise(tx, [(one, mine[one.company_id, one.origin]) for one in stale], now)
        revised = {one.id for one in stale}
        asleep = [
            one.id
            for key, one in found.items()
            if key in mine and one.status != "live" and one.id not in revised
        ]
        unwanted = [
            one.id for key, one in found.items() if key not in mine and one.status != "archived"
        ]
        await _set_status(tx, asleep, "live", now)
        await _set_status(tx, unwanted, "archived", now)


async def lacking(tx: AsyncConnection, prefix: str, count: int) -> list[int]:
    """Companies in which not exactly `count` automations of these origins are live."""
    have = (
        sa.select(automations.c.company_id, sa.func.count().label("live"))
        .where(automations.c.origin.startswith(prefix), automations.c.status == "live")
        .group_by(automations.c.company_id)
        .subquery()
    )
    query = (
        sa.select(companies.c.id)
        .outerjoin(have, have.c.company_id == companies.c.id)
        .where(sa.func.coalesce(have.c.live, 0) != count)
        .order_by(companies.c.id)
    )
    return list((await tx.execute(query)).scalars())


async def _found(tx: AsyncConnection, company_ids: Collection[int], prefix: str) -> dict[Key, Kept]:
    columns = [automations.c[name] for name in Kept.__struct_fields__]
    query = (
        sa.select(*columns)
        .where(automations.c.company_id.in_(company_ids), automations.c.origin.startswith(prefix))
        .order_by(automations.c.id)
        .with_for_update()  # who keeps the same at the same moment waits here
    )
    rows = (await tx.execute(query)).all()
    return {(row.company_id, row.origin): Kept(*row) for row in rows}


async def _create(tx: AsyncConnection, keys: Collection[Key], now: datetime) -> None:
    """Empty drafts; what they say is written by whoever holds them."""
    for chunk in in_chunks(keys, AT_ONCE):
        rows = [
            {
                "company_id": company_id,
                "origin": origin,
                "name": "",
                "status": "draft",
                "draft": {},
                "created_at": now,
                "updated_at": now,
            }
            for company_id, origin in chunk
        ]
        await tx.execute(insert_into(tx, automations).on_conflict_do_nothing(), rows)


async def _revise(
    tx: AsyncConnection, told: Collection[tuple[Kept, dict[str, Any]]], now: datetime
) -> None:
    for chunk in in_chunks(told, AT_ONCE):
        newest = (
            sa.select(revisions.c.automation_id, sa.func.max(revisions.c.number))
            .where(revisions.c.automation_id.in_([one.id for one, _ in chunk]))
            .group_by(revisions.c.automation_id)
        )
        numbers = {one: number for one, number in await tx.execute(newest)}  # noqa: C416  rows
        rows = [
            {
                "company_id": one.company_id,
                "automation_id": one.id,
                "number": numbers.get(one.id, 0) + 1,
                "flow": document,
                "published_at": now,
            }
            for one, document in chunk
        ]
        made = await tx.execute(
            sa.insert(revisions).returning(revisions.c.id, sort_by_parameter_order=True), rows
        )
        await tx.execute(
            sa.update(automations)
            .where(automations.c.id == sa.bindparam("of"))
            .values(
                status="live",
                live_revision_id=sa.bindparam("revision"),
                draft=sa.bindparam("document", type_=automations.c.draft.type),
                name=sa.bindparam("called", type_=automations.c.name.type),
                paused_at=None,
                updated_at=now,
            ),
            [
                {
                    "of": one.id,
                    "revision": revision,
                    "document": document,
                    "called": str(document.get("name") or ""),
                }
                for (one, document), revision in zip(chunk, made.scalars(), strict=True)
            ],
        )


async def _set_status(
    tx: AsyncConnection, automation_ids: Collection[int], status: str, now: datetime
) -> None:
    for chunk in in_chunks(automation_ids, AT_ONCE):
        await tx.execute(
            sa.update(automations)
            .where(automations.c.id.in_(chunk))
            .values(status=status, paused_at=None, updated_at=now)
        )
