"""How often somebody may try: a sliding count per key, in this process.

Rule: a limit slows people down, it is never what keeps them out; losing it with a restart is fine.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime, timedelta

KEYS_KEPT = 10_000  # the longest unused go first, so that made-up keys cannot fill the memory


class Limit:
    """At most `tries` per `within` for each key."""

    def __init__(self, tries: int, within: timedelta) -> None:
        self.tries = tries
        self.within = within
        self._seen: OrderedDict[Hashable, deque[datetime]] = OrderedDict()

    def wait_s(self, key: Hashable, now: datetime) -> int:
        """Seconds until `key` may try again; 0 when it may now. Does not count as a try."""
        seen = self._recent(key, now)
        if len(seen) < self.tries:
            return 0
        return max(1, int((seen[0] + self.within - now).total_seconds()) + 1)

    def count(self, key: Hashable, now: datetime) -> None:
        """Remember a try of `key`."""
        seen = self._seen.setdefault(key, deque(maxlen=self.tries))
        seen.append(now)
        self._seen.move_to_end(key)
        while len(self._seen) > KEYS_KEPT:
            self._seen.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Start over for `key`."""
        self._seen.pop(key, None)

    def _recent(self, key: Hashable, now: datetime) -> deque[datetime]:
        seen = self._seen.get(key, deque())
        while seen and not now - self.within < seen[0] <= now:
            seen.popleft()
        return seen
