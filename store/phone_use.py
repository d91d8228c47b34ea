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

from store import bulk
from store.database import as_kind, columns_of, insert_into
from store.phones import company_days, phone_days, phone_hours, phones


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
    quality: str
    quality_at: datetime | None
    campaigns_rest_until: datetime | None
    no_new_until: datetime | None
    gap_until: datetime | None
    hourly_limit: int | None
    messaging_limit: int | None
    throughput_per_s: int | None
    unreceipted: int
    last_receipt_at: datetime | None
    paired_at: datetime | None
    woke_at: datetime | None

    def secret(self, name: str) -> str:
        """One of the credentials (`token`, `app_secret`); empty when there is none."""
        value = self.credentials.get(name) if isinstance(self.credentials, dict) else None
        return value if isinstance(value, str) else ""


async def of_companies(tx: AsyncConnection, company_ids: Collection[int]) -> list[SendingPhone]:
    """All phones of these companies, with their secrets."""
    return await _read(tx, phones.c.company_id.in_(company_ids))


async def by_ids(tx: AsyncConnection, phone_ids: Collection[int]) -> list[SendingPhone]:
    """These phones, with their secrets."""
    return await _read(tx, phones.c.id.in_(phone_ids))


async def by_remote_ids(tx: AsyncConnection, remote_ids: Collection[str]) -> list[SendingPhone]:
    """The phones with these ids at WhatsApp, with their secrets."""
    return await _read(tx, phones.c.remote_id.in_(remote_ids))


async def by_accounts(tx: AsyncConnection, account_ids: Collection[str]) -> list[SendingPhone]:
    """The phones of these business accounts, with their secrets."""
    return await _read(tx, phones.c.account_id.in_(account_ids))


async def of_kinds(tx: AsyncConnection, kinds: Collection[str]) -> list[SendingPhone]:
    """All phones of these kinds of channel, with their secrets."""
    return await _read(tx, phones.c.kind.in_(kinds))


async def resting(tx: AsyncConnection) -> list[SendingPhone]:
    """All phones whose campaigns rest, or did until a moment ago."""
    return await _read(tx, phones.c.campaigns_rest_until.is_not(None))


async def app_secrets(tx: AsyncConnection, kind: str) -> list[str]:
    """Every secret that may have signed a webhook of this kind of channel."""
    found = await _read(tx, phones.c.kind == kind)
    return sorted({one.secret("app_secret") for one in found} - {""})


class Use(Struct, frozen=True):
    """What phones did on one of their days, or in several: messages, those that failed, people
    who never wrote before, receipts that came, and people who wrote back.
    """

    sent: int = 0
    failed: int = 0
    fresh: int = 0
    delivered: int = 0
    answered: int = 0


class Counted(Struct, frozen=True):
    """Places taken (or given back) at once: of the day, of the hour, of the account's people."""

    sent: int = 0
    failed: int = 0
    fresh: int = 0
    opened: int = 0

    def __add__(self, more: Counted) -> Counted:
        """Both together."""
        return Counted(
            self.sent + more.sent,
            self.failed + more.failed,
            self.fresh + more.fresh,
            self.opened + more.opened,
        )

    def __neg__(self) -> Counted:
        """The same given back."""
        return Counted(-self.sent, -self.failed, -self.fresh, -self.opened)


async def days_of(
    tx: AsyncConnection, phone_days_of: Collection[tuple[int, date]], *, hold: bool
) -> dict[tuple[int, date], Use]:
    """What phones did on these days. With `hold` each day is there and held until the transaction
    ends; without, days on which nothing happened are left out.
    """
    if not phone_days_of:
        return {}
    keys = sorted(phone_days_of)
    query = (
        sa.select(phone_days.c.phone_id, phone_days.c.day, *columns_of(Use, phone_days))
        .where(sa.tuple_(phone_days.c.phone_id, phone_days.c.day).in_(keys))
        .order_by(phone_days.c.phone_id, phone_days.c.day)
    )
    if not hold:
        return {(row[0], row[1]): Use(*row[2:]) for row in await tx.execute(query)}
    query = query.with_for_update()
    found = {(row[0], row[1]): Use(*row[2:]) for row in await tx.execute(query)}
    if missing := [key for key in keys if key not in found]:  # once a day
        rows = [{"phone_id": phone_id, "day": day} for phone_id, day in missing]
        await tx.execute(insert_into(tx, phone_days).on_conflict_do_nothing(), rows)
        found = {(row[0], row[1]): Use(*row[2:]) for row in await tx.execute(query)}
    return found


async def lately(tx: AsyncConnection, phone_ids: Collection[int], since: date) -> dict[int, Use]:
    """What each phone did from that day on, all together; those that did nothing are left out."""
    sums = [sa.func.sum(column) for column in columns_of(Use, phone_days)]
    query = (
        sa.select(phone_days.c.phone_id, *sums)
        .where(phone_days.c.phone_id.in_(phone_ids), phone_days.c.day >= since)
        .group_by(phone_days.c.phone_id)
    )
    return {row[0]: Use(*(int(n) for n in row[1:])) for row in await tx.execute(query)}


async def hours(tx: AsyncConnection, phone_ids: Collection[int], hour: datetime) -> dict[int, int]:
    """`{phone id: messages sent in the hour that began then}`."""
    query = sa.select(phone_hours.c.phone_id, phone_hours.c.sent).where(
        phone_hours.c.phone_id.in_(phone_ids), phone_hours.c.hour == hour
    )
    return {row.phone_id: row.sent for row in await tx.execute(query)}


