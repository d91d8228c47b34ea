"""How much marketing one contact gets: so many messages a day and a week, over all automations.
Pure.

Rule: what left, or may have left, counts; what only waits does not. Live answers are neither
counted nor held back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.pacing import LIVE_PRIORITY

DAY = timedelta(hours=24)  # both spans roll on; they are not calendar days
WEEK = timedelta(days=7)
SPENDS = frozenset({"automation", "api"})  # what a person writes by hand is their own affair


class Full(Struct, frozen=True):
    """The budget is used up until `until`; `words` say which part of it."""

    until: datetime
    words: str


def is_budgeted(category: str, source: str, priority: int) -> bool:
    """Whether a message takes from the contact's budget, and waits when it is used up."""
    return category == "marketing" and source in SPENDS and priority != LIVE_PRIORITY


def full(
    left: Sequence[datetime], per_day: int | None, per_week: int | None, now: datetime
) -> Full | None:
    """Why there is no room for one more at `now`, and until when; None when there is room.

    `left`: when marketing messages left for the contact, in any order; a limit of None is none.
    The moment is exact: right then the message that left longest ago leaves the span.
    """
    if not left:
        return None
    parts = [
        _part(left, per_day, DAY, "in the last 24 hours", now),
        _part(left, per_week, WEEK, "in the last 7 days", now),
    ]
    return max(filter(None, parts), key=lambda one: one.until, default=None)


def _part(
    left: Sequence[datetime], limit: int | None, span: timedelta, said: str, now: datetime
) -> Full | None:
    if limit is None:
        return None
    lately = sorted(at for at in left if at > now - span)
    if len(lately) < limit:
        return None
    # With a lowered limit more than one must leave the span first.
    until = lately[-limit] + span
    number = f"{len(lately)} marketing message{'' if len(lately) == 1 else 's'}"
    return Full(until, f"The contact had {number} {said}, at most {limit}")
