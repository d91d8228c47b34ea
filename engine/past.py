"""Past runs out of the database: replayed, to see that their trace tells the truth."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from engine.replay import Replayed, replay, revisions_of
from flows.document import AnyFlow
from flows.run import Visit
from store import automations, visits


async def trace_of(tx: AsyncConnection, run_id: int) -> list[Visit]:
    """A run's trace as the core writes it; empty when it was forgotten."""
    return [
        Visit(one.step, one.kind, one.seq, one.at, one.did, one.exit or "", one.why, one.data)  # type: ignore[arg-type]
        for one in await visits.of_run(tx, run_id)
    ]


async def flows_of(tx: AsyncConnection, revision_ids: Collection[int]) -> dict[int, AnyFlow]:
    """The flows of these revisions, without those that are gone or cannot be read any more."""
    found: dict[int, AnyFlow] = {}
    for revision_id, document in (await automations.documents(tx, revision_ids)).items():
        try:
            found[revision_id] = catalog().decode(document)
        except (msgspec.ValidationError, TypeError, ValueError):
            continue
    return found


async def replay_run(tx: AsyncConnection, run_id: int) -> Replayed:
    """Replay a run from its stored trace. The caller has seen to it that the run may be read."""
    trace = await trace_of(tx, run_id)
    return replay(run_id, trace, await flows_of(tx, revisions_of(trace)))
