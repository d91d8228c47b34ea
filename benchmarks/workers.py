"""Real workers: `tiptoe engine` or `gateway` as they run in a house, with the real clock."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.figures import CannotMeasureError

ROOT = Path(__file__).resolve().parent.parent
PAGE = os.sysconf("SC_PAGE_SIZE")


class EngineProcess:
    """A running `tiptoe engine`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def rss_mb(self) -> float:
        """The memory it really holds, in MB."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except OSError as problem:
            raise CannotMeasureError("The memory of a process is read from /proc.") from problem
        return pages * PAGE / 1e6


@asynccontextmanager
async def engine_process(url: str, redis_url: str) -> AsyncIterator[EngineProcess]:
    """Start an engine, stop it with SIGTERM at the end."""
    async with process("engine", url, redis_url) as pid:
        yield EngineProcess(pid)


@asynccontextmanager
async def process(name: str, url: str, redis_url: str, **more: str) -> AsyncIterator[int]:
    """Start `tiptoe <name>` with `more` settings, and stop it at the end; its process id."""
    settings = {"DATABASE_URL": url, "REDIS_URL": redis_url, "TIPTOE_LOG_LEVEL": "warning"}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tiptoe", name, cwd=ROOT, env=os.environ | settings | more
    )
    try:
        yield child.pid
    finally:
        child.terminate()
        await child.wait()
