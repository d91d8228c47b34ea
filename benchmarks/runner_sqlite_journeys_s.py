"""The engine on SQLite, one worker."""

import asyncio
import tempfile
from pathlib import Path

from benchmarks._runners import journeys_per_second

WHAT = "journeys through the real runner on SQLite, one worker"
UNIT = "journeys/s"
WANTED = None


def measure() -> float:
    """Journeys in a second."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'bench.db')}"
        return asyncio.run(journeys_per_second(url))
