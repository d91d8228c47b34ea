"""Is a number in danger? How often it fails, how people take what it writes, and when it must
rest. Pure.

Rule: only failures that speak against the phone are counted; its owner's bad content is not.
Source: practice of those who run many numbers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct

Quality = Literal["GREEN", "YELLOW", "RED", "UNKNOWN"]

BREAKER = ((8, None), (5, timedelta(hours=1)), (3, timedelta(minutes=15)))
"""Failures in a row, and how long the phone rests; None is until a person looks."""
WORRYING_RATE = 0.2
ENOUGH_SENDS = 20  # fewer say nothing about a rate
SILENT_SENDS = 10  # without a single receipt …
SILENT_FOR = timedelta(minutes=30)  # … for this long: the line is dead, whatever it says
LOW_DELIVERED, POOR_DELIVERED = 0.7, 0.85  # shares that arrive; who blocks us gets one tick only
LOW_ANSWERED, POOR_ANSWERED = 0.03, 0.1  # shares of people who write back
LOW_FAILED, POOR_FAILED = 0.2, 0.1
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


def begins_rest(was: str, quality: str) -> bool:
    """Whether campaigns of a number begin to rest: its quality fell to low just now. While it
    stays low no other rest begins, for a person may have lifted the first one.
    """
    return quality == "RED" != was


class Taken(Struct, frozen=True):
    """How the messages of a paired phone were taken in the last days: `settled` are old enough
    that a receipt would have come; `people` were written to first, `answered` of them wrote back.
    """

    sent: int = 0
    failed: int = 0
    settled: int = 0
    delivered: int = 0
    people: int = 0
    answered: int = 0


def judged(taken: Taken) -> tuple[Quality, str]:
    """The quality of a paired phone, which WhatsApp itself does not tell, and why.

    Source of the shares: practice of those who run many numbers.
    """
    if taken.sent < ENOUGH_SENDS:
        return "UNKNOWN", "too few messages to say"
    worst: tuple[Quality, str] = ("GREEN", "people take its messages well")
    for share, low, poor, words in (
        (_share(taken.delivered, taken.settled), LOW_DELIVERED, POOR_DELIVERED, "arrive"),
        (_share(taken.answered, taken.people), LOW_ANSWERED, POOR_ANSWERED, "are answered"),
        (_share(taken.sent - taken.failed, taken.sent), 1 - LOW_FAILED, 1 - POOR_FAILED, "leave"),
    ):
        if share is None or share >= poor:
            continue
        said = f"only {share:.0%} of its messages {words}"
        if share < low:
            return "RED", said
        worst = ("YELLOW", said)
    return worst


def _share(part: int, whole: int) -> float | None:
    """`part` of `whole`; None while there is too little to speak of a share."""
    return part / whole if whole >= ENOUGH_SENDS else None
