"""Messaging limits: how many different users may be written to outside a window in 24 hours. Pure.

Source: Meta's "Messaging limits": counted for the whole portfolio (here: an account with all its
numbers) over moving 24 hours; raised by itself within hours once half of it was used in 7 days by
messages of good quality.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

UNLIMITED = "TIER_UNLIMITED"
TIERS = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1000,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    UNLIMITED: -1,
}
"""Users in 24 hours by tier, as webhooks say it: -1 is no limit."""
LADDER = ("TIER_250", "TIER_2K", "TIER_10K", "TIER_100K", UNLIMITED)
DAY_S = 24 * 3600
WEEK_S = 7 * DAY_S


def next_tier(tier: str) -> str:
    """Return the next larger tier of today's ladder; the largest stays."""
    if TIERS[tier] < 0:
        return tier
    return next(one for one in LADDER if TIERS[one] < 0 or TIERS[one] > TIERS[tier])


@dataclass(slots=True)
class Recent:
    """Different users seen within a span, each by the last moment, the oldest first."""

    span_s: float
    seen: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def add(self, user: str, at: float) -> None:
        """Note that a user was written to; moments come in order."""
        self.seen[user] = at
        self.seen.move_to_end(user)

    def count(self, now: float) -> int:
        """Return how many different users there were within the span that ends now."""
        while self.seen and next(iter(self.seen.values())) <= now - self.span_s:
            self.seen.popitem(last=False)
        return len(self.seen)


@dataclass(slots=True)
class Users:
    """The users to whom an account opened a conversation."""

    day: Recent = field(default_factory=lambda: Recent(DAY_S))
    week: Recent = field(default_factory=lambda: Recent(WEEK_S))

    def add(self, user: str, at: float) -> None:
        """Note that a user was written to outside a window."""
        self.day.add(user, at)
        self.week.add(user, at)

    def may_add(self, user: str, now: float, tier: str) -> bool:
        """Say whether one more message outside a window fits into the tier."""
        limit = TIERS[tier]
        return limit < 0 or self.day.count(now) < limit or user in self.day.seen

    def earns_more(self, now: float, tier: str) -> bool:
        """Say whether half of the tier was used in 7 days."""
        limit = TIERS[tier]
        return limit >= 0 and self.week.count(now) * 2 >= limit


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `restrictions` hold until `restricted_until` (unix seconds, None: no end)."""

    waba_id: str
    tier: str
    grows: bool = True
    restrictions: tuple[str, ...] = ()
    restricted_until: float | None = None
    banned: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return TIERS[self.tier] >= 0

    def forbids(self, kind: str, now: float) -> bool:
        """Say whether a restriction holds now."""
        return kind in self.restrictions and (
            self.restricted_until is None or now < self.restricted_until
        )
