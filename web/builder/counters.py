"""The numbers under the cards while a draft is edited: all days and revisions together.

Rule: one statement, whatever the number of runs.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from store.results import Span, results
from web.automations import reads
from web.builder.cards import Counters
from web.builder.results.numbers import counters


async def counters_of(tx: AsyncConnection, found: reads.Automation) -> Counters | None:
    """The numbers of every step; None before anything was ever live."""
    if found.live_revision_id is None:
        return None
    return counters(await results(tx, found.id, Span()))
