"""What the pages of automations show, each read in a few set-wise statements.

Rule: reads only, always inside one company; counts come from indexes, never from loading rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations, revisions
from store.columns import Words
from store.contacts import contact_addresses, contacts
from store.errors import NotFoundError
from store.ids import first_id_at
from store.runs import runs
from store.starts import starts_by
from store.users import users

LISTED = 100  # automations on one page
RUNS_LISTED = 50
LATELY = timedelta(days=30)


class Counts(Struct, frozen=True):
    """How many are inside now, and started and finished in the last thirty days."""

    inside: int = 0
    started: int = 0
    finished: int = 0


class Automation(Struct, frozen=True):
    """One automation with its live revision, if there is any. `paused_by` is a person's name, ""
    for a machine.
    """

    id: int
    name: str
    status: str
    draft: dict[str, Any]
    live_revision_id: int | None
    updated_at: datetime
    paused_at: datetime | None
    paused_by: str
    priority: int
    folder: str
    test_contacts: list[int] | None
    revision: int | None
    live_flow: dict[str, Any] | None
    draft_version: int = 0
    draft_seq: int = 0

    @property
    def changed(self) -> bool:
        """Whether the draft differs from what is live."""
        return self.live_flow is not None and self.draft != self.live_flow


_NAME = sa.func.coalesce(
    sa.func.nullif(contacts.c.name, ""),
    sa.func.nullif(sa.func.trim(contacts.c.first_name + " " + contacts.c.last_name), ""),
    "",
)
_JOINED = automations.outerjoin(
    revisions, revisions.c.id == automations.c.live_revision_id
).outerjoin(users, users.c.id == automations.c.paused_by)
_PAUSER = sa.func.coalesce(sa.func.nullif(users.c.name, ""), users.c.email, "", type_=Words())
_COLUMNS = (
    *(automations.c[name] for name in ("id", "name", "status", "draft", "live_revision_id")),
    *(automations.c.updated_at, automations.c.paused_at, _PAUSER.label("paused_by")),
    *(automations.c.priority, automations.c.folder, automations.c.test_contacts),
    *(revisions.c.number.label("revision"), revisions.c.flow.label("live_flow")),
    *(automations.c.draft_version, automations.c.draft_seq),
)


async def find_page(
    tx: AsyncConnection,
    company_id: int,
    *,
    status: str,
    search: str,
    before: int | None,
    trigger: str = "",
    folder: str = "",
) -> list[Automation]:
    """Automations that somebody made, newest first; without a status all but the archived ones.
    `trigger` is a kind that starts them.
    """
    query = (
        sa.select(*_COLUMNS)
        .select_from(_JOINED)
        .where(automations.c.company_id == company_id, automations.c.origin == "")
    )
    if status:
        query = query.where(automations.c.status == status)
    else:
        query = query.where(automations.c.status != "archived")
    if trigger:
        query = query.where(starts_by(automations.c.draft, trigger))
    if folder:
        query = query.where(automations.c.folder == folder)
    if search:
        query = query.where(automations.c.name.icontains(search, autoescape=True))
    if before is not None:
        query = query.where(automations.c.id < before)
    rows = await tx.execute(query.order_by(automations.c.id.desc()).limit(LISTED + 1))
    return [Automation(**row._asdict()) for row in rows]


async def get_automation(tx: AsyncConnection, company_id: int, automation_id: int) -> Automation:
    """One of this company's. Raises NotFoundError."""
    query = (
        sa.select(*_COLUMNS)
        .select_from(_JOINED)
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        message = f"automation {automation_id} does not exist"
        raise NotFoundError(message)
    return Automation(**row._asdict())


async def count_by_status(tx: AsyncConnection, company_id: int) -> dict[str, int]:
    """How many automations there are in each state."""
    query = (
        sa.select(automations.c.status, sa.func.count())
        .where(automations.c.company_id == company_id, automations.c.origin == "")
        .group_by(automations.c.status)
    )
    return {status: n for status, n in await tx.execute(query)}  # noqa: C416  rows, not pairs


async def counts_of(
    tx: AsyncConnection, company_id: int, ids: Sequence[int], now: datetime
) -> dict[int, Counts]:
    """The numbers of these automations. Run ids grow with time, so a month is a range of ids."""
    if not ids:
        return {}
    lately = runs.c.id >= first_id_at(now - LATELY)
    mine = sa.and_(runs.c.company_id == company_id, runs.c.automation_id.in_(ids))
    one = sa.literal(1)
    recent = (
        sa.select(
            runs.c.automation_id,
            sa.func.count().label("started"),
            sa.func.count(sa.case((runs.c.status == "done", one))).label("finished"),
        )
        .where(mine, lately)
        .group_by(runs.c.automation_id)
    )
    inside = (
        sa.select(runs.c.automation_id, sa.func.count())
        .where(mine, runs.c.status == "waiting")
        .group_by(runs.c.automation_id)
    )
    waiting = {automation_id: n for automation_id, n in await tx.execute(inside)}  # noqa: C416
    found = {row.automation_id: row for row in await tx.execute(recent)}
    return {
        one_id: Counts(
            waiting.get(one_id, 0),
            found[one_id].started if one_id in found else 0,
            found[one_id].finished if one_id in found else 0,
        )
        for one_id in ids
    }


async def names_of(
    tx: AsyncConnection, company_id: int, contact_ids: Sequence[int]
) -> list[tuple[int, str]]:
    """`(id, what to call them)` of these contacts: a name, else a number, else ""."""
    if not contact_ids:
        return []
    numbers = (
        sa.select(sa.func.min(contact_addresses.c.value))
        .where(contact_addresses.c.contact_id == contacts.c.id)
        .where(contact_addresses.c.kind.in_(("phone", "wa_id")))
        .scalar_subquery()
    )
    called = sa.func.coalesce(sa.func.nullif(_NAME, ""), numbers, "", type_=Words())
    query = (
        sa.select(contacts.c.id, called)
        .where(contacts.c.company_id == company_id, contacts.c.id.in_(contact_ids))
        .order_by(contacts.c.id)
    )
    return [(contact_id, name) for contact_id, name in await tx.execute(query)]


async def waiting_by_step(tx: AsyncConnection, automation_id: int) -> dict[str, int]:
    """How many contacts wait at each step now."""
    query = (
        sa.select(runs.c.step, sa.func.count())
        .where(runs.c.automation_id == automation_id, runs.c.status == "waiting")
        .group_by(runs.c.step)
    )
    return {step: n for step, n in await tx.execute(query) if step}


class RunRow(Struct, frozen=True):
    """One run as lists show it."""

    id: int
    automation_id: int
    automation: str
    revision: int | None
    contact_id: int
    contact: str
    trigger: str
    status: str
    step: str | None
    wait_until: datetime | None
    started_at: datetime
    ended_at: datetime | None
    reason: str


_RUN_COLUMNS = (  # in the order of RunRow's fields
    runs.c.id,
    runs.c.automation_id,
    automations.c.name.label("automation"),
    revisions.c.number.label("revision"),
    runs.c.contact_id,
    _NAME.label("contact"),
    *(runs.c[name] for name in ("trigger", "status", "step", "wait_until")),
    *(runs.c[name] for name in ("started_at", "ended_at", "reason")),
)
_RUNS = (
    runs.join(automations, automations.c.id == runs.c.automation_id)
    .outerjoin(revisions, revisions.c.id == runs.c.revision_id)
    .outerjoin(contacts, contacts.c.id == runs.c.contact_id)
)


async def find_runs(
    tx: AsyncConnection,
    company_id: int,
    *,
    automation_id: int | None = None,
    contact_id: int | None = None,
    status: str = "",
    step: str = "",
    before: int | None = None,
    limit: int = RUNS_LISTED,
) -> list[RunRow]:
    """Runs, newest first, one more than `limit` when there are older ones."""
    query = sa.select(*_RUN_COLUMNS).select_from(_RUNS).where(runs.c.company_id == company_id)
    if automation_id is not None:
        query = query.where(runs.c.automation_id == automation_id)
    if contact_id is not None:
        query = query.where(runs.c.contact_id == contact_id)
    if status:
        query = query.where(runs.c.status == status)
    if step:
        query = query.where(runs.c.step == step)
    if before is not None:
        query = query.where(runs.c.id < before)
    rows = await tx.execute(query.order_by(runs.c.id.desc()).limit(limit + 1))
    return [RunRow(**row._asdict()) for row in rows]


async def get_run(tx: AsyncConnection, company_id: int, run_id: int) -> RunRow:
    """One run of this company. Raises NotFoundError."""
    query = (
        sa.select(*_RUN_COLUMNS)
        .select_from(_RUNS)
        .where(runs.c.company_id == company_id, runs.c.id == run_id)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        message = f"run {run_id} does not exist"
        raise NotFoundError(message)
    return RunRow(**row._asdict())


async def flow_of_run(tx: AsyncConnection, run_id: int) -> dict[str, Any]:
    """The document of the revision a run is in."""
    query = (
        sa.select(revisions.c.flow)
        .join(runs, runs.c.revision_id == revisions.c.id)
        .where(runs.c.id == run_id)
    )
    found = await tx.scalar(query)
    return found if isinstance(found, dict) else {}
