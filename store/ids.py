"""Ids made in the process, so that rows can name each other before they are written.

Rule: ids of one process only grow, and sort by the time they were made.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
RANDOM_BITS = 22
_lock = threading.Lock()
_last = 0


def new_id(now: datetime) -> int:
    """A 63-bit id: milliseconds since 2024, then a random start that counts up within one of them.

    Should two processes ever meet in the same millisecond and the same few of its four million
    places, the primary key refuses the second, whose transaction is simply redone.
    """
    global _last  # noqa: PLW0603 - the one counter of the process
    with _lock:
        start = first_id_at(now)
        if start > _last:
            start |= secrets.randbits(RANDOM_BITS)
        _last = max(_last + 1, start)
        return _last


def first_id_at(at: datetime) -> int:
    """The smallest id that can have been made at `at`: turns a time into a place in an id index."""
    return max(0, int((at - EPOCH).total_seconds() * 1000)) << RANDOM_BITS
