"""What people see and decide about the phones of their company.

Rule: people say what they want of a phone; what became of it is written by the gateway. Every verb
names the company, may be repeated, and raises NotFoundError for a phone that is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import as_kind, columns_of
from store.errors import NotFoundError
from store.phones import Status, phone_days, phone_hours, phones

DAY, WEEK = timedelta(days=1), timedelta(days=7)
TRUSTED_AGAIN: Mapping[str, Any] = {
    "status": "connected",
    "status_why": "",
    "failures_in_row": 0,
    "breaker_until": None,
    "paused_until": None,
}
"""A phone that a person has looked at begins anew."""


class PhoneCard(Struct, frozen=True):
    """A number as people look at it, without its credentials. `quality` in WhatsApp's own words,
    `messaging_limit` people a day (-1 is no limit), `pairing` as its owner last wrote it.
    """

    id: int
    company_id: int
    kind: str
    name: str
    number: str
    remote_id: str | None
    account_id: str | None
    base_url: str | None
    version: str | None
    status: Status
    status_why: str
    daily_limit: int | None
    hourly_limit: int | None
    failures_in_row: int
    breaker_until: datetime | None
    paused_until: datetime | None
    last_sent_at: datetime | None
    added_at: datetime
    paired_at: datetime | None
    quality: str
    quality_at: datetime | None
    campaigns_rest_until: datetime | None
    campaigns_rest_why: str
    no_new_until: datetime | None
    gap_until: datetime | None
    messaging_limit: int | None
    throughput_per_s: int | None
    unreceipted: int
    last_receipt_at: datetime | None
    woke_at: datetime | None
    wanted: str | None
    pairing: Mapping[str, Any] | None

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name or self.number or f"Phone {self.id}"


class Fared(Struct, frozen=True):
    """How a phone fares: today by its company's midnight, this hour, the last 24 hours, and seven
    days with today. `people` were written to before they wrote.
    """

    sent: int = 0
    failed: int = 0
    fresh: int = 0
    this_hour: int = 0
    people_24h: int = 0
    people_7d: int = 0
    sent_7d: int = 0
    failed_7d: int = 0
    delivered_7d: int = 0
    answered_7d: int = 0
    fresh_7d: int = 0


async def cards(tx: AsyncConnection, company_id: int) -> list[PhoneCard]:
    """All phones of a company, in the order they were connected."""
    query = sa.select(*columns_of(PhoneCard, phones)).where(phones.c.company_id == company_id)
    return [as_kind(PhoneCard, row) for row in await tx.execute(query.order_by(phones.c.id))]


async def get(tx: AsyncConnection, company_id: int, phone_id: int) -> PhoneCard:
    """One phone of a company."""
    query = sa.select(*columns_of(PhoneCard, phones)).where(_one(company_id, phone_id))
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"phone {phone_id} does not exist")
    return as_kind(PhoneCard, row)


async def resting(tx: AsyncConnection, company_id: int, now: datetime) -> list[PhoneCard]:
    """Those phones of a company whose campaigns rest."""
    query = sa.select(*columns_of(PhoneCard, phones)).where(
        phones.c.company_id == company_id, phones.c.campaigns_rest_until > now
    )
    return [as_kind(PhoneCard, row) for row in await tx.execute(query.order_by(phones.c.id))]


async def fared(
    tx: AsyncConnection, phone_ids: Collection[int], today: date, now: datetime
) -> dict[int, Fared]:
    """How each of these phones fares; `today` is their company's."""
    told: dict[int, dict[str, int]] = {phone_id: {} for phone_id in phone_ids}
    week = phone_days.c.day > today - WEEK
    of_day = {name: phone_days.c[name] for name in ("sent", "failed", "fresh")}
    of_week = {
        f"{name}_7d": phone_days.c[name]
        for name in ("sent", "failed", "delivered", "answered", "fresh")
    }
    is_today = phone_days.c.day == today
    days = (
        sa.select(
            phone_days.c.phone_id,
            *(sa.func.sum(sa.case((is_today, one), else_=0)).label(n) for n, one in of_day.items()),
            *(sa.func.sum(one).label(n) for n, one in of_week.items()),
        )
        .where(phone_days.c.phone_id.in_(phone_ids), week, phone_days.c.day <= today)
        .group_by(phone_days.c.phone_id)
    )
    hour = phone_hours.c.hour
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    sent, opened = phone_hours.c.sent, phone_hours.c.opened
    hours = (
        sa.select(
            phone_hours.c.phone_id,
            sa.func.sum(sa.case((hour == this_hour, sent), else_=0)).label("this_hour"),
            sa.func.sum(sa.case((hour > now - DAY, opened), else_=0)).label("people_24h"),
            sa.func.sum(opened).label("people_7d"),
        )
        .where(phone_hours.c.phone_id.in_(phone_ids), hour > now - WEEK)
        .group_by(phone_hours.c.phone_id)
    )
    for query in (days, hours):
        for row in await tx.execute(query):
            plain = row._asdict()
            told[plain.pop("phone_id")].update({name: int(n or 0) for name, n in plain.items()})
    return {phone_id: Fared(**numbers) for phone_id, numbers in told.items()}


