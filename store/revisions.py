"""The published versions of an automation: which there are, who is still inside, what they say.

Rule: reads only; a revision never changes once published.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import no_revision, revisions
from store.columns import Words
from store.database import as_kind, columns_of
from store.runs import runs
from store.users import users

PAGE = 50
_COMPARED_AT_ONCE = 20  # documents in memory while the draft is looked for among them
_MARK_LETTERS = 16
_LARGEST = 2**31 - 1  # what the column of numbers holds
_sorted = msgspec.json.Encoder(order="sorted")


class Revision(Struct, frozen=True):
    """A published version; `flow` never changes."""

    id: int
    automation_id: int
    number: int
    flow: dict[str, Any]
    comment: str
    published_at: datetime
    published_by: int | None


class Listed(Struct, frozen=True):
    """A line of the history: `by` is the publisher's name, "" for a machine; `inside` waits in it
    right now.
    """

    id: int
    number: int
    comment: str
    published_at: datetime
    by: str
    inside: int


class WaitingAt(Struct, frozen=True):
    """Those who wait in one step: `{number of their revision: how many}`."""

    step: str
    revisions: dict[int, int]

    @property
    def contacts(self) -> int:
        """How many in all."""
        return sum(self.revisions.values())


async def page(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Listed]:
    """Up to `limit` revisions with a number below `before`, newest first."""
    shown = sa.select(
        revisions.c.id,
        revisions.c.number,
        revisions.c.comment,
        revisions.c.published_at,
        revisions.c.published_by,
    ).where(revisions.c.company_id == company_id, revisions.c.automation_id == automation_id)
    if before is not None:
        shown = shown.where(revisions.c.number < min(before, _LARGEST))
    some = shown.order_by(revisions.c.number.desc()).limit(limit).subquery()
    inside = (
        sa.select(runs.c.revision_id, sa.func.count().label("inside"))
        .where(runs.c.automation_id == automation_id, runs.c.status == "waiting")
        .group_by(runs.c.revision_id)
        .subquery()
    )
    name = sa.func.coalesce(sa.func.nullif(users.c.name, ""), users.c.email, "", type_=Words())
    query = (
        sa.select(
            *(some.c.id, some.c.number, some.c.comment, some.c.published_at),
            *(name, sa.func.coalesce(inside.c.inside, 0)),
        )
        .outerjoin(users, users.c.id == some.c.published_by)
        .outerjoin(inside, inside.c.revision_id == some.c.id)
        .order_by(some.c.number.desc())
    )
    return [as_kind(Listed, row) for row in await tx.execute(query)]


async def find(
    tx: AsyncConnection, company_id: int, automation_id: int, number: int
) -> Revision | None:
    """One revision by its number, or None."""
    if number > _LARGEST:
        return None
    query = sa.select(*columns_of(Revision, revisions)).where(
        revisions.c.company_id == company_id,
        revisions.c.automation_id == automation_id,
        revisions.c.number == number,
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Revision, row)


async def get(tx: AsyncConnection, company_id: int, automation_id: int, number: int) -> Revision:
    """One revision by its number. Raises NotFoundError."""
    found = await find(tx, company_id, automation_id, number)
    if found is None:
        raise no_revision(automation_id, number)
    return found


async def waiting(tx: AsyncConnection, company_id: int, automation_id: int) -> list[WaitingAt]:
    """Everybody who waits in this automation now, by step and revision; most first."""
    query = (
        sa.select(runs.c.step, revisions.c.number, sa.func.count())
        .join(revisions, revisions.c.id == runs.c.revision_id)
        .where(runs.c.company_id == company_id, runs.c.automation_id == automation_id)
        .where(runs.c.status == "waiting", runs.c.step.is_not(None))
        .group_by(runs.c.step, revisions.c.number)
        .order_by(revisions.c.number)
    )
    steps: dict[str, dict[int, int]] = {}
    for step, number, count in await tx.execute(query):
        steps.setdefault(step, {})[number] = count
    found = [WaitingAt(step, counts) for step, counts in steps.items()]
    return sorted(found, key=lambda one: (-one.contacts, one.step))


async def holds(
    tx: AsyncConnection, company_id: int, automation_id: int, document: dict[str, Any]
) -> bool:
    """Whether some revision says exactly what `document` says, so that it cannot get lost."""
    query = (
        sa.select(revisions.c.number, revisions.c.flow)
        .where(revisions.c.company_id == company_id, revisions.c.automation_id == automation_id)
        .order_by(revisions.c.number.desc())
        .limit(_COMPARED_AT_ONCE)
    )
    before: int | None = None
    while True:
        older = query if before is None else query.where(revisions.c.number < before)
        rows = (await tx.execute(older)).all()
        if any(row.flow == document for row in rows):
            return True
        if len(rows) < _COMPARED_AT_ONCE:
            return False
        before = rows[-1].number


def mark_of(document: dict[str, Any]) -> str:
    """A few letters that are the same for the same document: what somebody saw when they looked."""
    return hashlib.sha256(_sorted.encode(document)).hexdigest()[:_MARK_LETTERS]
