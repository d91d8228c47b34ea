"""Rung every second: whatever a clock makes due – carts, timers, webhook calls, dates, campaigns,
old leftovers.
"""

from __future__ import annotations

import asyncio
from typing import Any

from engine.carts import ring_carts
from engine.occasions import Occasions
from engine.runner import Runner
from engine.webhooks import Caller


async def tick(ctx: dict[str, Any]) -> None:
    """Do what is due now. Without Redis this is called directly: nothing here needs the bell."""
    runner: Runner = ctx["runner"]
    runner.ticked_at = asyncio.get_running_loop().time()  # arq hands each job a copy of `ctx`
    caller: Caller = ctx["caller"]
    occasions: Occasions = ctx["occasions"]
    try:
        await ring_carts(runner.database, runner.flows, runner.clock())
    finally:  # timers must ring, whatever is wrong with carts, and so on
        try:
            await runner.drain()
            if await caller.call_due():
                await runner.drain()
        finally:
            await occasions.ring()
