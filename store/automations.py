"""Automations: what a marketer owns, its draft, and whether it is live.

Rule: a revision never changes once published; the draft is the only document that is edited.
`store/drafts.py` edits it, `store/revisions.py` reads the history, `store/publishing.py` makes it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automation_tables import Status, automations, revisions
from store.columns import Moment
from store.database import as_kind, columns_of
from store.drafts import name_of, save_draft
from store.errors import NotFoundError
from store.query import Query, among

__all__ = ["Status", "automations", "revisions", "save_draft"]


class Automation(Struct, frozen=True):
    """What a marketer owns. `draft` is the flow document as it was last saved; `test_contacts`:
    ids of those who alone may enter, None when everybody may.
    """

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
    paused_by: int | None
    test_contacts: list[int] | None


class Live(Struct, frozen=True):
    """What may start in a company; the flow is that of its revision (`documents`)."""

    automation_id: int
    priority: int
    company_id: int
    revision_id: int
    test_contacts: tuple[int, ...] | None
    origin: str = ""


class Held(Struct, frozen=True):
    """An automation that nobody else can publish at the moment."""

    id: int
    company_id: int
    status: Status
    draft: dict[str, Any]
    live_revision_id: int | None


class Made(Struct, frozen=True):
    """The revision that is live now; `new` when publishing made it."""

    revision_id: int
    number: int
    new: bool


async def create(
    tx: AsyncConnection, company_id: int, document: dict[str, Any], now: datetime
) -> int:
    """Make an automation from a flow document, as a draft; its id."""
    made = await tx.execute(
        sa.insert(automations)
        .values(
            company_id=company_id,
            name=name_of(document),
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
    the automation is live afterwards, also when it was paused. `store/publishing.py` does the same
    with a plan for those who are inside.
    """
    held = await hold(tx, company_id, automation_id)
    made = await revise(tx, held, held.draft, user_id, comment, now)
    return made.number


async def hold(tx: AsyncConnection, company_id: int, automation_id: int) -> Held:
    """The automation as it is now, and nobody else's to publish until `tx` ends.

    Raises NotFoundError.
    """
    locked = (
        sa.select(*columns_of(Held, automations))
        .where(automations.c.company_id == company_id, automations.c.id == automation_id)
        .with_for_update()  # a second publisher waits here: numbers stay unique and in order
    )
    if (row := (await tx.execute(locked)).one_or_none()) is None:
        raise _missing(automation_id)
    return as_kind(Held, row)


async def revise(
    tx: AsyncConnection,
    held: Held,
    document: dict[str, Any],
    user_id: int | None,
    comment: str,
    now: datetime,
) -> Made:
    """Make `document` what is live; nothing new when it is that already."""
    newest = (
        sa.select(revisions.c.id, revisions.c.number, revisions.c.flow)
        .where(revisions.c.automation_id == held.id)
        .order_by(revisions.c.number.desc())
        .limit(1)
    )
    last = (await tx.execute(newest)).one_or_none()
    if last is not None and last.id == held.live_revision_id and last.flow == document:
        await _go_live(tx, held.company_id, held.id, last.id, now)
        return Made(last.id, last.number, new=False)
    number = 1 if last is None else last.number + 1
    made = await tx.execute(
        sa.insert(revisions)
        .values(
            company_id=held.company_id,
            automation_id=held.id,
            number=number,
            flow=document,
            comment=comment,
            published_at=now,
            published_by=user_id,
        )
        .returning(revisions.c.id)
    )
    revision_id = int(made.scalar_one())
    await _go_live(tx, held.company_id, held.id, revision_id, now)
    return Made(revision_id, number, new=True)


async def pause(
    tx: AsyncConnection, company_id: int, automation_id: int, now: datetime, by: int | None = None
) -> None:
    """Start nobody any more; those inside go on, their messages wait. Only what is live can be
    paused. `by`: the user who did it, None for a machine.
    """
    await _move(tx, company_id, automation_id, ["live"], "paused", now, paused_at=now, paused_by=by)


