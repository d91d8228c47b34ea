"""Takes one message out of the queue by hand.

Rule: a run that waits to hear what became of its message hears it, in the same transaction.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.verdicts import verdict_row
from store import events, in_hand, messages
from store.errors import NotFoundError

REASON = "recalled"


async def recall(tx: AsyncConnection, company_id: int, message_id: int, now: datetime) -> bool:
    """Recall it; False when it has left the queue already. Raises NotFoundError."""
    found = (await in_hand.find(tx, [message_id])).get(message_id)
    if found is None or found.company_id != company_id:
        raise NotFoundError(f"message {message_id} does not exist")
    if not await messages.recall_one(tx, company_id, message_id, now):
        return False
    await events.insert_many(tx, verdict_row(found, "suppressed", REASON, now))
    return True
