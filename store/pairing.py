"""Paired phones, as their owner sees them: what people want of each, and what became of it.

Rule: people write wishes (`wanted`), the worker that owns the phone carries them out and writes
the rest; a wish that was replaced meanwhile is not answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import as_kind, columns_of
from store.phones import phones

STOP = "stop"
"""The wish that stays: the phone is left alone until somebody wishes something else."""
UPGRADE = "upgrade:"
"""As `STOP`, until another version of the library than the one named here is installed."""


class PairedPhone(Struct, frozen=True):
    """A phone that its owner looks after."""

    id: int
    company_id: int
    name: str
    number: str
    remote_id: str | None
    status: str
    status_why: str
    wanted: str | None
    paired_at: datetime | None
    paused_until: datetime | None
    breaker_until: datetime | None


async def find_many(tx: AsyncConnection, phone_ids: Collection[int]) -> list[PairedPhone]:
    """These phones, by id."""
    if not phone_ids:
        return []
    query = (
        sa.select(*columns_of(PairedPhone, phones))
        .where(phones.c.id.in_(phone_ids))
        .order_by(phones.c.id)
    )
    return [as_kind(PairedPhone, row) for row in await tx.execute(query)]


async def wish(tx: AsyncConnection, phone_id: int, wanted: str) -> None:
    """Wish something in place of what was wished before: `pair`, `pair_code:<digits>`,
    `reconnect`, `log_out` or `stop`.
    """
    await tx.execute(sa.update(phones).where(phones.c.id == phone_id).values(wanted=wanted))


async def answer(tx: AsyncConnection, phone_id: int, wanted: str, **changes: Any) -> bool:
    """Take a wish and write what it changes at once; False when it is another one by now."""
    done = await tx.execute(
        sa.update(phones)
        .where(phones.c.id == phone_id, phones.c.wanted == wanted)
        .values(wanted=None, **changes)
        .returning(phones.c.id)
    )
    return done.scalar_one_or_none() is not None


async def change(tx: AsyncConnection, phone_id: int, **values: Any) -> None:
    """Write down how a phone fares: status, status_why, pairing."""
    await tx.execute(sa.update(phones).where(phones.c.id == phone_id).values(**values))


async def connect(
    tx: AsyncConnection, phone_id: int, jid: str, number: str, now: datetime
) -> str | None:
    """Give a phone the number it was paired with. None when that worked, else the name of the
    phone that has this number already.
    """
    query = sa.select(phones.c.name).where(phones.c.remote_id == jid, phones.c.id != phone_id)
    other = (await tx.execute(query)).scalar_one_or_none()
    if other is not None:
        return str(other)
    await change(
        tx,
        phone_id,
        remote_id=jid,
        number=number,
        paired_at=now,
        status="connected",
        status_why="",
        pairing={"state": "connected"},
    )
    return None


async def disconnect(tx: AsyncConnection, phone_id: int, why: str) -> None:
    """Take its number off a phone that was logged out on purpose: another may be paired with it."""
    await change(
        tx,
        phone_id,
        remote_id=None,
        paired_at=None,
        status="logged_out",
        status_why=why,
        pairing=None,
    )


async def stop_all(
    tx: AsyncConnection, kind: str, wanted: str, why: str
) -> Mapping[int, list[int]]:
    """Stop every paired phone of a kind; `{company id: phone ids}` of those that were not."""
    stopped = await tx.execute(
        sa.update(phones)
        .where(phones.c.kind == kind, phones.c.remote_id.is_not(None))
        .where(sa.or_(phones.c.wanted.is_(None), phones.c.wanted != wanted))
        .where(phones.c.status != "logged_out")
        .values(wanted=wanted, status="flagged", status_why=why)
        .returning(phones.c.company_id, phones.c.id)
    )
    found: dict[int, list[int]] = {}
    for company_id, phone_id in stopped:
        found.setdefault(company_id, []).append(phone_id)
    return found
