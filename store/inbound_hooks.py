"""Addresses of our own that start an automation: one for each of its webhook triggers.

Rule: a key is given once and stays until a person asks for a new one; it cannot be guessed.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import JSON, BigId, Moment, Words, metadata
from store.database import as_kind, columns_of, insert_into
from store.errors import NotFoundError

inbound_hooks = sa.Table(
    "inbound_hooks",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    sa.Column("company_id", BigId, nullable=False),
    sa.Column("automation_id", BigId, nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("key", Words, nullable=False, unique=True),
    sa.Column("secret", Words, nullable=False, default=""),
    sa.Column("last_at", Moment),
    sa.Column("last_payload", JSON),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("automation_id", "trigger"),
)

_KEY_BYTES = 24  # random bytes of a key and of a secret


class Hook(Struct, frozen=True):
    """One address. `secret` empty: deliveries need no signature. `last_payload`: what came last."""

    id: int
    company_id: int
    automation_id: int
    trigger: str
    key: str
    secret: str
    last_at: datetime | None
    last_payload: Any


async def ensure(
    tx: AsyncConnection,
    company_id: int,
    automation_id: int,
    triggers: Collection[str],
    now: datetime,
) -> list[Hook]:
    """The addresses of these triggers of an automation, in order; those missing are made."""
    known = await _of(tx, company_id, automation_id)
    missing = [name for name in triggers if name not in known]
    if missing:
        await tx.execute(
            insert_into(tx, inbound_hooks).on_conflict_do_nothing(
                index_elements=["automation_id", "trigger"]
            ),
            [
                {
                    "company_id": company_id,
                    "automation_id": automation_id,
                    "trigger": name,
                    "key": secrets.token_urlsafe(_KEY_BYTES),
                    "secret": "",
                    "created_at": now,
                }
                for name in missing
            ],
        )
        known = await _of(tx, company_id, automation_id)
    return [known[name] for name in triggers]


async def find_by_key(tx: AsyncConnection, key: str) -> Hook | None:
    """The address with this key, None for one that was never given."""
    query = sa.select(*columns_of(Hook, inbound_hooks)).where(inbound_hooks.c.key == key)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else as_kind(Hook, row)


async def note(tx: AsyncConnection, hook_id: int, payload: Any, now: datetime) -> None:
    """Keep what came last, so that its author can see which paths there are."""
    await tx.execute(
        sa.update(inbound_hooks)
        .where(inbound_hooks.c.id == hook_id)
        .values(last_at=now, last_payload=payload)
    )


async def renew_key(tx: AsyncConnection, company_id: int, automation_id: int, trigger: str) -> str:
    """Give the trigger another address; the old one is unknown from now on.

    Raises NotFoundError.
    """
    key = secrets.token_urlsafe(_KEY_BYTES)
    await _change(tx, company_id, automation_id, trigger, key=key)
    return key


async def make_secret(
    tx: AsyncConnection, company_id: int, automation_id: int, trigger: str
) -> str:
    """Ask for signatures from now on, made with this new secret. Raises NotFoundError."""
    secret = secrets.token_urlsafe(_KEY_BYTES)
    await _change(tx, company_id, automation_id, trigger, secret=secret)
    return secret


async def drop_secret(
    tx: AsyncConnection, company_id: int, automation_id: int, trigger: str
) -> None:
    """Take deliveries without a signature again. Raises NotFoundError."""
    await _change(tx, company_id, automation_id, trigger, secret="")


async def forget_payloads(tx: AsyncConnection, before: datetime) -> None:
    """Forget what came last where that was before `before`: it is about people."""
    await tx.execute(
        sa.update(inbound_hooks)
        .where(inbound_hooks.c.last_at < before, inbound_hooks.c.last_payload.is_not(None))
        .values(last_payload=None)
    )


async def _of(tx: AsyncConnection, company_id: int, automation_id: int) -> dict[str, Hook]:
    query = sa.select(*columns_of(Hook, inbound_hooks)).where(
        inbound_hooks.c.company_id == company_id, inbound_hooks.c.automation_id == automation_id
    )
    return {row.trigger: as_kind(Hook, row) for row in await tx.execute(query)}


async def _change(
    tx: AsyncConnection, company_id: int, automation_id: int, trigger: str, **values: str
) -> None:
    changed = await tx.execute(
        sa.update(inbound_hooks)
        .where(
            inbound_hooks.c.company_id == company_id,
            inbound_hooks.c.automation_id == automation_id,
            inbound_hooks.c.trigger == trigger,
        )
        .values(values)
    )
    if changed.rowcount == 0:
        raise NotFoundError(f"automation {automation_id} has no webhook “{trigger}”")
