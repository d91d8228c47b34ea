"""Few messages at each test; `python -m tests.faults --lost-answers 5000` sends many."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import lost_answers
from tests.faults.lost_answers import lose_answers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_lost_answer_doubles_nothing_and_loses_nothing(
    tmp_path: Path,
    free_ports: Callable[[], int],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lost_answers, "DEATHS", 3)
    seed = random.SystemRandom().randrange(10_000)
    report = await lose_answers(tmp_path, database_url, free_ports, 200, seed)
    assert (report.doubled, report.missing) == (0, 0), report
    assert report.flawless, report
    assert report.answers_lost > 0