async def resume(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Let people start again what was paused."""
    await _move(
        tx, company_id, automation_id, ["paused"], "live", now, paused_at=None, paused_by=None
    )


async def archive(tx: AsyncConnection, company_id: int, automation_id: int, now: datetime) -> None:
    """Put it out of sight; it starts nobody. `store/moves.py` ends the runs of those inside."""
    await _move(tx, company_id, automation_id, ["draft", "live", "paused"], "archived", now)


async def restore(
    tx: AsyncConnection, company_id: int, automation_id: int, now: datetime, by: int | None = None
) -> None:
    """Take it out of the archive: paused when it was ever live, else a draft again."""
    published = automations.c.live_revision_id.is_not(None)
    where = (
        *(automations.c.company_id == company_id, automations.c.id == automation_id),
        automations.c.status == "archived",
    )
    values = {
        "status": sa.case((published, "paused"), else_="draft"),
        "paused_at": sa.case((published, sa.literal(now, Moment)), else_=sa.null()),
        "paused_by": by,
        "updated_at": now,
    }
    result = await tx.execute(sa.update(automations).where(*where).values(values))
    if result.rowcount == 0:
        await get(tx, company_id, automation_id)  # not in the archive is fine, not there is not


async def test_with(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    contact_ids: Sequence[int] | None,
    now: datetime,
) -> None:
    """Let only these contacts in, as often as they like; None lets everybody in again."""
    chosen = None if contact_ids is None else sorted(set(contact_ids))
    values = {"test_contacts": chosen, "updated_at": now}
    await _change(tx, company_id, automation_id, values)


async def set_priority(
    tx: AsyncConnection, company_id: int, automation_id: int, priority: int, now: datetime
) -> None:
    """Which of several goes first: 0 is usual, higher goes before lower."""
    await _change(tx, company_id, automation_id, {"priority": priority, "updated_at": now})


_LIVE = Query(
    sa.select(
        automations.c.id,
        automations.c.priority,
        automations.c.company_id,
        automations.c.live_revision_id,
        automations.c.test_contacts,
        automations.c.origin,
    )
    .where(among(automations.c.company_id, "companies"), automations.c.status == "live")
    .where(automations.c.live_revision_id.is_not(None))
    .order_by(automations.c.id)
)


async def live(tx: AsyncConnection, company_ids: Collection[int]) -> list[Live]:
    """What may start in these companies, oldest first."""
    return [
        Live(
            *(one, priority, company, revision),
            testers and tuple(msgspec.json.decode(testers)),
            origin,
        )
        for one, priority, company, revision, testers, origin in await _LIVE.rows(
            tx, companies=company_ids
        )
    ]


async def documents(
    tx: AsyncConnection, revision_ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """`{revision id: flow document}`; revisions that do not exist are left out."""
    query = sa.select(revisions.c.id, revisions.c.flow).where(revisions.c.id.in_(revision_ids))
    return {row.id: row.flow for row in await tx.execute(query)}


def no_revision(automation_id: int, number: int) -> NotFoundError:
    """The error for a revision that is not there."""
    return NotFoundError(f"automation {automation_id} has no revision {number}")


def _missing(automation_id: int) -> NotFoundError:
    return NotFoundError(f"automation {automation_id} does not exist")


async def _go_live(
    tx: AsyncConnection, company_id: int, automation_id: int, revision_id: int, now: datetime
) -> None:
    values = {
        "status": "live",
        "live_revision_id": revision_id,
        "paused_at": None,
        "paused_by": None,
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
    **more: datetime | int | None,
) -> None:
    """Only what is `of` one of these states is moved; anything else stays just as it is."""
    where = (
        *(automations.c.company_id == company_id, automations.c.id == automation_id),
        automations.c.status.in_(of),
    )
    values = {"status": to, "updated_at": now, **more}
    result = await tx.execute(sa.update(automations).where(*where).values(values))
    if result.rowcount == 0:
        await get(tx, company_id, automation_id)  # in another state is fine, not there is not


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
