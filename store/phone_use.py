"""How phones are used: what each sent today, what speaks against it, who may send for it.

Rule: a place in a day's count is taken in the transaction that claims the message, and given back
when nothing left; the day's row is held meanwhile, so two workers cannot both take the last one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import as_kind, columns_of, insert_into
from store.phones import company_days, phone_days, phones

Days = Mapping[tuple[int, date], tuple[int, int]]
"""`{(phone id, local day): (sent, failed)}`"""


class SendingPhone(Struct, frozen=True):
    """A phone with everything sending needs, secrets included."""

    id: int
    company_id: int
    kind: str
    name: str
    number: str
    remote_id: str | None
    account_id: str | None
    credentials: Any
    base_url: str | None
    version: str | None
    status: str
    daily_limit: int | None
    failures_in_row: int
    breaker_until: datetime | None
    paused_until: datetime | None
    last_sent_at: datetime | None
    added_at: datetime

    def secret(self, name: str) -> str:
        """One of the credentials (`token`, `app_secret`); empty when there is none."""
        value = self.credentials.get(name) if isinstance(self.credentials, dict) else None
        return value if isinstance(value, str) else ""


async def of_companies(tx: AsyncConnection, company_ids: Collection[int]) -> list[SendingPhone]:
    """All phones of these companies, with their secrets."""
    return await _read(tx, phones.c.company_id.in_(company_ids))


async def by_remote_ids(tx: AsyncConnection, remote_ids: Collection[str]) -> list[SendingPhone]:
    """The phones with these ids at WhatsApp, with their secrets."""
    return await _read(tx, phones.c.remote_id.in_(remote_ids))


async def by_accounts(tx: AsyncConnection, account_ids: Collection[str]) -> list[SendingPhone]:
    """The phones of these business accounts, with their secrets."""
    return await _read(tx, phones.c.account_id.in_(account_ids))


async def app_secrets(tx: AsyncConnection, kind: str) -> list[str]:
    """Every secret that may have signed a webhook of this kind of channel."""
    found = await _read(tx, phones.c.kind == kind)
    return sorted({one.secret("app_secret") for one in found} - {""})


async def hold_days(
    tx: AsyncConnection, phone_days_of: Collection[tuple[int, date]]
) -> dict[tuple[int, date], tuple[int, int]]:
    """`(sent, failed)` of these days, held until the transaction ends."""
    if not phone_days_of:
        return {}
    keys = sorted(phone_days_of)
    rows = [{"phone_id": phone_id, "day": day, "sent": 0, "failed": 0} for phone_id, day in keys]
    await tx.execute(insert_into(tx, phone_days).on_conflict_do_nothing(), rows)
    query = (
        sa.select(phone_days)
        .where(sa.tuple_(phone_days.c.phone_id, phone_days.c.day).in_(keys))
        .order_by(phone_days.c.phone_id, phone_days.c.day)
        .with_for_update()
    )
    return {(row.phone_id, row.day): (row.sent, row.failed) for row in await tx.execute(query)}


async def hold_company_days(
    tx: AsyncConnection, company_days_of: Collection[tuple[int, date]]
) -> dict[tuple[int, date], int]:
    """What companies sent on these days, held like `hold_days`."""
    if not company_days_of:
        return {}
    keys = sorted(company_days_of)
    rows = [{"company_id": company_id, "day": day, "sent": 0} for company_id, day in keys]
    await tx.execute(insert_into(tx, company_days).on_conflict_do_nothing(), rows)
    query = (
        sa.select(company_days)
        .where(sa.tuple_(company_days.c.company_id, company_days.c.day).in_(keys))
        .order_by(company_days.c.company_id, company_days.c.day)
        .with_for_update()
    )
    return {(row.company_id, row.day): row.sent for row in await tx.execute(query)}


async def count(tx: AsyncConnection, more: Days) -> None:
    """Add to phones' days; negative numbers give places back."""
    query = insert_into(tx, phone_days)
    rows = [
        {"phone_id": phone_id, "day": day, "sent": sent, "failed": failed}
        for (phone_id, day), (sent, failed) in sorted(more.items())
        if sent or failed
    ]
    if rows:
        await tx.execute(
            query.on_conflict_do_update(
                index_elements=["phone_id", "day"],
                set_={
                    "sent": phone_days.c.sent + query.excluded.sent,
                    "failed": phone_days.c.failed + query.excluded.failed,
                },
            ),
            rows,
        )


async def count_companies(tx: AsyncConnection, more: Mapping[tuple[int, date], int]) -> None:
    """Add to companies' days; negative numbers give places back."""
    query = insert_into(tx, company_days)
    rows = [
        {"company_id": company_id, "day": day, "sent": sent}
        for (company_id, day), sent in sorted(more.items())
        if sent
    ]
    if rows:
        await tx.execute(
            query.on_conflict_do_update(
                index_elements=["company_id", "day"],
                set_={"sent": company_days.c.sent + query.excluded.sent},
            ),
            rows,
        )


async def hold(tx: AsyncConnection, phone_ids: Collection[int]) -> list[SendingPhone]:
    """Phones about to be changed, held until the transaction ends."""
    return await _read(tx, phones.c.id.in_(phone_ids), hold=True)


async def change(tx: AsyncConnection, phone_id: int, **values: object) -> None:
    """Write down how a phone fares: failures_in_row, breaker_until, paused_until, status."""
    await tx.execute(sa.update(phones).where(phones.c.id == phone_id).values(**values))


async def _read(
    tx: AsyncConnection, which: sa.ColumnElement[bool], *, hold: bool = False
) -> list[SendingPhone]:
    query = sa.select(*columns_of(SendingPhone, phones)).where(which).order_by(phones.c.id)
    rows = await tx.execute(query.with_for_update() if hold else query)
    return [as_kind(SendingPhone, row) for row in rows]
