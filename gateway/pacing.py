"""How fast: gaps to one recipient, days that are full, messages per second, tries again. Pure.

Rule: it says when, never whether.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from msgspec import Struct

from gateway.window import zone

LIVE_CHAT = timedelta(minutes=10)  # someone who wrote this recently is waiting for us
LIVE_PRIORITY = 0
LIVE_ANSWER = timedelta(hours=1)  # an answer that was held up for longer is no part of a chat
JITTER = 0.25  # a quarter longer at most, so that what failed together does not return together


def is_live(priority: int, last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether the message is part of a chat that is going on right now."""
    if last_inbound_at is None:
        return priority == LIVE_PRIORITY
    waiting = LIVE_ANSWER if priority == LIVE_PRIORITY else LIVE_CHAT
    return now - last_inbound_at < waiting


def gap_ends(last_out_at: datetime | None, gap_minutes: int) -> datetime | None:
    """When the recipient may be written to again after our last message; None: at any time."""
    return None if last_out_at is None else last_out_at + timedelta(minutes=gap_minutes)


def next_day(now: datetime, zone_name: str) -> datetime:
    """The first moment of the next local day."""
    clock = zone(zone_name)
    tomorrow = now.astimezone(clock).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=clock).astimezone(UTC)


def jittered(seconds: float, salt: int) -> timedelta:
    """`seconds`, lengthened by a part that depends on `salt` (a message id) alone."""
    return timedelta(seconds=seconds * (1 + JITTER * (salt * 2654435761 % 1000) / 1000))


class Bucket(Struct, frozen=True):
    """Permits of a phone: `left` at the time `at` (seconds of any steady clock)."""

    per_s: float
    left: float
    at: float

    @classmethod
    def full(cls, per_s: float, at: float) -> Bucket:
        """A bucket that holds one second's worth."""
        return cls(per_s, max(1.0, per_s), at)

    def at_time(self, at: float) -> Bucket:
        """The bucket refilled until `at`."""
        grown = self.left + max(0.0, at - self.at) * self.per_s
        return Bucket(self.per_s, min(max(1.0, self.per_s), grown), at)

    def less(self, taken: int) -> Bucket:
        """The bucket after `taken` permits are used."""
        return Bucket(self.per_s, self.left - taken, self.at)
