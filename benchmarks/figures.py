"""What a figure is: its name, its unit, what it measures, and what is wanted of it.

Rule: a figure is a number of this run, or a sentence that says why it cannot be measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class CannotMeasureError(Exception):
    """Why something cannot be measured on this machine, in one sentence."""


class Size(NamedTuple):
    """How much is carried. Rates are compared, never totals, so slow contestants carry fewer."""

    full: bool
    journeys: int  # per round of a contestant that works in batches
    rounds: int  # the best counts: what else the machine does can only make it worse
    singly: int  # journeys per round of a contestant that takes one step at a time
    campaign: int  # contacts of the campaign that runs while others get an answer
    replies: int  # answered while nothing else happens
    sends: int  # messages per round over HTTP
    seeds: int  # months of the gateway that are simulated


SHORT = Size(
    full=False,
    journeys=2_000,
    rounds=4,
    singly=50,
    campaign=30_000,
    replies=200,
    sends=1_500,
    seeds=2,
)
FULL = Size(
    full=True,
    journeys=20_000,
    rounds=2,
    singly=300,
    campaign=100_000,
    replies=1_000,
    sends=6_000,
    seeds=20,
)


class Wanted(NamedTuple):
    """The figure to reach."""

    value: float
    or_less: bool = False

    def reached(self, figure: float) -> bool:
        """Whether `figure` is as good as this, or better."""
        return figure <= self.value if self.or_less else figure >= self.value

    def __str__(self) -> str:
        return f"at {'most' if self.or_less else 'least'} {self.value:,g}"


class Figure(NamedTuple):
    """One line of the table. `measure` raises CannotMeasureError where it cannot be had."""

    name: str
    unit: str
    what: str
    measure: Callable[[Size], float]
    wanted: Wanted | None = None
    only_full: bool = False  # too slow for the short bench, unless it is asked for by name


def at_least(value: float) -> Wanted:
    """More is better."""
    return Wanted(value)


def at_most(value: float) -> Wanted:
    """Less is better."""
    return Wanted(value, or_less=True)
