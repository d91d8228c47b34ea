"""Who belongs to an audience right now, a piece at a time.

Rule: whoever may not be written to is left out and counted; a condition is judged on the same
snapshot that flows see.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.audience import Audience
from flows.conditions import Condition, holds
from flows.values import Values
from store.audiences import stretch
from store.snapshots import Snapshot, snapshots

log = structlog.get_logger(__name__)


class Piece(Struct, frozen=True):
    """Whom to start, how many were left out, and where to go on (None: nobody is left)."""

    contact_ids: list[int]
    left_out: int
    cursor: int | None


async def piece(
    tx: AsyncConnection,
    company_id: int,
    audience: Audience,
    *,
    after: int,
    upto: int,
    limit: int,
    now: datetime,
) -> Piece:
    """The audience among the next `limit` contacts with an id above `after` and up to `upto`."""
    found = await stretch(tx, company_id, audience, after, upto, limit)
    willing = [one.id for one in found.members if one.willing]
    left_out = len(found.members) - len(willing)
    if audience.condition is not None and willing:
        known = await snapshots(tx, willing)
        willing = [one for one in willing if _holds(audience.condition, known.get(one), now)]
    return Piece(willing, left_out, found.cursor)


def _holds(condition: Condition, snapshot: Snapshot | None, now: datetime) -> bool:
    if snapshot is None:
        return False
    try:
        held, _ = holds(condition, Values({}, snapshot.contact, now))
    except Exception:
        # One contact that nobody can judge keeps no other from starting.
        log.exception("condition fault", contact=snapshot.contact.id)
        return False
    return held
