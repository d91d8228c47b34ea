"""What WhatsApp says our messages cost, written down once: the price, and the conversation.

Rule: a price that is known stays as it was told first; statuses come twice and in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.news import Pricing, Receipt
from store import conversations
from store.conversations import Opened
from store.in_hand import InHand

CONVERSATION = timedelta(hours=24)
ENTRY_POINT = timedelta(hours=72)  # free for whoever came by an advertisement
FREE_ENTRY = ("free_entry_point", "referral_conversion")


async def note_prices(tx: AsyncConnection, told: Sequence[tuple[InHand, Receipt]]) -> None:
    """Keep the prices of messages, each with the receipt that told it."""
    priced: dict[int, tuple[InHand, Receipt, Pricing]] = {}
    ends: list[Opened] = []
    for message, receipt in told:
        pricing = receipt.pricing
        if pricing is None or message.phone_id is None:
            continue
        priced.setdefault(message.id, (message, receipt, pricing))
        if pricing.conversation and pricing.ends_at is not None:
            ends.append(_opened(message, receipt, pricing))
    if not priced:
        return
    new = await conversations.unpriced(tx, priced)
    await conversations.price(tx, {of: structs.asdict(priced[of][2]) for of in new})
    opened = [_opened(*priced[of]) for of in sorted(new)]
    await conversations.note(tx, [*opened, *ends])


def _opened(message: InHand, receipt: Receipt, pricing: Pricing) -> Opened:
    at = message.sent_at or receipt.at
    free = pricing.type in FREE_ENTRY or pricing.category in FREE_ENTRY
    return Opened(
        company_id=message.company_id,
        contact_id=message.contact_id,
        phone_id=message.phone_id or 0,
        category=pricing.category,
        remote_id=pricing.conversation,
        opened_at=at,
        ends_at=pricing.ends_at or at + (ENTRY_POINT if free else CONVERSATION),
        certain=pricing.ends_at is not None,
    )
