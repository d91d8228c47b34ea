"""How customers rate a number or a template: GREEN, YELLOW, RED from blocks and reports. Pure.

Meta tells no formula, only what goes in: blocks and reports of the last 7 days, the recent ones
more. Here: their share of the sends, each weighted from 1 (now) down to 0 (7 days ago).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Rating = Literal["GREEN", "YELLOW", "RED", "UNKNOWN"]

SPAN_S = 7 * 24 * 3600
HOUR_S = 3600
WEIGHTS = {"block": 1.0, "report": 2.0}
SMOOTHING = 30
"""Sends added in the divisor, so that a young number is not judged by its first customer."""
FEWEST = 2
"""Complaints below which nothing is said."""
YELLOW_FROM = 0.015
RED_FROM = 0.03
"""Practitioners call about 3% severe."""


@dataclass(slots=True)
class Tally:
    """Sends per hour of numbers and templates, by their ids."""

    hours: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, key: str, at: float, count: int = 1) -> None:
        """Count sends of a number or template."""
        hours, hour = self.hours[key], int(at // HOUR_S)
        hours[hour] = hours.get(hour, 0) + count

    def total(self, key: str) -> int:
        """Return all sends that were counted and not forgotten."""
        return sum(self.hours[key].values())

    def weighted(self, key: str, now: float, since: float) -> float:
        """Return the sends of the last 7 days after `since`, recent ones more; forget the rest."""
        hours, oldest = self.hours[key], (now - SPAN_S) // HOUR_S
        for hour in [hour for hour in hours if hour < oldest]:
            del hours[hour]
        first = since // HOUR_S
        return sum(
            count * _recency((hour + 0.5) * HOUR_S, now)
            for hour, count in hours.items()
            if hour >= first
        )


def rate(complaints: Iterable[tuple[str, float]], sends: float, now: float) -> Rating:
    """Return the rating for complaints (kind, moment) over weighted sends."""
    given = [(kind, at) for kind, at in complaints if at > now - SPAN_S]
    if len(given) < FEWEST:
        return "GREEN"
    share = sum(WEIGHTS[kind] * _recency(at, now) for kind, at in given) / (sends + SMOOTHING)
    if share >= RED_FROM:
        return "RED"
    return "YELLOW" if share >= YELLOW_FROM else "GREEN"


def _recency(at: float, now: float) -> float:
    return min(1.0, max(0.0, 1 - (now - at) / SPAN_S))
