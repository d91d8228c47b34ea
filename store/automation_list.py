"""The list of a company's automations with what is going on in each.

Rule: one query per page, however many automations and runs there are.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import Status, automations
from store.database import as_kind
from store.ids import first_id_at
from store.runs import runs

COUNTED = timedelta(days=30)
PAGE = 50


class Listed(Struct, frozen=True):
    """A line of the list: `started` and `finished` in the last 30 days, `inside` right now."""

    id: int
    name: str
    status: Status
    priority: int
    live_revision_id: int | None
    updated_at: datetime
    started: int
    inside: int
    finished: int


async def page(
    tx: AsyncConnection,
    company_id: int,
    now: datetime,
    *,
    statuses: Collection[Status] = ("draft", "live", "paused"),
    before: int | None = None,
    limit: int = PAGE,
) -> list[Listed]:
    """Up to `limit` automations that somebody made, with an id below `before`, newest first, with
    their counts.
    """
    shown = sa.select(automations.c.id).where(
        automations.c.company_id == company_id,
        automations.c.status.in_(statuses),
        automations.c.origin == "",
    )
    if before is not None:
        shown = shown.where(automations.c.id < before)
    ids = shown.order_by(automations.c.id.desc()).limit(limit).cte("shown")
    recent = (
        sa.select(
            runs.c.automation_id,
            sa.func.count().label("started"),
            sa.func.count().filter(runs.c.status == "done").label("finished"),
        )
        .where(runs.c.automation_id.in_(sa.select(ids.c.id)))
        .where(runs.c.id >= first_id_at(now - COUNTED))
        .group_by(runs.c.automation_id)
        .subquery()
    )
    inside = (
        sa.select(runs.c.automation_id, sa.func.count().label("inside"))
        .where(runs.c.automation_id.in_(sa.select(ids.c.id)), runs.c.status == "waiting")
        .group_by(runs.c.automation_id)
        .subquery()
    )
    counts = {"started": recent.c.started, "inside": inside.c.inside, "finished": recent.c.finished}
    columns = [
        sa.func.coalesce(counts[name], 0) if name in counts else automations.c[name]
        for name in Listed.__struct_fields__
    ]
    query = (
        sa.select(*columns)
        .join(ids, ids.c.id == automations.c.id)
        .outerjoin(recent, recent.c.automation_id == automations.c.id)
        .outerjoin(inside, inside.c.automation_id == automations.c.id)
        .order_by(automations.c.id.desc())
    )
    return [as_kind(Listed, row) for row in await tx.execute(query)]
