"""What became of automations' messages in one transaction, as numbers under their steps.

Rule: pure until `write`, which comes last in the transaction: the engine counts in the same table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from store import step_days
from store.in_hand import InHand
from store.queue import Queued

GIVEN_UP = {"suppressed": "not_sent", "expired": "not_sent", "failed": "failed"}
"""How states of messages that never left are counted; recalled ones are not: their run was over."""


class Tally:
    """Counts what moves; one for each transaction."""

    def __init__(self) -> None:
        self._more: dict[int, Counter[str]] = {}

    def moved(self, moves: Iterable[tuple[InHand, InHand]]) -> None:
        """Messages before and after."""
        for before, after in moves:
            if after.run_id is None:
                continue
            more = Counter(_words(after))
            more.subtract(_words(before))
            self._add(after.id, more)

    def dropped(self, queued: Queued, state: str) -> None:
        """A message that was given up unsent."""
        word = GIVEN_UP.get(state)
        if word is not None and queued.run_id is not None:
            self._add(queued.id, Counter((word,)))

    async def write(self, tx: AsyncConnection) -> None:
        """Add it to the numbers of the steps."""
        await step_days.count_messages(tx, self._more)

    def _add(self, message_id: int, more: Counter[str]) -> None:
        if any(more.values()):
            self._more.setdefault(message_id, Counter()).update(more)


def _words(message: InHand) -> list[str]:
    """What is true of a message: one that was read was sent and delivered as well."""
    words = [] if message.sent_at is None else ["sent"]
    words += [] if message.delivered_at is None else ["delivered"]
    words += [] if message.read_at is None else ["read"]
    return [*words, message.state] if message.state in ("failed", "unconfirmed") else words
