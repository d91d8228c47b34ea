"""The supervisor with small children: restarts, logs, and an end that leaves nothing behind."""

import asyncio
import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tiptoe import supervisor
from tiptoe.supervisor import Child, LogFile, Supervisor

pytestmark = [pytest.mark.anyio, pytest.mark.services]
PATIENCE_S = 20

STAYS = "import signal; print('up', flush=True); signal.pause()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {STAYS}"


def child(name: str, code: str, *, foundation: bool = False) -> Child:
    # -S -E: a small child starts in no time
    return Child(name=name, argv=[sys.executable, "-SEc", code], foundation=foundation)


class Stage:
    """A supervisor at work and what it has shown."""

    def __init__(self, folder: Path, *children: Child, severity: int = logging.DEBUG) -> None:
        self.shown: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self.supervisor = Supervisor(children, logs=folder, show=self._show, severity=severity)
        self._running = asyncio.create_task(self.supervisor.run())

    def _show(self, name: str, text: str) -> None:
        self.shown.append((name, text))
        self._news.set()

    async def sees(self, name: str, words: str, times: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while sum(n == name and words in text for n, text in self.shown) < times:
                self._news.clear()
                await self._news.wait()

    async def stop(self) -> float:
        began = asyncio.get_running_loop().time()
        self.supervisor.stop()
        await self._running
        return asyncio.get_running_loop().time() - began


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)


async def test_one_that_dies_starts_again_after_a_growing_pause(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path, child("web", STAYS), child("bad", "print('oh no'); raise SystemExit(3)")
    )
    await stage.sees("bad", "oh no", times=3)
    await stage.stop()
    told = [text for name, text in stage.shown if name == "bad" and "again" in text]
    assert told[:2] == [
        "stopped (exit code 3); starts again in 0.01 s",
        "stopped (exit code 3); starts again in 0.02 s",
    ]
    assert ("web", "up") in stage.shown


async def test_one_that_is_killed_starts_again(tmp_path: Path) -> None:
    stage = Stage(
        tmp_path, child("engine", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    )
    await stage.sees("engine", "")
    os.kill(int(stage.shown[0][1]), signal.SIGKILL)
    await stage.sees("engine", "signal SIGKILL")
    await stage.sees("engine", "", times=3)
    await stage.stop()


async def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Child(name="redis", argv=["/no/such/program"]))
    await stage.sees("redis", "does not start")
    await stage.stop()


async def test_stopping_ends_even_the_deaf_and_their_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_S", 0.2)
    stage = Stage(tmp_path, child("deaf", DEAF), child("parent", PARENT))
    await stage.sees("deaf", "up")
    await stage.sees("parent", "up", times=2)
    assert await stage.stop() < 5


async def test_what_a_dead_child_started_goes_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; "
        f"p = subprocess.Popen([sys.executable, '-c', {DEAF!r}]); print('pid', p.pid, flush=True)"
    )
    stage = Stage(tmp_path, child("parent", code))
    await stage.sees("parent", "pid")
    pid = int(next(text for _, text in stage.shown if "pid" in text).split()[1])
    await stage.sees("parent", "stopped")
    assert ended(pid)
    await stage.stop()


async def test_the_foundation_is_first_and_last(tmp_path: Path) -> None:
    order = tmp_path / "order"
    says = (
        "import signal, sys\n"
        f"def end(*_): open({str(order)!r}, 'a').write(NAME); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True)\n"
        "while True: signal.pause()"
    )
    stage = Stage(
        tmp_path / "logs",
        child("redis", f"NAME = 'redis'\n{says}", foundation=True),
        child("web", f"NAME = 'web'\n{says}"),
    )
    await stage.sees("redis", "up")
    await stage.sees("web", "up")
    await stage.stop()
    assert order.read_text() == "webredis"


async def test_children_wait_for_what_they_need(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    first = Child(
        name="first",
        argv=[sys.executable, "-SEc", f"open({str(mark)!r}, 'w').close(); {STAYS}"],
        ready=mark.exists,
    )
    stage = Stage(
        tmp_path / "logs",
        first,
        child("second", f"import os; print(os.path.exists({str(mark)!r}), flush=True); {STAYS}"),
    )
    await stage.sees("second", "True")
    await stage.stop()


async def test_all_is_in_the_file_and_only_the_worse_on_the_terminal(tmp_path: Path) -> None:
    says = (
        'print(\'{"level": "info", "event": "fine"}\\n{"level": "error", "event": "worse"}\', '
        "flush=True); import signal; signal.pause()"
    )
    stage = Stage(tmp_path, child("web", says), severity=logging.WARNING)
    await stage.sees("web", "worse")
    await stage.stop()
    assert len(stage.shown) == 1
    assert [line.strip() for line in (tmp_path / "web.log").read_text().splitlines()] == [
        "info fine",
        "error worse",
    ]


def test_a_large_log_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 10)
    with LogFile(tmp_path / "web.log") as log:
        log.write("a long first line")
        log.write("second")
    assert (tmp_path / "web.log").read_text() == "second\n"
    assert (tmp_path / "web.log.1").read_text() == "a long first line\n"


KILLED = f"""
import asyncio, sys
from pathlib import Path
from tiptoe.supervisor import Child, Supervisor
code = "import os; print(os.getpid(), flush=True); " + {DEAF!r}
children = [Child(name=n, argv=[sys.executable, "-SEc", code]) for n in ("web", "engine")]
supervisor = Supervisor(
    children, logs=Path(sys.argv[1]), show=lambda _n, text: print(text, flush=True), severity=0
)
asyncio.run(supervisor.run())
"""


def test_a_supervisor_that_is_killed_leaves_no_children(tmp_path: Path) -> None:
    boss = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert boss.stdout is not None
    pids = set[int]()
    with boss, boss.stdout:
        while len(pids) < 2:
            line = boss.stdout.readline().strip()
            if line.isdigit():
                pids.add(int(line))
        boss.kill()
    assert all(ended(pid) for pid in pids)


def ended(pid: int) -> bool:
    """Wait until a process is gone; False after a while."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with contextlib.closing(os.fdopen(watch)) as file:
        return bool(select.select([file], [], [], PATIENCE_S)[0])
