"""How fast: gaps to one recipient, days that are full, messages per second, tries again. Pure.

Rule: it says when, never whether.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from msgspec import Struct

from gateway.window import zone

LIVE_CHAT = timedelta(minutes=10)  # someone who wrote this recently is waiting for us
LIVE_PRIORITY = 0
MARKETING_PRIORITY = 2
LIVE_ANSWER = timedelta(hours=1)  # an answer that was held up for longer is no part of a chat
SHORTEST_GAP_S = 8.0  # of a paired phone between two messages, whatever is set
LIVE_GAP_S = (8.0, 15.0)  # after an answer in a chat: people type, they do not wait a minute
WARM_UP = ((3, 20), (7, 40), (14, 60), (30, 80), (90, 150))  # up to that day of its life: a day
GROWN_UP = 200
GROWING_DAYS = 30  # as long the warm-up goes before what a person has set
IDLE = timedelta(hours=72)  # a phone that was silent for so long …
RE_WARMS = timedelta(days=3)  # … goes one step down for this time
FRESH_SHARE = 3  # one in three of its messages may go to people who never wrote
FEW_ANSWERS, ENOUGH_WRITTEN = 0.1, 50  # fewer answers than that share, once so many were written
FIRST_DAY, FIRST_WEEK = 250, 1_000  # people a day that a new Cloud API number turns to
DAY_S = 86_400
JITTER = 0.25  # a quarter longer at most, so that what failed together does not return together


def is_live(priority: int, last_inbound_at: datetime | None, now: datetime) -> bool:
    """Whether the message is part of a chat that is going on right now. Marketing never is: an
    offer that comes due while somebody writes to us is no answer to them.
    """
    if priority == MARKETING_PRIORITY:
        return False
    if last_inbound_at is None:
        return priority == LIVE_PRIORITY
    waiting = LIVE_ANSWER if priority == LIVE_PRIORITY else LIVE_CHAT
    return now - last_inbound_at < waiting


def gap_ends(last_out_at: datetime | None, gap_minutes: int) -> datetime | None:
    """When the recipient may be written to again after our last message; None: at any time."""
    return None if last_out_at is None else last_out_at + timedelta(minutes=gap_minutes)


def next_day(now: datetime, zone_name: str) -> datetime:
    """The first moment of the next local day."""
    clock = zone(zone_name)
    tomorrow = now.astimezone(clock).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=clock).astimezone(UTC)


def jittered(seconds: float, salt: int) -> timedelta:
    """`seconds`, lengthened by a part that depends on `salt` (a message id) alone."""
    return timedelta(seconds=seconds * (1 + JITTER * (salt * 2654435761 % 1000) / 1000))


def own_gap(delay_ms: tuple[int, int], salt: int, *, live: bool) -> timedelta:
    """How long a paired phone is silent after a message: by chance that `salt` (its id) decides."""
    least, most = LIVE_GAP_S if live else (delay_ms[0] / 1000, delay_ms[1] / 1000)
    least = max(SHORTEST_GAP_S, least)
    part = (salt * 2654435761 % 10_007) / 10_007
    return timedelta(seconds=least + max(0.0, most - least) * part)


def warm_up(age: timedelta, *, steps_down: int = 0) -> int:
    """Messages a day that a paired phone of this age may send. Source: practice of those who run
    many numbers.
    """
    day = int(age.total_seconds() // DAY_S) + 1
    caps = [cap for _, cap in WARM_UP] + [GROWN_UP]
    step = next((place for place, (until, _) in enumerate(WARM_UP) if day <= until), len(WARM_UP))
    return caps[max(0, step - steps_down)]


def daily_cap(
    age: timedelta, own: int | None, *, woke: timedelta | None, written: int, answered: int
) -> int:
    """How many messages a paired phone sends today.

    `own`: the limit that a person set, which counts once the phone is grown up; `woke`: how long
    ago it began again after a silence; `written` and `answered`: people of the last days.
    """
    down = 1 if woke is not None and woke < RE_WARMS else 0
    warm = warm_up(age, steps_down=down)
    growing = age < timedelta(days=GROWING_DAYS)
    cap = warm if own is None else min(own, warm) if growing or down else own
    if has_few_answers(written, answered):
        cap = cap // 2
    return max(1, cap)


def has_few_answers(written: int, answered: int) -> bool:
    """Whether so few people answer that WhatsApp may take the number for a nuisance."""
    return written >= ENOUGH_WRITTEN and answered < written * FEW_ANSWERS


def fresh_cap(cap: int) -> int:
    """How many of a day's messages may go to people who never wrote."""
    return max(1, cap // FRESH_SHARE)


def people_cap(
    age: timedelta, told: int | None, *, quality: str, looked_at: timedelta | None
) -> int | None:
    """How many people a Cloud API number turns to in 24 hours: what WhatsApp `told` (-1: no
    limit), and less in its first week, until its quality was `looked_at` (its age then).
    """
    limit = None if told is None or told < 0 else told
    if age >= timedelta(days=7):
        return limit
    seen = looked_at is not None and looked_at >= timedelta(days=1) and quality != "RED"
    careful = FIRST_WEEK if seen else FIRST_DAY
    return careful if limit is None else min(limit, careful)


class Bucket(Struct, frozen=True):
    """Permits of a phone: `left` at the time `at` (seconds of any steady clock)."""

    per_s: float
    left: float
    at: float

    @classmethod
    def full(cls, per_s: float, at: float) -> Bucket:
        """A bucket that holds one second's worth."""
        return cls(per_s, max(1.0, per_s), at)

    def at_time(self, at: float) -> Bucket:
        """The bucket refilled until `at`."""
        grown = self.left + max(0.0, at - self.at) * self.per_s
        return Bucket(self.per_s, min(max(1.0, self.per_s), grown), at)

    def less(self, taken: int) -> Bucket:
        """The bucket after `taken` permits are used."""
        return Bucket(self.per_s, self.left - taken, self.at)
