"""Alerts: what a person has to look at.

Rule: one thing that is wrong is one open alert, however often it is noticed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into, skip_locked
from store.errors import NotFoundError

OPEN_ON_A_PHONE = sa.text("resolved_at IS NULL AND phone_id IS NOT NULL")
OPEN_IN_GENERAL = sa.text("resolved_at IS NULL AND phone_id IS NULL")

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False),
    sa.Column("severity", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("phone_id", BigId),
    sa.Column("details", Words, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
    sa.Column("snoozed_until", Moment),
    sa.Column("told_at", Moment),  # when its company was told by webhook or e-mail
    sa.Index("ix_alerts_company_id_id", "company_id", "id"),
    sa.Index(
        "uq_alerts_open_on_a_phone",
        "company_id",
        "kind",
        "phone_id",
        unique=True,
        sqlite_where=OPEN_ON_A_PHONE,
        postgresql_where=OPEN_ON_A_PHONE,
    ),
    sa.Index(
        "uq_alerts_open_in_general",
        "company_id",
        "kind",
        unique=True,
        sqlite_where=OPEN_IN_GENERAL,
        postgresql_where=OPEN_IN_GENERAL,
    ),
)

Severity = Literal["info", "warning", "critical"]
PAGE = 50


class Alert(Struct, frozen=True):
    """Something that is or was wrong. `kind` is a stable name, `details` is for people. Until
    `snoozed_until` it stays open, and nobody is reminded of it.
    """

    id: int
    company_id: int
    severity: Severity
    kind: str
    phone_id: int | None
    details: str
    created_at: datetime
    resolved_at: datetime | None
    snoozed_until: datetime | None


async def raise_once(
    tx: AsyncConnection,
    company_id: int,
    severity: Severity,
    kind: str,
    details: str,
    now: datetime,
    *,
    phone_id: int | None = None,
) -> int | None:
    """Open an alert and return its id; None when this kind is open already (for this phone)."""
    made = await tx.execute(
        insert_into(tx, alerts)
        .values(
            company_id=company_id,
            severity=severity,
            kind=kind,
            phone_id=phone_id,
            details=details,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(alerts.c.id)
    )
    alert_id: int | None = made.scalar_one_or_none()
    return alert_id


async def resolve(
    tx: AsyncConnection, company_id: int, kind: str, now: datetime, *, phone_id: int | None = None
) -> None:
    """Close what was open of this kind (for this phone)."""
    await tx.execute(
        sa.update(alerts)
        .where(alerts.c.company_id == company_id, alerts.c.kind == kind)
        .where(alerts.c.phone_id.is_(None) if phone_id is None else alerts.c.phone_id == phone_id)
        .where(alerts.c.resolved_at.is_(None))
        .values(resolved_at=now)
    )


async def resolve_many(tx: AsyncConnection, alert_ids: Collection[int], now: datetime) -> None:
    """Close these alerts, those that are open."""
    if alert_ids:
        await tx.execute(
            sa.update(alerts)
            .where(alerts.c.id.in_(alert_ids), alerts.c.resolved_at.is_(None))
            .values(resolved_at=now)
        )


async def open_in(tx: AsyncConnection, company_ids: Collection[int]) -> list[Alert]:
    """All open alerts of these companies."""
    query = (
        sa.select(*columns_of(Alert, alerts))
        .where(alerts.c.company_id.in_(company_ids), alerts.c.resolved_at.is_(None))
        .order_by(alerts.c.id)
    )
    return [as_kind(Alert, row) for row in await tx.execute(query)]


async def companies_with(tx: AsyncConnection, kind: str) -> set[int]:
    """The companies in which an alert of this kind (about no phone) is open."""
    query = sa.select(alerts.c.company_id).where(alerts.c.kind == kind, OPEN_IN_GENERAL)
    return set((await tx.execute(query)).scalars())


async def any_untold(tx: AsyncConnection, since: datetime) -> bool:
    """Whether `untold` would find anything."""
    query = sa.select(alerts.c.id).where(_untold(since)).limit(1)
    return await tx.scalar(query) is not None


async def untold(tx: AsyncConnection, since: datetime, limit: int) -> list[Alert]:
    """Open alerts from after `since` that nobody was told of, oldest first; held."""
    query = (
        sa.select(*columns_of(Alert, alerts))
        .where(_untold(since))
        .order_by(alerts.c.id)
        .limit(limit)
    )
    return [as_kind(Alert, row) for row in await tx.execute(skip_locked(tx, query))]


async def mark_told(tx: AsyncConnection, alert_ids: Collection[int], now: datetime) -> None:
    """Note that people were told of these alerts."""
    await tx.execute(sa.update(alerts).where(alerts.c.id.in_(alert_ids)).values(told_at=now))


async def dismiss(tx: AsyncConnection, company_id: int, alert_id: int, now: datetime) -> None:
    """Close one alert by hand."""
    await tx.execute(
        sa.update(alerts)
        .where(alerts.c.company_id == company_id, alerts.c.id == alert_id)
        .where(alerts.c.resolved_at.is_(None))
        .values(resolved_at=now)
    )


async def snooze(tx: AsyncConnection, company_id: int, alert_id: int, until: datetime) -> None:
    """Remind nobody of an open alert before `until`."""
    await tx.execute(
        sa.update(alerts)
        .where(alerts.c.company_id == company_id, alerts.c.id == alert_id)
        .where(alerts.c.resolved_at.is_(None))
        .values(snoozed_until=until)
    )


async def get(tx: AsyncConnection, company_id: int, alert_id: int) -> Alert:
    """One alert of a company. Raises NotFoundError."""
    query = sa.select(*columns_of(Alert, alerts)).where(
        alerts.c.company_id == company_id, alerts.c.id == alert_id
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"alert {alert_id} does not exist")
    return as_kind(Alert, row)


async def count_loud(tx: AsyncConnection, company_id: int, now: datetime) -> int:
    """How many critical alerts are open and not snoozed."""
    query = sa.select(sa.func.count()).where(
        alerts.c.company_id == company_id,
        alerts.c.resolved_at.is_(None),
        alerts.c.severity == "critical",
        sa.or_(alerts.c.snoozed_until.is_(None), alerts.c.snoozed_until <= now),
    )
    return int((await tx.execute(query)).scalar_one())


async def page(
    tx: AsyncConnection,
    company_id: int,
    *,
    open_only: bool = True,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Alert]:
    """Up to `limit` alerts with an id below `before`, newest first."""
    query = sa.select(*columns_of(Alert, alerts)).where(alerts.c.company_id == company_id)
    if open_only:
        query = query.where(alerts.c.resolved_at.is_(None))
    if before is not None:
        query = query.where(alerts.c.id < before)
    rows = await tx.execute(query.order_by(alerts.c.id.desc()).limit(limit))
    return [as_kind(Alert, row) for row in rows]


def _untold(since: datetime) -> sa.ColumnElement[bool]:
    unknown = sa.and_(alerts.c.told_at.is_(None), alerts.c.resolved_at.is_(None))
    return sa.and_(unknown, alerts.c.created_at > since)
