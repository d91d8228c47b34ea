"""Rung every minute: what is too old to matter is given up or forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine import auto_replies
from engine.carts import EXPIRES
from engine.retention import Retention
from engine.runner import Runner
from engine.telling import Teller
from engine.watch import watch_queue
from store import (
    campaigns,
    carts,
    heartbeats,
    idempotency,
    inbound_hooks,
    links,
    number_checks,
    sessions,
)

KEYS_KEPT = timedelta(days=2)
PAYLOADS_KEPT = timedelta(days=30)  # the last delivery to a webhook, for its author to look at
LINKS_KEPT = timedelta(days=400)  # a message is scrolled back to and tapped long after it was sent
SILENT = timedelta(minutes=10)  # a process that has not said it lives is not listed any more


async def upkeep(ctx: dict[str, Any]) -> None:
    """Expire carts; forget old idempotency keys, sessions and heartbeats, and a little of what
    companies do not want kept any longer; give up telling what nobody took for a day. Give new
    companies the house's auto-replies. Notice a queue that does not move.
    """
    runner: Runner = ctx["runner"]
    retention: Retention = ctx["retention"]
    teller: Teller = ctx["teller"]
    now = runner.clock()
    async with runner.database.write() as tx:
        await carts.expire(tx, now - EXPIRES, now)
        await idempotency.forget(tx, now - KEYS_KEPT)
        await sessions.forget_expired(tx, now)
        await campaigns.drop_archived(tx, now)
        await links.forget(tx, now - LINKS_KEPT)
        await inbound_hooks.forget_payloads(tx, now - PAYLOADS_KEPT)
        await watch_queue(tx, now)
        await auto_replies.keep_new_companies(tx, now)
        await number_checks.forget(tx, now - number_checks.GOOD_FOR)
        await heartbeats.forget(tx, datetime.now(UTC) - SILENT)  # heartbeats are in real time
    await teller.give_up_old()
    await retention.work(now)
