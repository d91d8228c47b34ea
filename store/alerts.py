"""Alerts: what a person has to look at.

Rule: one thing that is wrong is one open alert, however often it is noticed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
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
