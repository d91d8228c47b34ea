"""The same journey with arq alone: one job and one transaction per step, as it is usually written.

The run is a row; each job locks it, does its step, notes it, commits, and enqueues the next step.
What comes from outside (a verdict, a reply) is a job of its own that finds its run and decides
where it goes on; it is enqueued in bulk, outside the measured time. The tables are ours, so that
the rows are alike; counters of steps are left out, they would only slow it down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker, func
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.figures import Size
from benchmarks.journey import CART, NOW
from benchmarks.words import KEYWORD, REGULARS, REPLY, TAGS, TEXTS, WAVES
from benchmarks.world import World, new_world
from store.contacts import contact_tags, contacts
from store.database import Database, insert_into
from store.ids import new_id
from store.messages import messages
from store.runs import runs
from store.visits import visits

POLL_S = 0.01  # arq's default of half a second is for jobs that are in no hurry
AT_ONCE = timedelta(0)  # the delay is due at once
WARM_UP = 10


class Went(NamedTuple):
    """What became of a step: it left by `exit` to `next`, or it waits."""

    exit: str = ""
    next: str = ""
    waits: bool = False
    after: timedelta | None = None  # a wait that a clock ends


async def trigger(ctx: dict[str, Any], world: tuple[int, int], contact_id: int) -> None:
    """Start a run."""
    run_id = new_id(NOW)
    company_id, automation_id = world
    async with ctx["database"].write() as tx:
        await tx.execute(
            sa.insert(runs).values(
                id=run_id, company_id=company_id, automation_id=automation_id, revision_id=1,
                contact_id=contact_id, trigger="api", status="waiting", state={"data": CART},
                started_at=NOW,
            )
        )  # fmt: skip
        run = await _lock(tx, run_id)
        await _note(tx, run, "", "noted", "")
    await ctx["redis"].enqueue_job("take_step", run_id, "greet")


async def take_step(ctx: dict[str, Any], run_id: int, step: str) -> None:
    """Do one step of a run and enqueue the next."""
    async with ctx["database"].write() as tx:
        run = await _lock(tx, run_id)
        if run.status != "waiting" or run.step == step:
            return  # arq runs a job again after a crash
        if run.step == "pause":
            await _note(tx, run, "pause", "left", "after")
        went = await STEPS[step](tx, run, step)
        await _note(tx, run, step, "waits" if went.waits else "left", went.exit)
        ended = step == "end"
        await tx.execute(
            sa.update(runs)
            .where(runs.c.id == run_id)
            .values(
                step=step,
                seq=run.seq + went.waits,
                status="done" if ended else "waiting",
                ended_at=NOW if ended else None,
                state=run.state | {"goal": "Kept"} if ended else run.state,
            )
        )
    if went.next:
        await ctx["redis"].enqueue_job("take_step", run_id, went.next, _defer_by=went.after)


async def hear_verdict(ctx: dict[str, Any], run_id: int, seq: int, verdict: str) -> None:
    """Let the run that waits for what became of its message go on."""
    async with ctx["database"].write() as tx:
        run = await _lock(tx, run_id)
        if run.status != "waiting" or run.seq != seq:
            return
        await _note(tx, run, run.step, "left", verdict)
        await tx.execute(sa.update(runs).where(runs.c.id == run_id).values(seq=seq + 1))
    await ctx["redis"].enqueue_job("take_step", run_id, AFTER[run.step])


async def hear_reply(ctx: dict[str, Any], contact_id: int, text: str) -> None:
    """Give a reply to the run that waits for it, and let it go on by the keyword."""
    answer = "yes" if KEYWORD in text.lower() else "other"
    async with ctx["database"].write() as tx:
        query = sa.select(runs).where(
            runs.c.contact_id == contact_id, runs.c.status == "waiting", runs.c.step == "reply"
        )
        run = (await tx.execute(query.with_for_update())).one()
        await _note(tx, run, "reply", "left", answer)
        state = run.state | {"answer": text}
        await tx.execute(sa.update(runs).where(runs.c.id == run.id).values(state=state))
    await ctx["redis"].enqueue_job("take_step", run.id, "keep" if answer == "yes" else "end")


async def _send(tx: AsyncConnection, run: Any, step: str) -> Went:
    name = (
        await tx.execute(sa.select(contacts.c.first_name).where(contacts.c.id == run.contact_id))
    ).scalar_one()
    text = TEXTS[step].format(name=name or "there", url=run.state["data"]["cart"]["url"])
    await tx.execute(
        sa.insert(messages).values(
            id=new_id(NOW), company_id=run.company_id, contact_id=run.contact_id, run_id=run.id,
            automation_id=run.automation_id, step=step, seq=run.seq + 1, direction="out",
            state="queued", kind="text", content={"kind": "text", "text": text}, preview=text,
            source="automation", due_at=NOW, created_at=NOW,
        )
    )  # fmt: skip
    return Went(waits=True)


async def _if_regular(tx: AsyncConnection, run: Any, _step: str) -> Went:
    query = sa.select(contact_tags.c.tag).where(contact_tags.c.contact_id == run.contact_id)
    tags = set((await tx.execute(query)).scalars())
    return Went("yes", "end") if REGULARS in tags else Went("no", "mark")


async def _tag(tx: AsyncConnection, run: Any, step: str) -> Went:
    tag, following = TAGGED[step]
    await tx.execute(
        insert_into(tx, contact_tags)
        .values(company_id=run.company_id, contact_id=run.contact_id, tag=tag, at=NOW)
        .on_conflict_do_nothing()
    )
    return Went("done", following)


async def _pause(_tx: AsyncConnection, _run: Any, _step: str) -> Went:
    return Went("after", "ask", waits=True, after=AT_ONCE)


async def _await_reply(_tx: AsyncConnection, _run: Any, _step: str) -> Went:
    return Went(waits=True)


async def _end(_tx: AsyncConnection, _run: Any, _step: str) -> Went:
    return Went()


TAGGED = {"mark": (TAGS[0], "pause"), "keep": (TAGS[1], "thank")}
AFTER = {"greet": "regular", "ask": "reply", "thank": "end"}
STEPS: dict[str, Callable[[AsyncConnection, Any, str], Awaitable[Went]]] = {
    "greet": _send,
    "regular": _if_regular,
    "mark": _tag,
    "pause": _pause,
    "ask": _send,
    "reply": _await_reply,
    "keep": _tag,
    "thank": _send,
    "end": _end,
}
JOBS = (trigger, take_step, hear_verdict, hear_reply)


async def _lock(tx: AsyncConnection, run_id: int) -> Any:
    query = sa.select(runs).where(runs.c.id == run_id).with_for_update()
    return (await tx.execute(query)).one()


async def _note(tx: AsyncConnection, run: Any, step: str, did: str, way: str) -> None:
    await tx.execute(
        sa.insert(visits).values(
            company_id=run.company_id, run_id=run.id, automation_id=run.automation_id, step=step,
            kind=step, seq=run.seq, at=NOW, did=did, exit=way or None,
        )
    )  # fmt: skip


def journeys_per_second(url: str, redis_url: str, size: Size) -> float:
    """Journeys in a second of a real arq worker's time."""
    return asyncio.run(_best_round(url, redis_url, size))


