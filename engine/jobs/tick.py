"""Rung every second: whatever a clock makes due – carts, timers, webhook calls, old leftovers."""

from __future__ import annotations

from typing import Any

from engine.carts import ring_carts
from engine.runner import Runner
from engine.webhooks import Caller


async def tick(ctx: dict[str, Any]) -> None:
    """Do what is due now. Without Redis this is called directly: nothing here needs the bell."""
    runner: Runner = ctx["runner"]
    caller: Caller = ctx["caller"]
    await ring_carts(runner.database, runner.flows, runner.clock())
    await runner.drain()
    if await caller.call_due():
        await runner.drain()
