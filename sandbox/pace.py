"""How fast a number may send: token buckets. Pure; time comes in as unix seconds."""

from dataclasses import dataclass

PAIR_BURST = 45
"""Messages to one user that may go out at once, before they are paid back."""
PAIR_GAP_S = 6.0
"""Seconds that pay back one message to one user."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Permissions left, counted at the unix second `at`."""

    tokens: float
    at: float


def take(bucket: Bucket, now: float, *, capacity: float, per_second: float) -> Bucket | None:
    """Return the bucket with one permission less, or None when there is none to take."""
    tokens = min(capacity, bucket.tokens + max(0.0, now - bucket.at) * per_second)
    # Sums of many small refills may end a hair under the whole number that they stand for.
    if tokens < 1 - 1e-9:
        return None
    return Bucket(tokens - 1, max(now, bucket.at))


def take_pair(bucket: Bucket, now: float) -> Bucket | None:
    """Take from a pair's bucket: 45 in a burst, then one per 6 seconds."""
    return take(bucket, now, capacity=PAIR_BURST, per_second=1 / PAIR_GAP_S)
