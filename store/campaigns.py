"""Campaigns: one automation started for many contacts, by a person or by its schedule.

Rule: an occurrence exists once; its contacts are started in pieces behind a cursor, so that a
crash anywhere neither skips nor repeats anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.automations import automations
from store.columns import JSON, BigId, Moment, Words, metadata
from store.contacts import contacts
from store.database import as_kind, columns_of, insert_into
from store.errors import NotFoundError
from store.events import UNHANDLED, events

STARTING = sa.text("state = 'starting'")
STARTING_OF = sa.text("campaigns.state = 'starting'")

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),  # campaign, schedule
    sa.Column("name", Words, nullable=False, default=""),
    sa.Column("audience", JSON, nullable=False),
    sa.Column("data", JSON, nullable=False, default=dict),
    sa.Column("occurrence", Words, nullable=False),
    sa.Column("state", Words, nullable=False),  # starting, started, stopped
    sa.Column("cursor", BigId, nullable=False, default=0),  # contacts up to this id are done
    sa.Column("ceiling", BigId, nullable=False, default=0),  # the newest contact when it began
    sa.Column("started", sa.Integer, nullable=False, default=0),
    sa.Column("left_out", sa.Integer, nullable=False, default=0),
    sa.Column("created_by", BigId),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.UniqueConstraint("automation_id", "trigger", "occurrence"),
    sa.Index("ix_campaigns_starting", "id", sqlite_where=STARTING, postgresql_where=STARTING),
    sa.Index("ix_campaigns_company_id_id", "company_id", "id"),
)

trigger_marks = sa.Table(
    "trigger_marks",
    metadata,
    sa.Column("automation_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("trigger", Words, primary_key=True),
    sa.Column("upto", Moment, nullable=False),  # occurrences until then have been seen to
)


Kind = Literal["campaign", "schedule"]
State = Literal["starting", "started", "stopped"]
PAGE = 50
WHOLE = 100  # per cent


class Campaign(Struct, frozen=True):
    """One start of many. `audience` is a `flows.audience.Audience` in plain JSON."""

    id: int
    company_id: int
    automation_id: int
    trigger: str
    kind: Kind
    name: str
    audience: dict[str, Any]
    data: dict[str, Any]
    occurrence: str
    state: State
    cursor: int
    ceiling: int
    started: int
    left_out: int
    created_by: int | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def progress(self) -> int:
        """How much of the company's contacts were looked at, in per cent."""
        if self.state == "started" or not self.ceiling:
            return WHOLE
        return min(WHOLE, WHOLE * self.cursor // self.ceiling)


_ALL = columns_of(Campaign, campaigns)


async def create(
    tx: AsyncConnection,
    *,
    company_id: int,
    automation_id: int,
    trigger: str,
    kind: Kind,
    audience: Mapping[str, Any],
    occurrence: str,
    now: datetime,
    name: str = "",
    data: Mapping[str, Any] | None = None,
    created_by: int | None = None,
) -> int | None:
    """Begin a campaign for the contacts there are now; None when this occurrence exists."""
    newest = sa.select(sa.func.coalesce(sa.func.max(contacts.c.id), 0)).where(
        contacts.c.company_id == company_id
    )
    made = await tx.execute(
        insert_into(tx, campaigns)
        .values(
            company_id=company_id,
            automation_id=automation_id,
            trigger=trigger,
            kind=kind,
            name=name,
            audience=audience,
            data=data or {},
            occurrence=occurrence,
            state="starting",
            ceiling=await tx.scalar(newest),
            created_by=created_by,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["automation_id", "trigger", "occurrence"])
        .returning(campaigns.c.id)
    )
    found: int | None = made.scalar_one_or_none()
    return found


async def get(tx: AsyncConnection, company_id: int, campaign_id: int) -> Campaign:
    """The campaign. Raises NotFoundError, also for another company's."""
    query = sa.select(*_ALL).where(
        campaigns.c.company_id == company_id, campaigns.c.id == campaign_id
    )
    if (row := (await tx.execute(query)).one_or_none()) is None:
        raise NotFoundError(f"campaign {campaign_id} does not exist")
    return as_kind(Campaign, row)


async def page(
    tx: AsyncConnection,
    company_id: int,
    *,
    automation_id: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Campaign]:
    """Up to `limit` campaigns with an id below `before`, newest first."""
    query = sa.select(*_ALL).where(campaigns.c.company_id == company_id)
    if automation_id is not None:
        query = query.where(campaigns.c.automation_id == automation_id)
    if before is not None:
        query = query.where(campaigns.c.id < before)
    rows = await tx.execute(query.order_by(campaigns.c.id.desc()).limit(limit))
    return [as_kind(Campaign, row) for row in rows]


async def stop(tx: AsyncConnection, company_id: int, campaign_id: int, now: datetime) -> None:
    """Start nobody else; those who were started go on. One that is over stays as it is."""
    await tx.execute(
        sa.update(campaigns)
        .where(campaigns.c.company_id == company_id, campaigns.c.id == campaign_id)
        .where(STARTING)
        .values(state="stopped", finished_at=now)
    )


async def take_back(tx: AsyncConnection, company_id: int, automation_id: int) -> int:
    """Take out of the engine's line whom campaigns of an automation that was just paused have put
    there; how many. They are put in line again when it goes on, else nobody would start them.

    The contacts are held first: whom an engine has in hand just now is started once.
    """
    line = (
        UNHANDLED,
        events.c.company_id == company_id,
        events.c.kind == "occasion",
        events.c.source_id.startswith("campaign:"),
        events.c.data["automation_id"].as_integer() == automation_id,
    )
    in_line = sa.select(events.c.contact_id).where(*line)
    held = sa.select(contacts.c.id).where(contacts.c.id.in_(in_line)).order_by(contacts.c.id)
    ids = (await tx.execute(held.with_for_update())).scalars().all()
    gone = sa.delete(events).where(*line, events.c.contact_id.in_(ids))
    sources = (await tx.execute(gone.returning(events.c.source_id))).scalars().all()
    first: dict[int, int] = {}
    for source in sources:
        campaign_id, contact_id = map(int, source.split(":")[1:])
        first[campaign_id] = min(contact_id, first.get(campaign_id, contact_id))
    for campaign_id, contact_id in sorted(first.items()):
        taken = sum(1 for source in sources if source.startswith(f"campaign:{campaign_id}:"))
        await tx.execute(
            sa.update(campaigns)
            .where(campaigns.c.id == campaign_id, campaigns.c.state != "stopped")
            .values(
                state="starting",
                cursor=contact_id - 1,
                started=campaigns.c.started - taken,
                finished_at=None,
            )
        )
    return len(sources)


async def to_fill(tx: AsyncConnection) -> Sequence[Campaign]:
    """The oldest unfinished campaign of each live automation: occurrences keep their order."""
    oldest = (
        sa.select(sa.func.min(campaigns.c.id))
        .join(automations, automations.c.id == campaigns.c.automation_id)
        .where(STARTING_OF, automations.c.status == "live")
        .group_by(campaigns.c.automation_id)
    )
    query = sa.select(*_ALL).where(campaigns.c.id.in_(oldest)).order_by(campaigns.c.id)
    return [as_kind(Campaign, row) for row in await tx.execute(query)]


async def drop_archived(tx: AsyncConnection, now: datetime) -> None:
    """Stop the campaigns of automations that were put away."""
    gone = sa.select(automations.c.id).where(automations.c.status == "archived")
    await tx.execute(
        sa.update(campaigns)
        .where(STARTING, campaigns.c.automation_id.in_(gone))
        .values(state="stopped", finished_at=now)
    )


async def advance(
    tx: AsyncConnection,
    campaign: Campaign,
    cursor: int | None,
    *,
    started: int,
    left_out: int,
    now: datetime,
) -> bool:
    """Move the cursor (None: nobody is left) and count. False: somebody else moved or stopped it
    in the meantime, or paused its automation, so this piece must not be kept.
    """
    status = sa.select(automations.c.status).where(automations.c.id == campaign.automation_id)
    if await tx.scalar(status.with_for_update(read=True)) != "live":
        return False
    end = {"state": "started", "finished_at": now} if cursor is None else {"cursor": cursor}
    moved = await tx.execute(
        sa.update(campaigns)
        .where(campaigns.c.id == campaign.id, campaigns.c.cursor == campaign.cursor, STARTING)
        .values(
            started=campaigns.c.started + started,
            left_out=campaigns.c.left_out + left_out,
            **end,
        )
    )
    return moved.rowcount == 1
