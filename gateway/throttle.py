"""How fast WhatsApp lets one phone write: by its refusals, and to each person. Pure.

Rule: times are seconds of any steady clock and come in as arguments. A worker's throttle knows
what that worker sent; what others sent shows in WhatsApp's refusals, which always win.
Source: the Cloud API's limits of throughput and of messages to one person (130429, 131056).
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.channel import Accepted, SendError
from gateway.pacing import Bucket

SLOWEST_PER_S = 1.0
ONE_SETBACK_S = 1.0  # what is refused together was sent together: it counts once
GROWS_PER_S = 2.0  # messages a second more, for each second in which all went well
PAIR_BURST = 45.0  # messages to one person at once …
PAIR_PER_S = 1 / 6  # … which are paid back at one in six seconds
PAIRS_KEPT = 10_000  # people; whose burst is paid back need not be remembered
A_HAIR = 1e-9  # sums of small refills may end so far under the whole number they stand for


class Throttle:
    """The permits of one phone. `full_per_s` is what WhatsApp promises it: 80 a second, or 1,000.

    A refusal halves the rate, and time in which all goes well lets it grow again, step by step.
    """

    def __init__(self, full_per_s: float, at: float) -> None:
        self.full_per_s = full_per_s
        self._bucket = Bucket.full(full_per_s, at)
        self._changed_at = at
        self._slowed_at: float | None = None
        self._pairs: dict[int, Bucket] = {}

    @property
    def per_s(self) -> float:
        """The rate that holds now, messages a second."""
        return self._bucket.per_s

    def has_room(self, at: float) -> bool:
        """Whether `permit` would give one."""
        return self._bucket.at_time(at).left >= 1

    def permit(self, at: float) -> bool:
        """Take one permit; False when there is none left just now."""
        bucket = self._bucket.at_time(at)
        allowed = bucket.left >= 1
        self._bucket = bucket.less(1) if allowed else bucket
        return allowed

    def slow_down(self, at: float) -> None:
        """WhatsApp said that this was too fast: half the rate, and nothing saved up."""
        if self._slowed_at is not None and at - self._slowed_at < ONE_SETBACK_S:
            return
        self._slowed_at = self._changed_at = at
        self._bucket = Bucket(max(SLOWEST_PER_S, self.per_s / 2), 0.0, at)

    def went_well(self, at: float) -> None:
        """WhatsApp took a message: the rate grows by the time since it last changed."""
        grown = self.per_s + GROWS_PER_S * min(1.0, max(0.0, at - self._changed_at))
        self._changed_at = max(at, self._changed_at)
        if self.per_s != self.full_per_s:
            bucket = self._bucket.at_time(at)
            self._bucket = Bucket(min(self.full_per_s, grown), bucket.left, bucket.at)

    def wait_for(self, contact_id: int, at: float) -> float:
        """Seconds until this person may get another message; 0 is now."""
        missing = 1 - self._pair(contact_id, at).left
        return missing / PAIR_PER_S if missing > A_HAIR else 0.0

    def wrote_to(self, contact_id: int, at: float) -> None:
        """One more message to this person."""
        self._pairs[contact_id] = self._pair(contact_id, at).less(1)
        if len(self._pairs) > PAIRS_KEPT:
            self._forget_paid_back(at)

    def wrote_too_often(self, contact_id: int, at: float) -> None:
        """WhatsApp said that this person got too much: the burst is used up, whoever used it."""
        spent = self._pair(contact_id, at)
        self._pairs[contact_id] = Bucket(PAIR_PER_S, min(0.0, spent.left), at)

    def _pair(self, contact_id: int, at: float) -> Bucket:
        known = self._pairs.get(contact_id)
        if known is None:
            return Bucket(PAIR_PER_S, PAIR_BURST, at)
        left = known.left + max(0.0, at - known.at) * PAIR_PER_S
        return Bucket(PAIR_PER_S, min(PAIR_BURST, left), max(at, known.at))

    def _forget_paid_back(self, at: float) -> None:
        self._pairs = {
            one: bucket for one in self._pairs if (bucket := self._pair(one, at)).left < PAIR_BURST
        }


class Throttles:
    """The throttles of all phones that one worker sends through. `at` tells a steady clock: the
    wire does not follow a clock that somebody moves.
    """

    def __init__(self, usual_per_s: float, at: Callable[[], float]) -> None:
        self.usual_per_s = usual_per_s
        self._at = at
        self._of: dict[int, Throttle] = {}

    def has_room(self, phone_id: int, full_per_s: float | None) -> bool:
        """Whether the phone may send one more message in this moment; `full_per_s` is what WhatsApp
        promises it, None for the usual.
        """
        promised = full_per_s or self.usual_per_s
        known = self._of.get(phone_id)
        if known is None or known.full_per_s != promised:
            known = self._of[phone_id] = Throttle(promised, self._at())
        return known.has_room(self._at())

    def wait_for(self, phone_id: int, contact_id: int) -> float:
        """Seconds until this person may get another message from this phone; 0 is now."""
        return self._of[phone_id].wait_for(contact_id, self._at())

    def take(self, phone_id: int, contact_id: int) -> None:
        """Use up one permit for a message to this person."""
        at, throttle = self._at(), self._of[phone_id]
        throttle.permit(at)
        throttle.wrote_to(contact_id, at)

    def hear(self, phone_id: int, contact_id: int, outcome: Accepted | SendError) -> None:
        """Learn from what WhatsApp answered."""
        throttle, at = self._of.get(phone_id), self._at()
        if throttle is None:
            return
        if isinstance(outcome, Accepted):
            throttle.went_well(at)
        elif outcome.meaning == "throttle":
            throttle.slow_down(at)
        elif outcome.meaning == "pair":
            throttle.wrote_too_often(contact_id, at)
