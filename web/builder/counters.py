"""The numbers under the cards while a draft is edited: all revisions together.

Rule: two indexed reads, whatever the number of runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from store import visits
from web.automations import reads
from web.builder.cards import Counters

_NO_EXITS = frozenset({"waits", "noted", "entered", "started"})
_GONE = frozenset({"ended", "left"})  # the run ended here, or this was an End


async def counters_of(tx: AsyncConnection, found: reads.Automation) -> Counters | None:
    """The numbers of every step; None before anything was ever live."""
    if found.live_revision_id is None:
        return None
    here = await reads.waiting_by_step(tx, found.id)
    counters: dict[str, dict[str, Any]] = {
        step: {"here": n, "exits": {}} for step, n in here.items()
    }
    for (step, name), n in (await visits.counts_of(tx, found.id)).items():
        one = counters.setdefault(step, {"exits": {}})
        if name in _GONE:
            one["left"] = one.get("left", 0) + n
        elif name not in _NO_EXITS:
            one["exits"][name] = n
            one["passed"] = one.get("passed", 0) + n
    return counters
