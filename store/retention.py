"""Forgetting what is old: traces and variables of finished runs, handled events, calls, links.

Rule: every verb takes one piece of bounded size, and none of them touches a run that waits, a
counter or a message. Traces and events are walked in the order of their ids, which is the order
of time, so no index has to be paid for on the hot path.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import Moment
from store.events import events
from store.http_calls import http_calls
from store.ids import first_id_at
from store.links import links
from store.runs import runs
from store.visits import visits

KEPT_OF_STATE = ("id", "status", "step", "seq", "reason", "goal", "goal_value", "result")
"""What is left of a finished run's state: what pages and numbers need, nothing of the person."""
FORGOTTEN = "forgotten_at"


class Piece(Struct, frozen=True):
    """The next rows of a walk: ids after `first` up to `last`; `companies` with their oldest."""

    first: int
    last: int
    companies: dict[int, datetime]

    @property
    def oldest(self) -> datetime:
        """The time of the oldest row in it."""
        return min(self.companies.values())


async def look_at_traces(tx: AsyncConnection, after: int, limit: int) -> Piece | None:
    """The next `limit` lines of all traces; None when there are no more."""
    return await _look(tx, visits, visits.c.at, after, limit)


async def look_at_events(tx: AsyncConnection, after: int, limit: int) -> Piece | None:
    """The next `limit` events; None when there are no more."""
    return await _look(tx, events, events.c.created_at, after, limit)


async def forget_traces(
    tx: AsyncConnection, piece: Piece, company_ids: Collection[int], before: datetime, now: datetime
) -> int:
    """Delete the lines of `piece` whose run ended before `before`, and empty those runs' states.

    Returns how many lines. A run that lost its trace carries the time of it in its state
    (`forgotten_at`): it can be shown and counted, and neither replayed nor tried again.
    """
    lines = (
        visits.c.id > piece.first,
        visits.c.id <= piece.last,
        visits.c.company_id.in_(company_ids),
    )
    over = sa.and_(runs.c.status != "waiting", runs.c.ended_at < before)
    found = (
        sa.select(runs.c.id, runs.c.state)
        .where(runs.c.id.in_(sa.select(visits.c.run_id).where(*lines)), over)
        .order_by(runs.c.id)
        .with_for_update()  # nobody tries such a run again in this moment
    )
    states = {run_id: state for run_id, state in await tx.execute(found)}  # noqa: C416  rows
    if not states:
        return 0
    await _empty(tx, {one: old for one, old in states.items() if FORGOTTEN not in old}, now)
    done = await tx.execute(sa.delete(visits).where(*lines, visits.c.run_id.in_(list(states))))
    return int(done.rowcount)


async def forget_events(
    tx: AsyncConnection, piece: Piece, company_ids: Collection[int], before: datetime
) -> int:
    """Delete the events of `piece` handled before `before`; how many. Nobody may resend them."""
    done = await tx.execute(
        sa.delete(events).where(
            events.c.id > piece.first,
            events.c.id <= piece.last,
            events.c.company_id.in_(company_ids),
            events.c.handled_at < before,
        )
    )
    return int(done.rowcount)


async def forget_calls(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` webhook calls that were done before `before`; how many."""
    old = (
        sa.select(http_calls.c.id)
        .where(http_calls.c.id < first_id_at(before), http_calls.c.done_at < before)
        .order_by(http_calls.c.id)
        .limit(limit)
    )
    done = await tx.execute(sa.delete(http_calls).where(http_calls.c.id.in_(old)))
    return int(done.rowcount)


async def forget_links(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` tracked links made before `before`; how many."""
    old = (
        sa.select(links.c.token)
        .where(links.c.created_at < before)
        .order_by(links.c.created_at)
        .limit(limit)
    )
    done = await tx.execute(sa.delete(links).where(links.c.token.in_(old)))
    return int(done.rowcount)


async def is_forgotten(tx: AsyncConnection, run_id: int) -> bool:
    """Whether a run has lost its trace and variables."""
    state = await tx.scalar(sa.select(runs.c.state).where(runs.c.id == run_id))
    return isinstance(state, dict) and FORGOTTEN in state


async def _look(
    tx: AsyncConnection, table: sa.Table, at: sa.Column[Any], after: int, limit: int
) -> Piece | None:
    rows = (
        sa.select(table.c.id, table.c.company_id, at.label("at"))
        .where(table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
        .subquery()
    )
    query = sa.select(
        rows.c.company_id, sa.func.max(rows.c.id), sa.func.min(rows.c.at, type_=Moment())
    ).group_by(rows.c.company_id)
    found = (await tx.execute(query)).all()
    if not found:
        return None
    companies = {company_id: oldest for company_id, _, oldest in found}
    return Piece(after, max(last for _, last, _ in found), companies)


async def _empty(tx: AsyncConnection, states: dict[int, dict[str, Any]], now: datetime) -> None:
    if states:
        await tx.execute(
            sa.update(runs)
            .where(runs.c.id == sa.bindparam("run"), runs.c.status != "waiting")
            .values(state=sa.bindparam("left")),
            [
                {
                    "run": run_id,
                    "left": {name: old[name] for name in KEPT_OF_STATE if name in old}
                    | {FORGOTTEN: now},
                }
                for run_id, old in states.items()
            ],
        )
