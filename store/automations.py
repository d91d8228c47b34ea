"""Automations and their revisions.

Rule: a revision never changes once published; the draft is the only document that is edited.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of
from store.errors import NotFoundError

automations = sa.Table(
    "automations",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("status", Words, nullable=False, default="draft"),
    sa.Column("priority", sa.Integer, nullable=False, default=0),
    sa.Column("draft", JSON, nullable=False),
    sa.Column("live_revision_id", BigId),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("paused_at", Moment),
    sa.Column("paused_by", BigId),
    sa.Column("test_contacts", JSON),  # a list of contact ids while only those may enter
    sa.Index("ix_automations_company_id_id", "company_id", "id"),
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, sa.ForeignKey("automations.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("flow", JSON, nullable=False),
    sa.Column("comment", Words, nullable=False, default=""),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", BigId),
    sa.UniqueConstraint("automation_id", "number"),
)

Status = Literal["draft", "live", "paused", "archived"]
PAGE = 50


class Automation(Struct, frozen=True):
    """What a marketer owns. `draft` is the flow document as it was last saved."""

    id: int
    company_id: int
    name: str
    status: Status
    priority: int
    draft: dict[str, Any]
    live_revision_id: int | None
    created_at: datetime
    updated_at: datetime
    paused_at: datetime | None


class Live(Struct, frozen=True):
    """What may start in a company. `flow` is None for a revision the caller has already."""

    automation_id: int
    priority: int
    company_id: int
    revision_id: int
    flow: dict[str, Any] | None


class Revision(Struct, frozen=True):
    """A published version; `flow` never changes."""

    id: int
    automation_id: int
    number: int
    flow: dict[str, Any]
    comment: str
    published_at: datetime
    published_by: int | None


async def create(
    tx: AsyncConnection, company_id: int, document: dict[str, Any], now: datetime
) -> int:
    """Make an automation from a flow document, as a draft; its id."""
    made = await tx.execute(
        sa.insert(automations)
        .values(
            company_id=company_id,
            name=_name(document),
            draft=document,
            created_at=now,
            updated_at=now,
        )
        .returning(automations.c.id)
    )
    return int(made.scalar_one())


async def get(tx: AsyncConnection, company_id: int, automation_id: int) -> Automation:
    """The automation. Raises NotFoundError, also for another company's."""
    query = sa.select(*columns_of(Automation, automations)).where(
        automations.c.company_id == company_id, automations.c.id == automation_id
    )
    if (row := (await tx.execute(query)).one_or_none()) is None:
        raise _missing(automation_id)
    return as_kind(Automation, row)


async def save_draft(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    document: dict[str, Any],
    now: datetime,
) -> None:
    """Keep an edited document; its name becomes the automation's. Raises NotFoundError."""
    values = {"draft": document, "name": _name(document), "updated_at": now}
    await _change(tx, company_id, automation_id, values)


async def publish(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    user_id: int | None,
    comment: str,
    now: datetime,
) -> int:
    """Make the draft the live revision and return its number. Raises NotFoundError.

    Publishing what is live already makes nothing new: the same number comes back. In both cases
    the automation is live afterwards, also when it was paused.
    """
    locked = (
        sa.select(automations.c.draft, automations.c.live_revision_id)
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .with_for_update()  # a second publisher waits here: numbers stay unique and in order
    )
    if (row := (await tx.execute(locked)).one_or_none()) is None:
        raise _missing(automation_id)
    newest = (
        sa.select(revisions.c.id, revisions.c.number, revisions.c.flow)
        .where(revisions.c.automation_id == automation_id)
        .order_by(revisions.c.number.desc())
        .limit(1)
    )
    last = (await tx.execute(newest)).one_or_none()
    if last is not None and last.id == row.live_revision_id and last.flow == row.draft:
        await _go_live(tx, company_id, automation_id, last.id, now)
        return int(last.number)
    number = 1 if last is None else last.number + 1
    made = await tx.execute(
        sa.insert(revisions)
        .values(
            company_id=company_id,
            automation_id=automation_id,
            number=number,
            flow=row.draft,
            comment=comment,
            published_at=now,
            published_by=user_id,
        )
        .returning(revisions.c.id)
    )
    await _go_live(tx, company_id, automation_id, made.scalar_one(), now)
    return int(number)


