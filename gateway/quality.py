"""Is a number in danger? When a phone must rest after failures, and how often it fails. Pure.

Rule: only failures that speak against the phone are counted; its owner's bad content is not.
Source: practice of those who run many numbers.
"""

from __future__ import annotations

from datetime import timedelta

BREAKER = ((8, None), (5, timedelta(hours=1)), (3, timedelta(minutes=15)))
"""Failures in a row, and how long the phone rests; None is until a person looks."""
WORRYING_RATE = 0.2
ENOUGH_SENDS = 20  # fewer say nothing about a rate
PRIOR_FAILED = 0.5  # a phone without history is taken for slightly imperfect …
PRIOR_SENT = 5.0  # … so that its first failure does not make it the worst


def failure_rate(sent: int, failed: int) -> float:
    """0…1, smoothed, of `sent` tries of which `failed` failed."""
    return min(1.0, (failed + PRIOR_FAILED) / (max(sent, failed) + PRIOR_SENT))


def is_worrying(sent: int, failed: int) -> bool:
    """Whether a person should be told about the share of failures."""
    return sent >= ENOUGH_SENDS and failed / sent > WORRYING_RATE


def rest_after(failures_in_row: int) -> timedelta | None:
    """How long the phone rests after that failure (zero mostly); None: it is off."""
    for failures, rest in BREAKER:
        if failures_in_row >= failures:
            return rest
    return timedelta(0)
