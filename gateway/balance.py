"""Through which phone: who may send what, and who is next. Pure.

Rule: a phone that must not send is out with its reason, never merely unlikely. Source of the
score: the panel its users know; lower wins.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import exp

from msgspec import Struct

from gateway.quality import SILENT_FOR, SILENT_SENDS, failure_rate

SENIOR, JUNIOR_EXTRA, GROWS_UP_DAYS = 0.3, 1.2, 45.0  # 1.5 on day 0, 0.46 on day 90
FAILURE_WEIGHT = 30.0
COOLDOWN_PER_MINUTE = 10.0
COOLDOWN_PER_FAILURE = 20.0
LOOK_AGAIN = timedelta(minutes=1)  # a phone that a person must put right may be back by then
PROBE = timedelta(hours=2)  # a silent phone tries one message after this time
DAY_SECONDS = 86_400
SENDING = frozenset({"connected", "draining"})


class PhoneFacts(Struct, frozen=True):
    """One phone as it stands, at one moment.

    `sent_today`, `fresh_today` (people who never wrote to us) count on its company's local day,
    which closes at `day_ends`; `sent_this_hour` until `hour_ends`; limits of None are none.
    `sent_lately` and `failed_lately` are of today and yesterday. `people_lately`: people written
    to unasked in the last 24 hours, over all numbers of its `account`; room for more comes at
    `people_ends`. `no_new_until`: until then only people who know the number. `needs_window`:
    free-form messages need an open one. `paced`: a person's own phone, see `gateway.pacing`.
    `carries`: the kinds of content it can send, None for all. `unreceipted`: sends since WhatsApp
    last reported on one, at `last_receipt_at`.
    """

    id: int
    added_at: datetime
    day_ends: datetime
    name: str = ""
    account: str = ""
    status: str = "connected"
    paused_until: datetime | None = None
    breaker_until: datetime | None = None
    gap_until: datetime | None = None
    daily_limit: int | None = None
    sent_today: int = 0
    hourly_limit: int | None = None
    sent_this_hour: int = 0
    hour_ends: datetime | None = None
    fresh_limit: int | None = None
    fresh_today: int = 0
    people_limit: int | None = None
    people_lately: int = 0
    people_ends: datetime | None = None
    no_new_until: datetime | None = None
    campaigns_rest_until: datetime | None = None
    sent_lately: int = 0
    failed_lately: int = 0
    failures_in_row: int = 0
    last_sent_at: datetime | None = None
    unreceipted: int = 0
    last_receipt_at: datetime | None = None
    needs_window: bool = True
    paced: bool = False
    carries: frozenset[str] | None = None

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name or f"Phone {self.id}"


class Need(Struct, frozen=True):
    """What one message asks of a phone.

    `kind`: of its content. `campaign`: marketing that nobody asked for. `opens`: the contact did
    not write lately, so that WhatsApp counts them as somebody we turn to. `fresh`: they have never
    had anything to do with us. `live`: an answer somebody waits for. `windows`: the phones whose
    window is open for free-form messages, None where none is needed. `accounts`: those that have
    its template, empty where that does not matter. `mine`: the phones that know this contact, best
    first.
    """

    kind: str = "text"
    campaign: bool = False
    opens: bool = False
    fresh: bool = False
    live: bool = False
    windows: frozenset[int] | None = None
    accounts: frozenset[str] = frozenset()
    mine: tuple[int, ...] = ()


class Held(Struct, frozen=True):
    """Why a phone may not send (this), and until when; or, where it does not end by itself, when to
    look again whether somebody has put it right.
    """

    at: datetime
    why: str
    ends: bool = True


class Score(Struct, frozen=True):
    """The load of a phone and what it is made of; lower is better."""

    seniority: float
    today: int
    load: float
    failure_rate: float
    failures: float
    cooldown: float

    @property
    def total(self) -> float:
        """The sum that is compared."""
        return self.load + self.failures + self.cooldown


def out(phone: PhoneFacts, now: datetime) -> Held | None:
    """Why this phone may send nothing at all; None when it may."""
    if phone.status not in SENDING:
        return _for_good(now, f"is {phone.status.replace('_', ' ')}")
    until = phone.paused_until
    if until is not None and until > now:
        return Held(until, "is resting")
    until = phone.breaker_until
    if until is not None and until > now:
        return Held(until, "is resting after failures")
    until = phone.gap_until
    if until is not None and until > now:
        return Held(until, "keeps its own pace")
    if phone.paced and phone.unreceipted >= SILENT_SENDS:
        return _silent(phone, now)
    return None


def full(phone: PhoneFacts, now: datetime) -> Held | None:
    """Why this phone begins nothing more for now; live answers still go. None: it has room."""
    if phone.daily_limit is not None and phone.sent_today >= phone.daily_limit:
        return Held(phone.day_ends, f"has sent its {phone.daily_limit} for today")
    if phone.hourly_limit is not None and phone.sent_this_hour >= phone.hourly_limit:
        ends = phone.hour_ends or now + LOOK_AGAIN
        return Held(ends, f"has sent its {phone.hourly_limit} for this hour")
    return None


def unsuited(phone: PhoneFacts, need: Need, now: datetime, people: int) -> Held | None:
    """Why a phone that may send cannot take this message; None when it can. `people`: how many
    its account has turned to by now.
    """
    if phone.status == "draining" and phone.id not in need.mine:
        return _for_good(now, "is being emptied and takes no new chats")
    if phone.carries is not None and need.kind not in phone.carries:
        return _for_good(now, f"cannot send a message of the kind {need.kind}")
    if need.accounts and phone.account and phone.account not in need.accounts:
        return _for_good(now, "belongs to an account without this template")
    if need.windows is not None and phone.needs_window and phone.id not in need.windows:
        return _for_good(now, "was not written to in the last 24 hours")
    if need.campaign and phone.campaigns_rest_until and phone.campaigns_rest_until > now:
        return Held(phone.campaigns_rest_until, "sends no campaigns for now, to keep the number")
    if need.fresh if phone.paced else need.opens:
        return _no_new_people(phone, now, people)
    if phone.paced and phone.id not in need.mine:
        return _no_new_chats(phone, now)
    return None


def knows_template(phone: PhoneFacts, need: Need) -> bool:
    """Whether a phone can send the template that is needed, whenever it may send at all."""
    carries = phone.carries is None or need.kind in phone.carries
    return carries and (not need.accounts or not phone.account or phone.account in need.accounts)


def score_of(phone: PhoneFacts, now: datetime, weight: float | None = None) -> Score:
    """The load of a phone at `now`; `weight` is its seniority, if that is known already."""
    minutes_left = 0.0
    if phone.gap_until is not None:
        minutes_left = max(0.0, (phone.gap_until - now).total_seconds() / 60)
    weight = seniority(phone.added_at, now) if weight is None else weight
    rate = failure_rate(phone.sent_lately, phone.failed_lately)
    return Score(
        weight,
        phone.sent_today,
        phone.sent_today * weight,
        rate,
        rate * FAILURE_WEIGHT,
        minutes_left * COOLDOWN_PER_MINUTE + phone.failures_in_row * COOLDOWN_PER_FAILURE,
    )


def seniority(added_at: datetime, now: datetime) -> float:
    """What one message weighs: 1.5 on a phone's first day, falling to 0.3 with its age."""
    days = max(0.0, (now - added_at).total_seconds() / DAY_SECONDS)
    return SENIOR + JUNIOR_EXTRA * exp(-days / GROWS_UP_DAYS)