async def pause(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Start nobody any more; those inside go on. Only what is live can be paused."""
    await _move(tx, company_id, automation_id, ["live"], "paused", now, paused_at=now)


async def resume(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Let people start again what was paused."""
    await _move(tx, company_id, automation_id, ["paused"], "live", now, paused_at=None)


async def archive(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Put it out of sight; it starts nobody, those inside go on."""
    await _move(tx, company_id, automation_id, ["draft", "live", "paused"], "archived", now)


async def restore(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Take it out of the archive: paused when it was ever live, else a draft again."""
    before = sa.case((automations.c.live_revision_id.is_(None), "draft"), else_="paused")
    status = sa.case((automations.c.status == "archived", before), else_=automations.c.status)
    await _change(tx, company_id, automation_id, {"status": status, "updated_at": now})


async def live(
    tx: AsyncConnection, company_ids: Collection[int], known: Collection[int] = ()
) -> list[Live]:
    """What may start in these companies, oldest first; the flows of `known` revisions stay home."""
    flow = sa.case((revisions.c.id.in_(known), sa.null()), else_=revisions.c.flow)
    query = (
        sa.select(
            automations.c.id,
            automations.c.priority,
            automations.c.company_id,
            revisions.c.id,
            sa.type_coerce(flow, JSON) if known else revisions.c.flow,
        )
        .join(revisions, revisions.c.id == automations.c.live_revision_id)
        .where(automations.c.company_id.in_(company_ids), automations.c.status == "live")
        .order_by(automations.c.id)
    )
    return [as_kind(Live, row) for row in await tx.execute(query)]


async def documents(
    tx: AsyncConnection, revision_ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """`{revision id: flow document}`; revisions that do not exist are left out."""
    query = sa.select(revisions.c.id, revisions.c.flow).where(revisions.c.id.in_(revision_ids))
    return {row.id: row.flow for row in await tx.execute(query)}


async def history(
    tx: AsyncConnection, company_id: int, automation_id: int, limit: int = PAGE
) -> list[Revision]:
    """The last published revisions, newest first."""
    query = (
        sa.select(*columns_of(Revision, revisions))
        .where(revisions.c.company_id == company_id, revisions.c.automation_id == automation_id)
        .order_by(revisions.c.number.desc())
        .limit(limit)
    )
    return [as_kind(Revision, row) for row in await tx.execute(query)]


def _name(document: dict[str, Any]) -> str:
    return str(document.get("name") or "")


def _missing(automation_id: int) -> NotFoundError:
    return NotFoundError(f"automation {automation_id} does not exist")


async def _go_live(
    tx: AsyncConnection, company_id: int, automation_id: int, revision_id: int, now: datetime
) -> None:
    values = {
        "status": "live",
        "live_revision_id": revision_id,
        "paused_at": None,
        "updated_at": now,
    }
    await _change(tx, company_id, automation_id, values)


async def _move(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    of: Collection[Status],
    to: Status,
    now: datetime,
    **more: datetime | None,
) -> None:
    status = sa.case((automations.c.status.in_(of), to), else_=automations.c.status)
    values = {"status": status, "updated_at": now, **more}
    await _change(tx, company_id, automation_id, values)


async def _change(
    tx: AsyncConnection, company_id: int, automation_id: int, values: dict[str, Any]
) -> None:
    result = await tx.execute(
        sa.update(automations)
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .values(values)
    )
    if result.rowcount == 0:
        raise _missing(automation_id)