async def _best_round(url: str, redis_url: str, size: Size) -> float:
    database = Database(url)
    redis = await create_pool(RedisSettings.from_dsn(redis_url))
    try:
        await redis.flushdb()
        world = await new_world(database)
        await _carry(world, redis, await world.people(WARM_UP))
        rounds = [
            await _carry(world, redis, await world.people(size.singly)) for _ in range(size.rounds)
        ]
        return size.singly / min(rounds)
    finally:
        await redis.aclose()
        await database.close()


async def _carry(world: World, redis: ArqRedis, people: Sequence[int]) -> float:
    """Carry these contacts from start to end; the seconds that the worker needed."""
    spent = 0.0
    for wave in WAVES:
        if wave == "timer":
            continue  # arq's own deferred job did it, together with the wave before
        await _happen(world, redis, wave, people)
        worker = Worker(
            functions=[func(one, keep_result=0) for one in JOBS],
            redis_pool=redis,
            burst=True,
            poll_delay=POLL_S,
            handle_signals=False,
            ctx={"database": world.database},
        )
        began = time.perf_counter()
        await worker.main()
        spent += time.perf_counter() - began
        assert worker.jobs_failed == 0
    await world.check(people)
    return spent


async def _happen(world: World, redis: ArqRedis, wave: str, people: Sequence[int]) -> None:
    match wave:
        case "start":
            ids = (world.company_id, world.automation_id)
            for contact_id in people:
                await redis.enqueue_job("trigger", ids, contact_id)
        case "verdict":
            async with world.database.write() as tx:
                sent = await world.send_all(tx)
            for row in sent:
                await redis.enqueue_job("hear_verdict", row.run_id, row.seq, "sent")
        case _:
            for contact_id in people:
                await redis.enqueue_job("hear_reply", contact_id, REPLY)