def _for_good(now: datetime, why: str) -> Held:
    return Held(now + LOOK_AGAIN, why, ends=False)


def _silent(phone: PhoneFacts, now: datetime) -> Held | None:
    """“Connected”, but nothing it sends is ever reported on: then it is not connected. Not so with
    the Cloud API, whose answer says that a message was taken; there it is our webhook that fails.
    """
    heard = phone.last_receipt_at or phone.added_at
    if now - heard < SILENT_FOR or phone.last_sent_at is None:
        return None
    again = phone.last_sent_at + PROBE
    return Held(again, "gets no receipts from WhatsApp") if again > now else None


def _no_new_chats(phone: PhoneFacts, now: datetime) -> Held | None:
    until = phone.no_new_until
    if until is not None and until > now:
        return Held(until, "may not write to new people for now")
    return None


def _no_new_people(phone: PhoneFacts, now: datetime, people: int) -> Held | None:
    held = _no_new_chats(phone, now)
    if held is not None:
        return held
    if phone.paced:
        if phone.fresh_limit is not None and phone.fresh_today >= phone.fresh_limit:
            words = f"has written to its {phone.fresh_limit} new people for today"
            return Held(phone.day_ends, words)
    elif phone.people_limit is not None and people >= phone.people_limit:
        words = f"has turned to its {phone.people_limit} people of 24 hours"
        return Held(phone.people_ends or now + LOOK_AGAIN, words)
    return None