async def people(
    tx: AsyncConnection, account_ids: Collection[str], since: datetime
) -> dict[str, tuple[int, datetime]]:
    """`{account: (people turned to since then, the first hour in which one was)}`, over all numbers
    of each business account.
    """
    query = (
        sa.select(
            phones.c.account_id, sa.func.sum(phone_hours.c.opened), sa.func.min(phone_hours.c.hour)
        )
        .join(phone_hours, phone_hours.c.phone_id == phones.c.id)
        .where(phones.c.account_id.in_(account_ids))
        .where(phone_hours.c.hour > since, phone_hours.c.opened > 0)
        .group_by(phones.c.account_id)
    )
    return {account: (int(n), first) for account, n, first in await tx.execute(query)}


async def company_days_of(
    tx: AsyncConnection, days: Collection[tuple[int, date]], *, hold: bool
) -> dict[tuple[int, date], int]:
    """What companies sent on these days, like `days_of`."""
    if not days:
        return {}
    keys = sorted(days)
    query = (
        sa.select(company_days)
        .where(sa.tuple_(company_days.c.company_id, company_days.c.day).in_(keys))
        .order_by(company_days.c.company_id, company_days.c.day)
    )
    if hold:
        query = query.with_for_update()
    found = {(row.company_id, row.day): row.sent for row in await tx.execute(query)}
    missing = [key for key in keys if key not in found] if hold else []
    if missing:  # once a day
        rows = [{"company_id": company_id, "day": day, "sent": 0} for company_id, day in missing]
        await tx.execute(insert_into(tx, company_days).on_conflict_do_nothing(), rows)
        found = {(row.company_id, row.day): row.sent for row in await tx.execute(query)}
    return found


async def count(tx: AsyncConnection, more: Mapping[tuple[int, date], Counted]) -> None:
    """Add to phones' days; negative numbers give places back."""
    query = insert_into(tx, phone_days)
    names = ("sent", "failed", "fresh")
    rows = [
        {"phone_id": phone_id, "day": day} | {name: getattr(counted, name) for name in names}
        for (phone_id, day), counted in sorted(more.items(), key=lambda one: one[0])
        if any(getattr(counted, name) for name in names)
    ]
    if rows:
        sums = {name: phone_days.c[name] + query.excluded[name] for name in names}
        query = query.on_conflict_do_update(index_elements=["phone_id", "day"], set_=sums)
        await tx.execute(query, rows)


async def count_hours(tx: AsyncConnection, more: Mapping[tuple[int, datetime], Counted]) -> None:
    """Add to phones' hours (when each began), like `count`."""
    query = insert_into(tx, phone_hours)
    rows = [
        {"phone_id": phone_id, "hour": hour, "sent": counted.sent, "opened": counted.opened}
        for (phone_id, hour), counted in sorted(more.items(), key=lambda one: one[0])
        if counted.sent or counted.opened
    ]
    if rows:
        sums = {name: phone_hours.c[name] + query.excluded[name] for name in ("sent", "opened")}
        query = query.on_conflict_do_update(index_elements=["phone_id", "hour"], set_=sums)
        await tx.execute(query, rows)


async def note_reports(
    tx: AsyncConnection,
    reported: Mapping[int, datetime],
    delivered: Mapping[tuple[int, date], int],
) -> None:
    """WhatsApp reported on messages of these phones (`{phone id: when}`), which so are alive; so
    many arrived on these days.
    """
    await tx.execute(
        sa.update(phones)
        .where(phones.c.id == sa.bindparam("of"))
        .values(unreceipted=0, last_receipt_at=sa.bindparam("at", type_=phones.c.added_at.type)),
        [{"of": phone_id, "at": at} for phone_id, at in sorted(reported.items())],
    )
    await _add_to_days(tx, "delivered", delivered)


async def note_answers(tx: AsyncConnection, answered: Mapping[tuple[int, date], int]) -> None:
    """So many people wrote back to these phones, on these days."""
    await _add_to_days(tx, "answered", answered)


async def _add_to_days(
    tx: AsyncConnection, name: str, more: Mapping[tuple[int, date], int]
) -> None:
    query = insert_into(tx, phone_days)
    rows = [
        {"phone_id": phone_id, "day": day, name: n} for (phone_id, day), n in sorted(more.items())
    ]
    if rows:
        sums = {name: phone_days.c[name] + query.excluded[name]}
        query = query.on_conflict_do_update(index_elements=["phone_id", "day"], set_=sums)
        await tx.execute(query, rows)


async def pace(tx: AsyncConnection, gaps: Mapping[int, datetime]) -> None:
    """`{phone id: until when it says nothing more}`."""
    if gaps:
        await tx.execute(
            sa.update(phones)
            .where(phones.c.id == sa.bindparam("of"))
            .values(gap_until=sa.bindparam("until", type_=phones.c.gap_until.type)),
            [{"of": phone_id, "until": until} for phone_id, until in sorted(gaps.items())],
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


async def change_many(tx: AsyncConnection, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """The same for several, by their ids. Whoever calls holds them."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for phone_id, values in changes.items():
        if values:
            alike.setdefault(tuple(values), []).append({"id": phone_id, **values})
    for rows in alike.values():
        await bulk.update_all(tx, phones, rows)


async def _read(
    tx: AsyncConnection, which: sa.ColumnElement[bool], *, hold: bool = False
) -> list[SendingPhone]:
    query = sa.select(*columns_of(SendingPhone, phones)).where(which).order_by(phones.c.id)
    rows = await tx.execute(query.with_for_update() if hold else query)
    return [as_kind(SendingPhone, row) for row in rows]
