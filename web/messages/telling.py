"""The story of a message with what keeps it just now.

Rule: the page and the API tell a message through here, so that they say the same.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import outlook
from store.messages import Shown
from web.messages.story import Story, explain


async def tell(tx: AsyncConnection, company_id: int, message: Shown, now: datetime) -> Story:
    """All there is to say about it; for one in the queue the gateway is asked what it would say."""
    if message.state != "queued" or message.held:
        return explain(message)
    until, keeps = await outlook.of_message(tx, company_id, message.id, now)
    return explain(message, until, keeps)
