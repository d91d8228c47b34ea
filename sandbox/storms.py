"""Status storms: statuses that come twice, late, in disorder, never, or about nothing. Pure."""

import msgspec

from sandbox.chance import draw

LARGEST_POST = 500


class Storm(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How statuses are told; the defaults are fair weather.

    `repeat`: each status is told so many times. `delay_s` (of the sandbox's clock) makes all late,
    `spread_s` each copy by a random part of it more, so that they overtake each other.
    `shuffled`: what travels in one POST is in disorder. `before_answer`: a send is answered only
    when the business has taken its first statuses. `batch`: items in one POST at most; `gather_s`:
    real seconds to wait for more before each POST. Shares from 0 to 1 of the messages:
    `undelivered` = the status delivered never comes, although read may; `silent` = no status at
    all; `unknown` = beside each status comes one about a message that never was.
    """

    repeat: int = 1
    delay_s: float = 0
    spread_s: float = 0
    shuffled: bool = False
    before_answer: bool = False
    batch: int = 50
    gather_s: float = 0
    undelivered: float = 0
    silent: float = 0
    unknown: float = 0

    def __post_init__(self) -> None:
        if not (1 <= self.repeat <= 100 and 1 <= self.batch <= LARGEST_POST):  # noqa: PLR2004
            raise ValueError(f"repeat is 1 to 100, batch 1 to {LARGEST_POST}")
        if min(self.delay_s, self.spread_s, self.gather_s) < 0:
            raise ValueError("delays cannot be negative")
        if not all(0 <= one <= 1 for one in (self.undelivered, self.silent, self.unknown)):
            raise ValueError("undelivered, silent and unknown are shares from 0 to 1")

    def lateness(self, seed: int, message_id: str, status: str) -> list[float]:
        """Return for each copy of a status by how many seconds it is late; none: never told."""
        if draw(seed, "silent", message_id) < self.silent:
            return []
        if status == "delivered" and draw(seed, "undelivered", message_id) < self.undelivered:
            return []
        return [
            self.delay_s + self.spread_s * draw(seed, "late", message_id, status, copy)
            for copy in range(self.repeat)
        ]

    def has_stranger(self, seed: int, message_id: str, status: str) -> bool:
        """Say whether a status about a message that never was comes beside this one."""
        return draw(seed, "unknown", message_id, status) < self.unknown
