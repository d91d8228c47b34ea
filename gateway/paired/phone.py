"""The program of one paired phone: `python -m gateway.paired.phone --database … `.

Rule: standard output carries the protocol and nothing else, whatever a library prints; and the
program ends with its owner, also when that was killed.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from gateway.paired import library
from gateway.paired.wire import LONGEST_LINE, FromPhone, State, line_of

PR_SET_PDEATHSIG = 1  # prctl(2): a signal when the parent is gone
PAIR, PAIR_CODE, RESUME = "pair", "pair_code:", "resume"
BROKEN = 1


def main(argv: Sequence[str] | None = None, make: Callable[..., Any] | None = None) -> NoReturn:
    """Be the phone until its line or its owner ends. `make` makes the library's client."""
    asked = _arguments(argv)
    mouth = _Mouth()
    _die_with(asked.owner)
    os.umask(0o077)  # its database holds the secrets of an account
    code = BROKEN
    try:
        library.load()
        asyncio.run(_run(asked, mouth.say, make))
    except library.UnusableError as error:
        mouth.say(State("unusable", str(error)))
        code = 0
    except BaseException as error:  # noqa: BLE001 - this process ends here in any case
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _run(asked: argparse.Namespace, say: Callable[[FromPhone], None], make: Any) -> NoReturn:
    # Only now: importing them imports the library.
    from neonize.aioze.client import NewAClient

    from gateway.paired.courtship import Courtship
    from gateway.paired.device import Device
    from gateway.paired.spool import Spool

    asked.inbox.mkdir(parents=True, exist_ok=True)
    asked.database.touch()
    asked.database.chmod(0o600)
    pairing = asked.mode != RESUME
    client = (make or NewAClient)(str(asked.database), uuid=asked.database.stem, new_device=pairing)
    courtship = None
    if pairing:
        digits = asked.mode.removeprefix(PAIR_CODE) if asked.mode.startswith(PAIR_CODE) else ""
        courtship = Courtship(say, digits, lambda number: client.PairPhone(number, True))
    device = Device(
        client,
        say,
        courtship=courtship,
        spool=Spool(asked.database.with_suffix(".news")),
        inbox=asked.inbox,
        since=asked.since,
    )
    await device.run(await _requests())
    sys.stderr.flush()
    # Here and now: the end of the loop would wait for the library's threads, which never end.
    os._exit(0)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="phone", description=__doc__)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--inbox", type=Path, required=True)
    parser.add_argument("--owner", type=int, required=True, help="The process to end with.")
    parser.add_argument("--mode", default=RESUME)
    parser.add_argument("--since", type=datetime.fromisoformat)
    return parser.parse_args(argv)


async def _requests() -> asyncio.StreamReader:
    """The owner's lines."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


class _Mouth:
    """Standard output, taken away from everybody else: what others print goes to the errors."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._lock = threading.Lock()

    def say(self, message: FromPhone) -> None:
        rest = memoryview(line_of(message))
        try:
            with self._lock:
                while rest:
                    rest = rest[self._pipe.write(rest) or 0 :]
        except OSError:
            os._exit(BROKEN)  # nobody listens any more


def _die_with(owner: int) -> None:
    """Let the kernel kill this process with its owner; the end of its input does the same, but
    only while the loop runs.
    """
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return  # not Linux
    if os.getppid() != owner:
        os._exit(BROKEN)


if __name__ == "__main__":
    main()
