"""Where a message stands, and what news may change about it. Pure.

Rule: states only move forward, whatever the order and number of the news; and a run hears one
verdict, the first that is sure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import structs

from gateway.channel import SendError
from gateway.news import Receipt
from store.in_hand import InHand

RANK = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}
"""A failure may come hours after `sent`, but one that comes after `delivered` is ignored."""


def rank(state: str) -> int:
    """How far a message is; 0 while nobody knows that it left."""
    return RANK.get(state, 0)


def after_receipt(message: InHand, receipt: Receipt) -> InHand:
    """The message after WhatsApp's word on it; the same one when that is no news."""
    told = receipt.state
    moved = message
    if message.channel_id is None:
        moved = structs.replace(moved, channel_id=receipt.channel_id)
    if told != "failed" and (message.sent_at is None or rank(message.state) == 0):
        moved = structs.replace(moved, sent_at=message.sent_at or receipt.at)
    # Read implies delivered, also where `delivered` never comes because the chat was open.
    if told in ("delivered", "read") and message.delivered_at is None:
        moved = structs.replace(moved, delivered_at=receipt.at)
    if told == "read" and message.read_at is None:
        moved = structs.replace(moved, read_at=receipt.at)
    if rank(told) <= rank(message.state):
        return moved
    if told == "failed":
        return failed(moved, receipt.error or SendError("unknown"), receipt.at)
    return structs.replace(moved, state=told)


def accepted(message: InHand, channel_id: str, at: datetime, why: tuple[str, ...]) -> InHand:
    """The message after the channel took it."""
    ahead = rank(message.state) >= RANK["sent"]
    return structs.replace(
        message,
        state=message.state if ahead else "sent",
        channel_id=message.channel_id or channel_id,
        sent_at=message.sent_at or at,
        why=[*(message.why or []), *why],
        error_class=message.error_class if ahead else None,
        error_code=message.error_code if ahead else None,
        error=message.error if ahead else None,
    )


def failed(message: InHand, error: SendError, at: datetime) -> InHand:
    """The message after it failed for good."""
    return structs.replace(with_error(message, error), state="failed", failed_at=at)


def with_error(message: InHand, error: SendError) -> InHand:
    """The message with the last thing that went wrong."""
    return structs.replace(
        message,
        error_class=error.meaning,
        error_code=str(error.code) if error.code else None,
        error=error.message,
    )


def verdict(before: InHand, now_is: InHand) -> Literal["sent", "failed"] | None:
    """What a waiting run is told when a message moves from `before`; None: it knows already."""
    if rank(before.state) or not rank(now_is.state):
        return None
    return "failed" if now_is.state == "failed" else "sent"


def newly_left(
    moves: Iterable[tuple[InHand, InHand]],
) -> dict[int, tuple[datetime, int]]:
    """`{contact id: (when, through which phone)}` of messages that, before and after, turn out to
    have left; the newest of each contact.
    """
    found: dict[int, tuple[datetime, int]] = {}
    for before, after in moves:
        left = verdict(before, after) == "sent"
        if not left or after.sent_at is None or after.phone_id is None:
            continue
        known = found.get(after.contact_id)
        if known is None or known[0] < after.sent_at:
            found[after.contact_id] = (after.sent_at, after.phone_id)
    return found
