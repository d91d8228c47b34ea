"""The story of a message with what keeps it just now, and with its price.

Rule: the page and the API tell a message through here, so that they say the same.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import outlook
from gateway.prices import Prices, price_of
from store.contacts import contacts
from store.messages import Shown
from web.messages.story import Story, explain


async def tell(
    tx: AsyncConnection, company_id: int, message: Shown, now: datetime, prices: Prices
) -> Story:
    """All there is to say about it; for one in the queue the gateway is asked what it would say."""
    if message.state == "queued" and not message.held:
        until, keeps = await outlook.of_message(tx, company_id, message.id, now)
        return explain(message, until, keeps)
    return explain(message, price=await _price(tx, message, prices))


async def _price(tx: AsyncConnection, message: Shown, prices: Prices) -> str:
    """`0.0572 EUR`, by the prices that held when it was sent; empty where they say nothing."""
    if not isinstance(message.billed, dict):
        return ""
    query = sa.select(contacts.c.country).where(contacts.c.id == message.contact_id)
    country = str(await tx.scalar(query) or "")
    category = str(message.billed.get("category") or message.category)
    amount = price_of(prices, category, country, message.sent_at or message.created_at)
    return "" if amount is None else f"{amount.normalize():f} {prices.currency}"
