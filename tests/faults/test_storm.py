"""A small storm at each test; `python -m tests.faults` makes large ones."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.storm import weather

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_nobody_misses_or_gets_twice_in_a_storm(
    tmp_path: Path, free_ports: Callable[[], int], database_url: str
) -> None:
    seed = int(os.environ.get("TIPTOE_STORM_SEED") or random.SystemRandom().randrange(10_000))
    report = await weather(tmp_path, database_url, free_ports, 60, seed)
    score = report.score
    assert (score.lost, score.doubled, score.out_of_order, score.at_night) == (0, 0, 0, 0), report
    assert score.unfinished == 0
    assert report.journeys == 54
    assert report.unlike == []
    assert report.died_at.total() >= 3
