"""Phones: the numbers a company has connected.

Rule: credentials leave this module only through the verbs that are named for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of

phones = sa.Table(
    "phones",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, sa.ForeignKey("companies.id"), nullable=False, index=True),
    sa.Column("kind", Words, nullable=False),
    sa.Column("name", Words, nullable=False, default=""),
    sa.Column("number", Words, nullable=False, default=""),
    sa.Column("remote_id", Words, unique=True),
    sa.Column("account_id", Words, index=True),
    sa.Column("credentials", JSON, nullable=False, default=dict),
    sa.Column("base_url", Words),
    sa.Column("version", Words),
    sa.Column("status", Words, nullable=False, default="connected"),
    sa.Column("daily_limit", sa.Integer),
    sa.Column("failures_in_row", sa.Integer, nullable=False, default=0),
    sa.Column("breaker_until", Moment),
    sa.Column("paused_until", Moment),
    sa.Column("last_sent_at", Moment),
    sa.Column("lease_owner", Words),
    sa.Column("lease_until", Moment),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("quality", Words, nullable=False, default="UNKNOWN"),
    sa.Column("quality_at", Moment),
    sa.Column("campaigns_rest_until", Moment),
    sa.Column("campaigns_rest_why", Words, nullable=False, default=""),
    sa.Column("no_new_until", Moment),  # until then only people who know the number
    sa.Column("gap_until", Moment),  # its own pace, between two messages
    sa.Column("hourly_limit", sa.Integer),
    sa.Column("messaging_limit", sa.Integer),  # people a day, told by WhatsApp; -1: no limit
    sa.Column("throughput_per_s", sa.Integer),
    sa.Column("unreceipted", sa.Integer, nullable=False, default=0),  # sends since a receipt came
    sa.Column("last_receipt_at", Moment),
    sa.Column("status_why", Words, nullable=False, default=""),
    sa.Column("wanted", Words),  # what its owner shall do: pair, reconnect, log_out
    sa.Column("pairing", JSON),  # the code to scan or type while it is being paired
    sa.Column("paired_at", Moment),
    sa.Column("woke_at", Moment),  # it sends again after days of silence
)

phone_days = sa.Table(
    "phone_days",
    metadata,
    sa.Column("phone_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("sent", sa.Integer, nullable=False, default=0),
    sa.Column("failed", sa.Integer, nullable=False, default=0),
    sa.Column("fresh", sa.Integer, nullable=False, default=0),  # to people who never wrote to us
    sa.Column("delivered", sa.Integer, nullable=False, default=0),
    sa.Column("answered", sa.Integer, nullable=False, default=0),  # people who wrote back
)

phone_hours = sa.Table(
    "phone_hours",
    metadata,
    sa.Column("phone_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("sent", sa.Integer, nullable=False, default=0),
    sa.Column("opened", sa.Integer, nullable=False, default=0),  # people written to unasked
)

company_days = sa.Table(
    "company_days",
    metadata,
    sa.Column("company_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("sent", sa.Integer, nullable=False, default=0),
)

Status = Literal[
    "connected", "draining", "paused", "offline", "pairing", "flagged", "banned", "logged_out"
]
"""`draining` goes on with its chats and takes no new ones; `flagged` waits for a person."""


class Phone(Struct, frozen=True):
    """A connected number, without its credentials."""

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
    daily_limit: int | None
    failures_in_row: int
    breaker_until: datetime | None
    paused_until: datetime | None
    last_sent_at: datetime | None
    added_at: datetime


async def create(
    tx: AsyncConnection, company_id: int, kind: str, now: datetime, **told: Any
) -> int:
    """Connect a number and return its id; `told` are columns (`remote_id`, `credentials` …)."""
    made = await tx.execute(
        sa.insert(phones)
        .values(company_id=company_id, kind=kind, added_at=now, **told)
        .returning(phones.c.id)
    )
    return int(made.scalar_one())


async def find(tx: AsyncConnection, company_id: int, phone_id: int) -> Phone | None:
    """One number of a company, or None."""
    query = sa.select(*columns_of(Phone, phones)).where(
        phones.c.company_id == company_id, phones.c.id == phone_id
    )
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Phone, row)


async def find_many(tx: AsyncConnection, phone_ids: Collection[int]) -> dict[int, Phone]:
    """Numbers by id; those that do not exist are left out."""
    if not phone_ids:
        return {}
    query = sa.select(*columns_of(Phone, phones)).where(phones.c.id.in_(phone_ids))
    return {row.id: as_kind(Phone, row) for row in await tx.execute(query)}


async def find_by_remote_id(tx: AsyncConnection, remote_id: str) -> Phone | None:
    """The number the channel calls `remote_id` (Cloud API: phone_number_id), or None."""
    return (await find_by_remote_ids(tx, [remote_id])).get(remote_id)


async def find_by_remote_ids(tx: AsyncConnection, remote_ids: Collection[str]) -> dict[str, Phone]:
    """Numbers by the channel's id; those that are not ours are left out."""
    query = sa.select(*columns_of(Phone, phones)).where(phones.c.remote_id.in_(remote_ids))
    found = [as_kind(Phone, row) for row in await tx.execute(query)]
    return {phone.remote_id: phone for phone in found if phone.remote_id is not None}


async def of_company(tx: AsyncConnection, company_id: int) -> list[Phone]:
    """All numbers of a company, in the order they were connected."""
    query = (
        sa.select(*columns_of(Phone, phones))
        .where(phones.c.company_id == company_id)
        .order_by(phones.c.id)
    )
    return [as_kind(Phone, row) for row in await tx.execute(query)]


async def secrets(tx: AsyncConnection, phone_ids: Collection[int]) -> dict[int, Mapping[str, str]]:
    """Credentials by phone id, for whoever calls the channel: `token`, `app_secret`."""
    query = sa.select(phones.c.id, phones.c.credentials).where(phones.c.id.in_(phone_ids))
    return {row.id: row.credentials for row in await tx.execute(query)}
