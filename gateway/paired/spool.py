"""News that nobody has written down yet, in a file beside the phone's own database.

Rule: WhatsApp tells a linked device everything once; so what it told stays here until the owner
says that it is kept, whoever dies in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.news import News
from gateway.paired.wire import Told, line_of, read_report


class Spool:
    """The file and what is in it, in the order in which it came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: dict[int, Told] = {}
        self._last = 0
        for told in self._read():
            self._waiting[told.number] = told
            self._last = max(self._last, told.number)
        self._write()

    def waiting(self) -> list[Told]:
        """What is to be told again after a start."""
        return list(self._waiting.values())

    def add(self, news: Sequence[News]) -> Told:
        """Keep news until they are `kept`."""
        self._last += 1
        told = self._waiting[self._last] = Told(tuple(news), self._last)
        with self._path.open("ab") as file:
            file.write(line_of(told))
        return told

    def kept(self, number: int) -> None:
        """Let go of all up to this one."""
        self._waiting = {n: told for n, told in self._waiting.items() if n > number}
        if not self._waiting:
            self._write()

    def _read(self) -> list[Told]:
        if not self._path.exists():
            return []
        lines = [read_report(line) for line in self._path.read_bytes().splitlines()]
        return [one for one in lines if isinstance(one, Told) and one.number]

    def _write(self) -> None:
        """Begin the file anew; a half-written last line is gone with it."""
        beside = self._path.with_suffix(".new")
        beside.write_bytes(b"".join(line_of(told) for told in self._waiting.values()))
        beside.replace(self._path)
