"""Through which phone: who is eligible, and who is next. Pure.

Rule: a phone that must not send is out with its reason, never merely unlikely. Source of the
score: the panel its users know; lower wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp

from msgspec import Struct

from gateway.quality import failure_rate

SENIOR, JUNIOR_EXTRA, GROWS_UP_DAYS = 0.3, 1.2, 45.0  # 1.5 on day 0, 0.46 on day 90
FAILURE_WEIGHT = 30.0
COOLDOWN_PER_MINUTE = 10.0
COOLDOWN_PER_FAILURE = 20.0
LOOK_AGAIN = timedelta(minutes=1)  # a phone that a person must put right may be back by then
DAY_SECONDS = 86_400


class PhoneFacts(Struct, frozen=True):
    """One phone as it stands: `sent_today` and `failed_today` on its company's local day,
    `day_ends` the end of that day, `needs_window` whether free-form messages need an open one.
    """

    id: int
    added_at: datetime
    day_ends: datetime
    name: str = ""
    status: str = "connected"
    paused_until: datetime | None = None
    breaker_until: datetime | None = None
    gap_until: datetime | None = None
    daily_limit: int | None = None
    sent_today: int = 0
    failed_today: int = 0
    failures_in_row: int = 0
    last_sent_at: datetime | None = None
    needs_window: bool = True


class Chosen(Struct, frozen=True):
    """The phone to use and the words that say why."""

    phone: PhoneFacts
    why: str


class NoPhone(Struct, frozen=True):
    """No phone may send now; `at` is when one may, `why` says what keeps each of them."""

    at: datetime
    why: str


class Held(Struct, frozen=True):
    """Why one phone may not send, and until when."""

    at: datetime
    why: str


def choose(
    phones: Sequence[PhoneFacts], preferred: Sequence[int | None], now: datetime
) -> Chosen | NoPhone:
    """The first eligible phone of `preferred` (the chat's own), else the lowest score.

    Ties go to the phone unused for longest, then to the older one.
    """
    held = {phone.id: held_back(phone, now) for phone in phones}
    able = [phone for phone in phones if held[phone.id] is None]
    if not able:
        return _nobody([(phone, held[phone.id]) for phone in phones], now)
    for wanted in preferred:
        for phone in able:
            if phone.id == wanted:
                return Chosen(phone, f"{_name(phone)} already talks with this contact.")
    best = min(able, key=lambda phone: (score(phone, now), _unused_since(phone), phone.id))
    if len(able) == 1:
        return Chosen(best, f"{_name(best)} is the only phone that can send now.")
    return Chosen(best, f"{_name(best)} has the lowest load ({score(best, now):.1f}).")


def held_back(phone: PhoneFacts, now: datetime) -> Held | None:
    """Why this phone may not send at `now`; None when it may."""
    if phone.status != "connected":
        return Held(now + LOOK_AGAIN, f"{_name(phone)} is {phone.status.replace('_', ' ')}")
    for until, words in (
        (phone.paused_until, "is resting"),
        (phone.breaker_until, "is resting after failures"),
        (phone.gap_until, "keeps its own pace"),
    ):
        if until is not None and until > now:
            return Held(until, f"{_name(phone)} {words}")
    if phone.daily_limit is not None and phone.sent_today >= phone.daily_limit:
        return Held(phone.day_ends, f"{_name(phone)} has sent its {phone.daily_limit} for today")
    return None


def score(phone: PhoneFacts, now: datetime) -> float:
    """Load of a phone, lower is better."""
    minutes_left = 0.0
    if phone.gap_until is not None:
        minutes_left = max(0.0, (phone.gap_until - now).total_seconds() / 60)
    return (
        phone.sent_today * seniority(phone.added_at, now)
        + failure_rate(phone.sent_today, phone.failed_today) * FAILURE_WEIGHT
        + minutes_left * COOLDOWN_PER_MINUTE
        + phone.failures_in_row * COOLDOWN_PER_FAILURE
    )


def seniority(added_at: datetime, now: datetime) -> float:
    """What one message weighs: 1.5 on a phone's first day, falling to 0.3 with its age."""
    days = max(0.0, (now - added_at).total_seconds() / DAY_SECONDS)
    return SENIOR + JUNIOR_EXTRA * exp(-days / GROWS_UP_DAYS)


def _nobody(held: Sequence[tuple[PhoneFacts, Held | None]], now: datetime) -> NoPhone:
    reasons = [one for _, one in held if one is not None]
    if not reasons:
        return NoPhone(now + LOOK_AGAIN, "No phone is connected that could send this.")
    return NoPhone(
        min(one.at for one in reasons),
        "No phone can send now: " + "; ".join(one.why for one in reasons) + ".",
    )


def _unused_since(phone: PhoneFacts) -> float:
    return phone.last_sent_at.timestamp() if phone.last_sent_at else 0.0


def _name(phone: PhoneFacts) -> str:
    return phone.name or f"Phone {phone.id}"
