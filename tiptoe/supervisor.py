"""Keeps a list of child processes running until told to stop.

Rule: it knows nothing of what the children do. One that ends is started again after a pause that
grows; at the end every child is gone, with all that it started.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

import msgspec

from tiptoe.children import die_with_parent, signal_group
from tiptoe.logs import read_line

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A child that ran this long was fine: its next pause is the first one again."""
STOP_S = 3.5
FOUNDATION_STOP_S = 0.8
"""Times to end in peace after SIGTERM; then SIGKILL. Together less than the 5 s a person waits."""
READY_S = 10.0
LARGEST_LOG = 10_000_000
"""Bytes; then the file becomes `name.log.1` and a new one begins."""
LARGEST_LINE = 1_000_000
CHUNK = 65_536


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process to keep running.

    `ready`: the children after it in the list start when it says so. `foundation`: the others need
    it, so it ends after them. `environment` is added to our own. `plain_severity`: how bad a line
    outside our log format is (as in `logging`); from our own programs that is a traceback.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = {}
    ready: Callable[[], bool] | None = None
    foundation: bool = False
    plain_severity: int = logging.WARNING


class Supervisor:
    """Runs `children`, writes what they say to `logs`/name.log, and shows the worse lines.

    `show` gets a name and a text for the terminal; lines below `severity` (as in `logging`) stay in
    the files.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        logs: Path,
        show: Callable[[str, str], None],
        severity: int,
    ) -> None:
        self._children = children
        self._logs = logs
        self._show = show
        self._severity = severity
        self.longest_pause_s = LONGEST_PAUSE_S
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop; `run` returns when all children are gone."""
        self._stopping.set()

    def kill(self, name: str) -> bool:
        """SIGKILL a child, as a failing machine would; it starts again. False: it does not run."""
        process = self._running.get(name)
        if process is not None:
            signal_group(process.pid, signal.SIGKILL)
        return process is not None

    async def run(self) -> None:
        """Start all children, in their order, and look after them until `stop`."""
        self._logs.mkdir(parents=True, exist_ok=True)
        carers = []
        for child in self._children:
            if self._stopping.is_set():
                break
            carers.append(asyncio.create_task(self._look_after(child), name=child.name))
            await self._wait_until_ready(child)
        await self._stopping.wait()
        await self._end([child for child in self._children if not child.foundation], STOP_S)
        await self._end(self._children, FOUNDATION_STOP_S)
        await asyncio.gather(*carers)

    async def _look_after(self, child: Child) -> None:
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began = clock()
            code = await self._run_once(child)
            if self._stopping.is_set():
                return
            if clock() - began > STEADY_S:
                pause = FIRST_PAUSE_S
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            self._show(child.name, f"stopped ({how}); starts again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, self.longest_pause_s)

    async def _run_once(self, child: Child) -> int:
        """Run a child to its end; return its exit code, minus the signal that killed it."""
        # A pipe of our own: asyncio's own would make `wait` wait for whoever inherited it.
        ear, mouth = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *child.argv,
                env=os.environ | child.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=mouth,
                stderr=mouth,
                start_new_session=True,  # a group of its own, and Ctrl+C is ours to hear
                preexec_fn=die_with_parent(),
            )
        except OSError as problem:
            os.close(ear)
            self._show(child.name, f"does not start: {problem}")
            return 1
        finally:
            os.close(mouth)
        self._running[child.name] = process
        if self._stopping.is_set():  # `stop` came while it was being born
            signal_group(process.pid, signal.SIGTERM)
        listening = asyncio.create_task(self._listen(child, ear))
        try:
            code = await process.wait()
        finally:
            # What it started and left behind goes too; that also closes the pipe.
            signal_group(process.pid, signal.SIGKILL)
            self._running.pop(child.name, None)
        await listening
        return code

    async def _listen(self, child: Child, ear: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ear, "rb")
        )
        rest = b""
        with closing(transport), LogFile(self._logs / f"{child.name}.log") as log:
            while chunk := await reader.read(CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LARGEST_LINE:
                    lines, rest = [*lines, rest], b""
                self._take(child, lines, log)
            self._take(child, [rest] if rest else [], log)

    def _take(self, child: Child, lines: list[bytes], log: "LogFile") -> None:
        for raw in lines:
            line = read_line(raw.decode(errors="replace"), child.plain_severity)
            log.write(line.text)
            # While all is being stopped, a lost connection is no news.
            if line.severity >= self._severity and not self._stopping.is_set():
                self._show(child.name, line.text)

    async def _wait_until_ready(self, child: Child) -> None:
        clock = asyncio.get_running_loop().time
        patience = clock() + READY_S
        while child.ready and not child.ready() and not self._stopping.is_set():
            if clock() > patience:
                self._show(child.name, "is slow to start; going on without it")
                return
            await asyncio.sleep(0.02)

    async def _end(self, children: Sequence[Child], patience_s: float) -> None:
        """End these children: asked first, killed when their time is over."""
        processes = [self._running[c.name] for c in children if c.name in self._running]
        if not processes:
            return
        for process in processes:
            signal_group(process.pid, signal.SIGTERM)
        waiting = [asyncio.create_task(process.wait()) for process in processes]
        _, late = await asyncio.wait(waiting, timeout=patience_s)
        if late:
            for process in processes:
                signal_group(process.pid, signal.SIGKILL)
            await asyncio.wait(waiting)


class LogFile:
    """A growing file that begins anew when it is large; the one before is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Add a line."""
        if self._file.tell() > LARGEST_LOG:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("a")
        self._file.write(f"{text}\n")
        self._file.flush()