async def pause(tx: AsyncConnection, company_id: int, phone_id: int, why: str) -> PhoneCard:
    """Let a phone send nothing more until it is resumed; a phone that cannot send stays as it is,
    because being paused would hide that.
    """
    able = ("connected", "draining")
    return await _set(tx, company_id, phone_id, able, status="paused", status_why=why)


async def drain(tx: AsyncConnection, company_id: int, phone_id: int, why: str) -> PhoneCard:
    """Let a phone go on with its chats and take no new ones."""
    able = ("connected", "paused")
    return await _set(tx, company_id, phone_id, able, status="draining", status_why=why)


async def resume(tx: AsyncConnection, company_id: int, phone_id: int) -> PhoneCard:
    """Let a phone that was paused, drained or flagged send as usual; its past failures count no
    more.
    """
    able = ("connected", "draining", "paused", "flagged")
    return await _set(tx, company_id, phone_id, able, **TRUSTED_AGAIN)


async def trust(tx: AsyncConnection, company_id: int, phone_id: int) -> PhoneCard:
    """Let a phone send whatever stopped it: a person has put it right."""
    return await _set(tx, company_id, phone_id, (), **TRUSTED_AGAIN)


async def change(
    tx: AsyncConnection,
    company_id: int,
    phone_id: int,
    *,
    name: str,
    daily_limit: int | None,
    hourly_limit: int | None,
) -> PhoneCard:
    """Give a phone a name and limits; None is the usual one."""
    told = {"name": name, "daily_limit": daily_limit, "hourly_limit": hourly_limit}
    return await _set(tx, company_id, phone_id, (), **told)


async def rest_campaigns(
    tx: AsyncConnection, company_id: int, phone_id: int, until: datetime, why: str
) -> PhoneCard:
    """Send no campaigns through a phone before `until`; everything else goes on."""
    told = {"campaigns_rest_until": until, "campaigns_rest_why": why}
    return await _set(tx, company_id, phone_id, (), **told)


async def end_rest(tx: AsyncConnection, company_id: int, phone_id: int) -> PhoneCard:
    """Let campaigns go through a phone again."""
    told = {"campaigns_rest_until": None, "campaigns_rest_why": ""}
    return await _set(tx, company_id, phone_id, (), **told)


async def set_credentials(
    tx: AsyncConnection, company_id: int, phone_id: int, token: str, app_secret: str
) -> PhoneCard:
    """Keep a new token, and a new app secret unless it is empty; the phone is trusted again."""
    found = await get(tx, company_id, phone_id)
    query = sa.select(phones.c.credentials).where(phones.c.id == found.id).with_for_update()
    known = dict((await tx.execute(query)).scalar_one() or {})
    known |= {"token": token} | ({"app_secret": app_secret} if app_secret else {})
    return await _set(tx, company_id, phone_id, (), credentials=known, **TRUSTED_AGAIN)


async def _set(
    tx: AsyncConnection, company_id: int, phone_id: int, only_if: Collection[str], **values: Any
) -> PhoneCard:
    """Write `values` when the phone is in one of the states `only_if` (any, when that is empty)."""
    change = sa.update(phones).where(_one(company_id, phone_id)).values(**values)
    if only_if:
        change = change.where(phones.c.status.in_(only_if))
    await tx.execute(change)
    return await get(tx, company_id, phone_id)


def _one(company_id: int, phone_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(phones.c.company_id == company_id, phones.c.id == phone_id)
