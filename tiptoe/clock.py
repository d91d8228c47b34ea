"""The one place that reads the real time. Everyone else is handed a clock.

Rule: a clock returns aware UTC datetimes. A clock file moves the time of all processes of one
installation together: demo and tests let days pass in a moment.
"""

import mmap
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]

_OFFSET = struct.Struct("<d")
"""A clock file's whole content: seconds to add to the real time, a little-endian double."""


def real_clock() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


def clock_from(path: Path | None) -> Clock:
    """Return the clock that the setting `TIPTOE_CLOCK` names: real time without a file."""
    return real_clock if path is None else file_clock(path)


def file_clock(path: Path) -> Clock:
    """Return a clock that adds the offset in the file at `path`, made with 0 when missing.

    The file stays mapped, so a new offset counts from the next call on, in every process.
    """
    if not path.exists():
        set_offset(path, 0.0)
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)

    def now() -> datetime:
        (seconds,) = _OFFSET.unpack_from(memory)
        return real_clock() + timedelta(seconds=seconds)

    return now


def set_offset(path: Path, seconds: float) -> None:
    """Put all clocks on this file `seconds` ahead of the real time (behind when negative)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written in place: a new file under the same name would leave the open maps behind.
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_OFFSET.pack(seconds))
