"""The line to one phone: its process, kept running, and what is asked through it.

Rule: nothing a process does, hangs on or prints may reach another phone. One that ends is started
again after a pause that grows, for restarts in a loop are what gets numbers banned.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any

import structlog

from gateway.paired.wire import (
    LONGEST_LINE,
    Answer,
    Done,
    Kept,
    Pairing,
    Ping,
    Refused,
    Report,
    Request,
    Said,
    State,
    Told,
    line_of,
    read_report,
)

PAUSES_S = (2.0, 5.0, 20.0, 60.0, 300.0, 900.0)
STEADY_S = 120.0  # of connection: then the next pause is the first one again
PING_EACH_S = 10.0
PONG_WITHIN_S = 30.0
END_WITHIN_S = 3.0
READ_AT_ONCE = 1 << 16
NOT_STARTED = 127  # as a shell says it
OURS_ALONE = ("DATABASE_URL", "REDIS_URL", "SPHINX")
ENDS = frozenset({"banned", "logged_out", "replaced", "outdated"})
"""States after which a process is not started again by itself."""
NOT_CONNECTED = "The phone is not connected to WhatsApp right now."
NO_ANSWER = "The phone did not answer in time; the message may have been sent."
CUT_OFF = "The phone's program ended while it was sending; the message may have been sent."
DIED = "The phone's program ended; it starts again by itself."
NOT_PAIRED = "The phone's program ended during the pairing. Ask for a new code."
log = structlog.get_logger(__name__)


class Line:
    """One phone's line. `command` starts its program, in the mode it is told last; `told` gets
    reports, and answers that came too late for whoever asked.
    """

    def __init__(
        self,
        phone_id: int,
        command: Callable[[str], Sequence[str]],
        told: Callable[[Report | Said], None],
        *,
        mode: str,
        resume: str,
        pauses_s: Sequence[float] = PAUSES_S,
        ping_each_s: float = PING_EACH_S,
        pong_within_s: float = PONG_WITHIN_S,
        end_within_s: float = END_WITHIN_S,
    ) -> None:
        self.phone_id = phone_id
        self.state: str = "starting"
        self.over = False  # it ended in a way that is not tried again
        self._command = command
        self._told = told
        self._mode, self._resume = mode, resume
        self._pauses_s = pauses_s
        self._ping_each_s, self._pong_within_s = ping_each_s, pong_within_s
        self._end_within_s = end_within_s
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count(1)
        self._last_words: deque[str] = deque(maxlen=40)
        self._since = 0.0  # connected since, in the loop's time
        self._life = asyncio.create_task(self._live(), name=f"phone {phone_id}")

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._process is None else self._process.pid

    async def ask(self, make: Callable[[int], Request], within_s: float) -> Answer:
        """Ask for something. What cannot be asked is refused as unreachable, what gets no answer
        as uncertain.
        """
        n = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[n] = answer
        try:
            if not await self._write(make(n)):
                return Refused(n, "unreachable", 0, NOT_CONNECTED)
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            return Refused(n, "uncertain", 0, NO_ANSWER)
        finally:
            self._waiting.pop(n, None)

    async def kept(self, number: int) -> None:
        """Say that its news are written down up to this one."""
        await self._write(Kept(number))

    async def stop(self) -> None:
        """End the process and everything about it."""
        self._life.cancel()
        await asyncio.gather(self._life, return_exceptions=True)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            self._since = 0.0
            try:
                code = await self._once()
            except OSError as error:
                log.warning("phone's program does not start", error=str(error))
                code = NOT_STARTED
            was, self.state = self.state, "offline"
            if self.over:
                return
            log.warning(
                "phone's program ended", phone=self.phone_id, code=code, words=self._epitaph()
            )
            if self._mode != self._resume:
                self.over = True
                self._told(Pairing("failed", why=NOT_PAIRED))
                return
            if was in ("starting", "connected"):  # else it has told why itself
                self._told(State("offline", DIED))
            if self._since and loop.time() - self._since > STEADY_S:
                tries = 0
            pause = self._pauses_s[min(tries, len(self._pauses_s) - 1)]
            tries += 1
            await asyncio.sleep(pause)

    async def _once(self) -> int:
        """Run the program to its end; its exit code, minus the signal that killed it."""
        self._last_words.clear()
        self.state = "starting"
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command(self._mode),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env=_environment(),
            start_new_session=True,  # Ctrl+C is ours to hear
        )
        beside = [
            asyncio.create_task(self._overhear(process)),
            asyncio.create_task(self._watch()),
        ]
        patience_s = (
            self._end_within_s
        )  # for one that is stopped by us; what else ends here is lost
        try:
            await self._listen(process)
            patience_s = 0.0
        finally:
            self._process = None
            self._cut_off()
            # A stop in just this moment must leave no program behind that goes on speaking.
            await surely(_end(process, beside, patience_s))
        return process.returncode or 0

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                log.warning("phone's program talks nonsense", phone=self.phone_id)
                return
            if not line:
                return
            message = read_report(line)
            if message is None:
                log.warning("unreadable line of a phone", phone=self.phone_id, size=len(line))
            else:
                self._hear(message)

    def _hear(self, message: Answer | Report) -> None:
        match message:
            case State(state=state):
                self.state = state
                pairs = self._mode != self._resume
                self.over = self.over or state in ENDS or (state == "unusable" and pairs)
                if state == "connected":
                    self._mode = self._resume
                    self._since = self._since or asyncio.get_running_loop().time()
                self._told(message)
            case Pairing(state=state):
                if state == "scanned":
                    self._mode = self._resume
                self.over = self.over or state == "failed"
                self._told(message)
            case Told():
                self._told(message)
            case _:
                waiting = self._waiting.get(message.n)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
                elif isinstance(message, Said):
                    self._told(message)

    async def _write(self, request: Request) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            process.stdin.write(line_of(request))
            await process.stdin.drain()
        except (ConnectionError, RuntimeError):
            return False
        return True

    async def _watch(self) -> None:
        """Kill a process that does not answer any more."""
        while True:
            await asyncio.sleep(self._ping_each_s)
            answer = await self.ask(Ping, self._pong_within_s)
            if not isinstance(answer, Done) and self._process is not None:
                log.warning("phone's program hangs", phone=self.phone_id)
                _signal(self._process, signal.SIGKILL)

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        """What it says beside the protocol; its last words tell why it died."""
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        while line := await _some_line(process.stderr):
            words = line.decode(errors="replace").rstrip()
            self._last_words.append(words)
            log.debug("phone says", phone=self.phone_id, words=words)

    def _epitaph(self) -> str:
        """Why it died, as far as it said so. A Go program's panic begins a page of traces."""
        panic = [one for one in self._last_words if one.startswith(("panic:", "fatal error:"))]
        return (panic or list(self._last_words) or [""])[-1 if not panic else 0][:300]

    def _cut_off(self) -> None:
        for n, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_result(Refused(n, "uncertain", 0, CUT_OFF))


async def _some_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, or a part of an endless one."""
    try:
        return await stream.readline()
    except ValueError:
        return b"(a very long line)\n"


async def surely(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, also when whoever waits for it is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _end(
    process: asyncio.subprocess.Process, beside: Sequence[asyncio.Task[None]], patience_s: float
) -> None:
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await _bury(process, patience_s)


async def _bury(process: asyncio.subprocess.Process, patience_s: float) -> None:
    """See to it that the process is gone: its input ends, then it is killed."""
    if process.stdin is not None:
        process.stdin.close()
    streams = [one for one in (process.stdout, process.stderr) if one is not None]
    drains = asyncio.gather(*(_drain(one) for one in streams))  # its end waits for that of these
    try:
        async with asyncio.timeout(patience_s):
            await asyncio.shield(drains)
            await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal(process, signal.SIGKILL)  # also what it started itself
    await drains
    await process.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(READ_AT_ONCE):
        pass


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _environment() -> dict[str, str]:
    """Ours without what a library of others need not know."""
    ours = os.environ.items()
    return {k: v for k, v in ours if k not in OURS_ALONE and not k.startswith("TIPTOE_")}
