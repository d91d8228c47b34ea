"""A demo by the real processes: every run of it replays, and is a test that passes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import scenarios
from engine.copies import copy
from engine.kinds import catalog
from engine.past import flows_of, replay_run
from store.database import Database
from store.runs import runs
from tiptoe.demo.show import perform
from tiptoe.demo.stage import folder_settings
from tiptoe.settings import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.services]
CUSTOMERS = 20


def test_every_run_of_a_demo_can_be_lived_again(
    tmp_path: Path, free_ports: Callable[[], int]
) -> None:
    settings = load_settings(folder_settings(tmp_path, free_ports(), free_ports()))
    score = asyncio.run(perform(settings, CUSTOMERS))
    assert score.flawless, score
    assert asyncio.run(_lived_again(settings.database_url)) == score.started


async def _lived_again(url: str) -> int:
    database = Database(url)
    async with database.read() as tx:
        rows = (await tx.execute(sa.select(runs.c.id, runs.c.revision_id))).all()
        for run_id, revision_id in rows:
            replayed = await replay_run(tx, run_id)
            assert replayed.difference == ""
            assert replayed.events > 1
            flow = (await flows_of(tx, [revision_id]))[revision_id]
            result = scenarios.run(flow, copy(replayed, "Copy"), catalog().decode)
            assert result.differences == []
    await database.close()
    return len(rows)
