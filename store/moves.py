"""What people do to runs by hand: end them, move them, let them try again.

Rule: nothing here edits a run beside the engine. Each lever writes events, set-wise, and the engine
does the rest; only a failed run is set waiting again, so that the engine looks at it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import MovedTo, Retried, Stopped
from store import step_days
from store.automations import revisions
from store.columns import JSON, Moment, Words
from store.companies import companies
from store.database import as_kind, columns_of, insert_into
from store.errors import NotFoundError
from store.events import events
from store.runs import WAITING, runs

_WRITTEN = (
    *("company_id", "contact_id", "kind", "data"),
    *("source_id", "run_id", "at", "created_at"),
)


class Place(Struct, frozen=True):
    """Where a run is."""

    id: int
    company_id: int
    automation_id: int
    revision_id: int
    contact_id: int
    status: Literal["waiting", "done", "failed", "stopped"]
    step: str | None
    seq: int
    reason: str


async def place(tx: AsyncConnection, company_id: int, run_id: int) -> Place:
    """Where the run is. Raises NotFoundError, also for another company's."""
    query = sa.select(*columns_of(Place, runs)).where(
        runs.c.company_id == company_id, runs.c.id == run_id
    )
    if (row := (await tx.execute(query)).one_or_none()) is None:
        message = f"run {run_id} does not exist"
        raise NotFoundError(message)
    return as_kind(Place, row)


async def end_run(
    tx: AsyncConnection, company_id: int, run_id: int, reason: str, now: datetime
) -> int:
    """Ask the engine to end this run; 0 when it is over or was asked already."""
    chosen = (runs.c.company_id == company_id, runs.c.id == run_id)
    return await tell(tx, chosen, Stopped(reason), "stopped", now)


async def end_of_contact(
    tx: AsyncConnection, company_id: int, contact_id: int, reason: str, now: datetime
) -> int:
    """Ask the engine to end all runs of a contact; how many were not asked before."""
    chosen = (runs.c.company_id == company_id, runs.c.contact_id == contact_id)
    return await tell(tx, chosen, Stopped(reason), "stopped", now)


async def end_of_automation(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    reason: str,
    now: datetime,
    *,
    step: str = "",
) -> int:
    """Ask the engine to end all runs inside, or those that wait at `step` and are still there when
    the engine comes to it; how many were not asked before.
    """
    chosen: tuple[sa.ColumnElement[bool], ...] = (
        runs.c.company_id == company_id,
        runs.c.automation_id == automation_id,
    )
    asked = "stopped"
    if step:
        chosen, asked = (*chosen, runs.c.step == step), f"stopped:{step}"
    return await tell(tx, chosen, Stopped(reason, from_step=step), asked, now)


async def move(tx: AsyncConnection, run: Place, to: MovedTo, now: datetime) -> int:
    """Ask the engine to put this run on another step; 0 when just that was asked already."""
    asked = f"moved:{to.revision_id}:{to.step}:{int(to.again)}"
    return await tell(tx, (runs.c.id == run.id,), to, asked, now)


async def retry(tx: AsyncConnection, run: Place, why: str, now: datetime) -> bool:
    """Let a failed run try the step again at which it failed; False when it is not failed (any
    more). Its status and the event are one transaction: the engine finds both or neither. That it
    was over there is not counted any more.
    """
    ended = sa.select(runs.c.ended_at, companies.c.zone).join(
        companies, companies.c.id == runs.c.company_id
    )
    before = (await tx.execute(ended.where(runs.c.id == run.id).with_for_update())).one_or_none()
    woken = await tx.execute(
        sa.update(runs)
        .where(runs.c.id == run.id, runs.c.status == "failed")
        .values(status="waiting", ended_at=None, wait_until=None, reason="")
    )
    if woken.rowcount == 0 or before is None:
        return False
    row = {
        "company_id": run.company_id,
        "contact_id": run.contact_id,
        "kind": _tag(Retried),
        "data": msgspec.to_builtins(Retried(why)),
        "run_id": run.id,
        "at": now,
        "created_at": now,
    }
    await tx.execute(sa.insert(events).values(row))
    at, zone = before
    if at is not None:
        of = (run.automation_id, step_days.day_of(at, zone), run.revision_id)
        over: dict[step_days.Key, int] = {
            (*of, run.step or "", "left", "failed"): -1,
            (*of, "", "run", "failed"): -1,
        }
        await step_days.count(tx, over)
    return True


async def others_inside(tx: AsyncConnection, run: Place) -> int:
    """How many other runs of the same contact wait in the same automation."""
    query = sa.select(sa.func.count()).where(
        runs.c.contact_id == run.contact_id,
        runs.c.automation_id == run.automation_id,
        runs.c.id != run.id,
        runs.c.status == "waiting",
    )
    return int(await tx.scalar(query) or 0)


async def inside(tx: AsyncConnection, company_id: int, automation_id: int) -> int:
    """How many runs wait in this automation."""
    query = sa.select(sa.func.count()).where(
        runs.c.company_id == company_id,
        runs.c.automation_id == automation_id,
        runs.c.status == "waiting",
    )
    return int(await tx.scalar(query) or 0)


async def document_of(tx: AsyncConnection, revision_id: int) -> dict[str, Any]:
    """The flow document of a revision; empty when there is none."""
    found = await tx.scalar(sa.select(revisions.c.flow).where(revisions.c.id == revision_id))
    return found if isinstance(found, dict) else {}


async def tell(
    tx: AsyncConnection,
    chosen: Collection[sa.ColumnElement[bool]],
    event: Stopped | MovedTo,
    asked: str,
    now: datetime,
) -> int:
    """Write `event` for every waiting run that is `chosen`, in one statement; how many are new.

    A run is told the same (`asked`) once for each of its waits, however often somebody clicks.
    """
    source = sa.literal(f"{asked}:", sa.Text) + sa.cast(runs.c.id, sa.Text)
    source = source + sa.literal(":", sa.Text) + sa.cast(runs.c.seq, sa.Text)
    found = sa.select(
        runs.c.company_id,
        runs.c.contact_id,
        sa.literal(_tag(type(event)), Words),
        sa.literal(msgspec.to_builtins(event), JSON),
        source,
        runs.c.id,
        sa.literal(now, Moment),
        sa.literal(now, Moment),
    ).where(WAITING, *chosen)
    told = (
        insert_into(tx, events)
        .from_select(_WRITTEN, found.order_by(runs.c.id))
        .on_conflict_do_nothing(index_elements=["company_id", "source_id"])
    )
    return int((await tx.execute(told)).rowcount)


def _tag(kind: type[Struct]) -> str:
    return str(kind.__struct_config__.tag)
