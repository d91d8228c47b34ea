"""The bytes of files, beside the database: `<folder>/<ab>/<sha256>`.

Rule: a file appears whole or not at all, under the hash of its content, and never changes. What
is known of it, and whose it is, `store.media` says.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from store.file_types import type_of

HASH = re.compile(r"[0-9a-f]{64}")
UNFINISHED = "incoming"  # the folder of what is still coming; a crash may leave something there
LEFT_OVER_S = 24 * 3600.0
SETTLED_S = 600.0  # younger bytes may belong to a row that is just being written


class TooLargeError(Exception):
    """More bytes came than are allowed."""


class Kept(Struct, frozen=True):
    """A file that is on the disk now: its hash, its size, and its type by its bytes."""

    sha256: str
    size: int
    mime_type: str


class NewFile:
    """A file that is coming in, part by part. Leaving the block without `keep` forgets it."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self.most = most
        self.size = 0
        self._hash = hashlib.sha256()
        unfinished = folder / UNFINISHED
        unfinished.mkdir(parents=True, exist_ok=True)
        self._handle, name = tempfile.mkstemp(dir=unfinished)
        self._path = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._path.unlink(missing_ok=True)

    def write(self, part: bytes) -> None:
        """Take a part. Raises TooLargeError when that is more than allowed."""
        self.size += len(part)
        if self.size > self.most:
            raise TooLargeError
        self._hash.update(part)
        os.write(self._handle, part)

    def keep(self, said: str = "") -> Kept:
        """Put the whole file in its place; `said` is what its sender calls its type."""
        os.fsync(self._handle)
        os.close(self._handle)
        self._handle = -1
        name = self._hash.hexdigest()
        mime_type = type_of(self._path, said)
        place = path_of(self.folder, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(place)
        return Kept(name, self.size, mime_type)


def path_of(folder: Path, sha256: str) -> Path:
    """Where a file lies. Raises ValueError for what is no hash."""
    if not HASH.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal")
    return folder / sha256[:2] / sha256


def forget(folder: Path, sha256: str, now: float) -> bool:
    """Delete a file; False while it is so young that somebody may be about to note it down.

    `now`: the disk's own clock, as in `time.time()`.
    """
    path = path_of(folder, sha256)
    try:
        if now - path.stat().st_mtime < SETTLED_S:
            return False
    except FileNotFoundError:
        return True
    path.unlink(missing_ok=True)
    return True


def tidy(folder: Path, now: float) -> int:
    """Delete what never became whole; how many there were."""
    old = [
        path for path in (folder / UNFINISHED).glob("*") if now - path.stat().st_mtime > LEFT_OVER_S
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
