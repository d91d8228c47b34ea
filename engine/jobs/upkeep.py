"""Rung every minute: what is too old to matter is given up or forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.carts import EXPIRES
from engine.runner import Runner
from store import carts, events, heartbeats, idempotency, sessions

HANDLED_KEPT = timedelta(days=30)  # longer than any shop or WhatsApp repeats a webhook (7 days)
KEYS_KEPT = timedelta(days=2)
SILENT = timedelta(minutes=10)  # a process that has not said it lives is not listed any more


async def upkeep(ctx: dict[str, Any]) -> None:
    """Expire carts; forget handled events, old idempotency keys, sessions and heartbeats."""
    runner: Runner = ctx["runner"]
    now = runner.clock()
    async with runner.database.write() as tx:
        await carts.expire(tx, now - EXPIRES, now)
        await events.forget_handled(tx, now - HANDLED_KEPT)
        await idempotency.forget(tx, now - KEYS_KEPT)
        await sessions.forget_expired(tx, now)
        await heartbeats.forget(tx, datetime.now(UTC) - SILENT)  # heartbeats are in real time
