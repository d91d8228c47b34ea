# mypy: ignore-errors
"""The same journey as a Restate workflow, served to the Restate server by hypercorn.

Runs in the other engines' environment; DATABASE_URL names a database with our tables.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import asyncpg
import restate
from restate import RunOptions, Workflow, WorkflowContext, WorkflowSharedContext

from benchmarks.contestants import rows
from benchmarks.words import KEYWORD, REGULARS, TAGS

AT_ONCE = timedelta(0)  # the delay is due at once
journey = Workflow("journey")
pools = []
opening = asyncio.Lock()


@journey.main()
async def run(ctx: WorkflowContext, contact_id: int) -> str:
    """Carry one contact from start to end."""
    pool = await database()

    async def send(step: str) -> None:
        await ctx.run_typed(f"send {step}", rows.queue_message, OPTIONS, pool, contact_id, step)
        await ctx.promise(f"verdict of {step}").value()

    async def tag(name: str) -> None:
        await ctx.run_typed(f"tag {name}", rows.add_tag, OPTIONS, pool, contact_id, name)

    await send("greet")
    if REGULARS in await ctx.run_typed("tags", rows.tags_of, OPTIONS, pool, contact_id):
        return "a regular"
    await tag(TAGS[0])
    await ctx.sleep(AT_ONCE)
    await send("ask")
    if KEYWORD not in (await ctx.promise("reply").value()).lower():
        return "not kept"
    await tag(TAGS[1])
    await send("thank")
    return "kept"


@journey.handler()
async def tell(ctx: WorkflowSharedContext, what: list[str]) -> None:
    """What happens outside: the name of what is waited for, and what came."""
    await ctx.promise(what[0]).resolve(what[1])


async def database() -> asyncpg.Pool:
    """The connections all journeys share."""
    async with opening:
        if not pools:
            url = os.environ["DATABASE_URL"]
            pools.append(await asyncpg.create_pool(url, min_size=rows.CONNECTIONS))
    return pools[0]


OPTIONS = RunOptions()
app = restate.app([journey])
