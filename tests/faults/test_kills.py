"""Machines die in the middle of 200 customers; nobody loses a message, nobody gets one twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.events import events
from store.messages import messages
from tiptoe.demo.show import perform
from tiptoe.demo.stage import Stage, folder_settings
from tiptoe.settings import load_settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BUSY = {
    # What must be going on for the death to hurt.
    "engine": sa.select(events.c.id).where(events.c.handled_at.is_(None)).limit(1),
    "gateway": sa.select(messages.c.id).where(messages.c.state == "sending").limit(1),
    "redis": sa.select(messages.c.id).where(messages.c.state.in_(("queued", "sending"))).limit(1),
    "web": sa.select(messages.c.id).where(messages.c.state == "sent").limit(1),
}
LOOKS = 400  # looks for a busy moment; after that the next moment of the story is tried


async def test_nothing_is_lost_or_doubled_when_processes_are_killed(
    tmp_path: Path, free_ports: Callable[[], int], database_url: str
) -> None:
    folder = tmp_path / "demo"
    own = folder_settings(folder, free_ports(), free_ports()) | {"DATABASE_URL": database_url}
    settings = load_settings(own)
    victims = ["engine", "gateway", "redis", "gateway", "engine", "web"]
    killed: list[str] = []

    async def mischief(stage: Stage, _moves: int) -> None:
        if victims and await _busy(stage, victims[0]):
            victim = victims.pop(0)
            assert stage.supervisor.kill(victim)
            killed.append(victim)

    score = await perform(settings, 200, mischief=mischief)
    assert killed == ["engine", "gateway", "redis", "gateway", "engine", "web"]
    assert (score.lost, score.doubled, score.out_of_order, score.at_night) == (0, 0, 0, 0), score
    assert score.unfinished == 0
    assert score.sent > 400
    assert not _left_over(folder)


async def _busy(stage: Stage, victim: str) -> bool:
    """Wait for a moment in which `victim` has something in its hands."""
    for _ in range(LOOKS):
        async with stage.database.read() as tx:
            if await tx.scalar(BUSY[victim]) is not None:
                return True
        await asyncio.sleep(0.002)
    return False


def _left_over(folder: Path) -> list[str]:
    """Command lines of processes that still belong to this demo."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                environment = (process / "environ").read_bytes()
                if str(folder).encode() in environment:
                    found.append((process / "cmdline").read_text())
            except OSError:
                continue
    return found
