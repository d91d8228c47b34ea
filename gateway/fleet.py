"""A company's phones in the order in which they would be taken. Pure, but it counts.

Rule: choosing looks at as few phones as it can, so the order is kept, not made anew each time;
`take` moves a phone to its new place. Times only go forward, by `move`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice
from typing import Any, Literal

from msgspec import Struct, structs

from gateway.balance import (
    LOOK_AGAIN,
    Held,
    Need,
    PhoneFacts,
    Score,
    full,
    out,
    score_of,
    seniority,
    unsuited,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
COMPARED = 3  # phones that are named beside the chosen one
NEVER_USED = 0.0

Place = tuple[float, float, int]
"""Score, when it was last used, id: the order, ties included."""


class Chosen(Struct, frozen=True):
    """The phone to use, how it came to it, its score, and others by their place or what holds
    them; `held` is how many are held in all.
    """

    phone: PhoneFacts
    how: Literal["sticky", "lowest", "only"]
    score: Score
    others: tuple[tuple[str, Place], ...] = ()
    holds: tuple[tuple[int, str, Held], ...] = ()
    held: int = 0

    @property
    def why(self) -> str:
        """How it came to it, in words."""
        name = self.phone.called
        match self.how:
            case "sticky":
                return f"{name} already talks with this contact."
            case "only":
                return f"{name} is the only phone that can send now."
            case "lowest":
                return f"{name} has the lowest load ({self.score.total:.1f})."

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, to be kept."""
        others: list[dict[str, Any]] = [
            {"id": phone_id, "name": name, "score": round(total, 2)}
            for name, (total, _, phone_id) in self.others
        ]
        others += [
            {"id": phone_id, "name": name, "held": held.why, "until": held.at.isoformat()}
            for phone_id, name, held in self.holds
        ]
        about = {"id": self.phone.id, "name": self.phone.called, "how": self.how}
        return {"phone": about | shown(self.score), "others": others, "held": self.held}


class NoPhone(Struct, frozen=True):
    """No phone may send this now; `at` is when one may, `why` says what keeps each of them."""

    at: datetime
    why: str


class Fleet:
    """All phones of a company, as they stand at `now`."""

    def __init__(self, phones: Iterable[PhoneFacts], now: datetime) -> None:
        self.now = now
        self.phones: dict[int, PhoneFacts] = {}
        self.busy: set[int] = set()  # no permits in this moment: others first, chats wait for it
        self.people: dict[str | int, int] = {}  # turned to in the last 24 hours, by account
        self._open: list[Place] = []  # those that may begin something
        self._full: list[Place] = []  # those that have sent enough, for live answers only
        self._places: dict[int, tuple[list[Place], Place]] = {}
        self._scores: dict[int, Score] = {}
        self._weights: dict[int, float] = {}  # by age, which does not change within an hour
        self._held: dict[int, Held] = {}
        self._wakes: list[tuple[datetime, int]] = []
        for phone in phones:
            self.put(phone)
        self._turns_at = self._next_turn()

    def choose(self, need: Need) -> Chosen | NoPhone:
        """The first of the phones that know the contact and can, else the lowest score.

        Ties go to the phone unused for longest, then to the older one.
        """
        for phone_id in need.mine:
            phone = self.phones.get(phone_id)
            if phone is not None and self._can(phone, need):
                return self._chosen(phone, "sticky")
        phone = self._lowest(need)
        if phone is None:
            return self._nobody(need)
        return self._chosen(phone, "only" if len(self._places) == 1 else "lowest")

    def take(self, phone_id: int, need: Need, gap: timedelta | None = None) -> None:
        """Take a place of this phone: it sends now, and nothing more before `gap` is over."""
        phone = self.phones[phone_id]
        changes: dict[str, Any] = {
            "sent_today": phone.sent_today + 1,
            "sent_this_hour": phone.sent_this_hour + 1,
            "sent_lately": phone.sent_lately + 1,
            "last_sent_at": self.now,
        }
        if need.fresh:
            changes["fresh_today"] = phone.fresh_today + 1
        if gap is not None:
            changes["gap_until"] = self.now + gap
        self.put(structs.replace(phone, **changes))
        if need.opens and not phone.paced:
            self.people[pool_of(phone)] += 1

    def put(self, phone: PhoneFacts) -> None:
        """Add a phone, or change what is known of it."""
        self.remove(phone.id)
        self.phones[phone.id] = phone
        self.people.setdefault(pool_of(phone), phone.people_lately)
        away, held = out(phone, self.now), full(phone, self.now)
        if away is None:
            line = self._open if held is None else self._full
            used = phone.last_sent_at.timestamp() if phone.last_sent_at else NEVER_USED
            score = self._scores[phone.id] = score_of(phone, self.now, self._weight(phone))
            place = (score.total, used, phone.id)
            insort(line, place)
            self._places[phone.id] = line, place
        for one in (away, held):
            if one is not None:
                heappush(self._wakes, (one.at, phone.id))
                known = self._held.get(phone.id)
                if known is None or known.at < one.at:
                    self._held[phone.id] = one

    def remove(self, phone_id: int) -> None:
        """Forget a phone."""
        self._held.pop(phone_id, None)
        self.phones.pop(phone_id, None)
        known = self._places.pop(phone_id, None)
        if known is not None:
            line, place = known
            del line[bisect_left(line, place)]

    def move(self, now: datetime) -> None:
        """Let time pass until `now`: pauses end, hours and days begin anew."""
        self.now = max(now, self.now)
        if self._turns_at is not None and self._turns_at <= self.now:
            self._weights.clear()
            for phone in list(self.phones.values()):
                if phone.people_ends is not None and phone.people_ends <= self.now:
                    self.people[pool_of(phone)] = 0
                self.put(renewed(phone, self.now))
            self._turns_at = self._next_turn()
        while self._wakes and self._wakes[0][0] <= self.now:
            _, phone_id = heappop(self._wakes)
            if phone_id in self._held:
                self.put(self.phones[phone_id])

    @property
    def has_permits(self) -> bool:
        """Whether any phone that can send something may do so in this moment."""
        return not self._places.keys() <= self.busy

    def shut_until(self, *, live: bool) -> datetime | None:
        """When the first phone may be back, if none can send anything; None while one can."""
        if self._open or (live and self._full):
            return None
        return max(self._wakes[0][0], self.now) if self._wakes else self.now + LOOK_AGAIN

    def why_not(self, phone: PhoneFacts, need: Need) -> Held | None:
        """Why a phone cannot take this now; None when it can."""
        held = self._held.get(phone.id)
        if held is not None and not (need.live and phone.id in self._places):
            return held
        return unsuited(phone, need, self.now, self.people[pool_of(phone)])

    def opens_at(self, need: Need) -> datetime | None:
        """When a phone may take this if nobody does anything; None: never."""
        found = [self.why_not(phone, need) for phone in self.phones.values()]
        return min((held.at for held in found if held is not None and held.ends), default=None)

    def _chosen(self, phone: PhoneFacts, how: Literal["sticky", "lowest", "only"]) -> Chosen:
        beside = [place for place in self._open[: COMPARED + 1] if place[2] != phone.id][:COMPARED]
        others = tuple((self.phones[place[2]].called, place) for place in beside)
        holds: tuple[tuple[int, str, Held], ...] = ()
        if self._held and len(others) < COMPARED:
            holds = tuple(
                (phone_id, self.phones[phone_id].called, held)
                for phone_id, held in islice(self._held.items(), COMPARED - len(others))
                if phone_id != phone.id
            )
        return Chosen(phone, how, self._scores[phone.id], others, holds, len(self._held))

    def _can(self, phone: PhoneFacts, need: Need) -> bool:
        known = self._places.get(phone.id)
        if known is None or (known[0] is self._full and not need.live):
            return False
        return unsuited(phone, need, self.now, self.people[pool_of(phone)]) is None

    def _lowest(self, need: Need) -> PhoneFacts | None:
        waiting: PhoneFacts | None = None
        for line in (self._open, self._full) if need.live else (self._open,):
            for _, _, phone_id in line:
                phone = self.phones[phone_id]
                if unsuited(phone, need, self.now, self.people[pool_of(phone)]) is None:
                    if phone_id not in self.busy:
                        return phone
                    waiting = waiting or phone
        return waiting

    def _nobody(self, need: Need) -> NoPhone:
        reasons = []
        for phone in self.phones.values():
            held = self.why_not(phone, need)
            if held is not None:
                reasons.append((held.at, f"{phone.called} {held.why}"))
        if not reasons:
            return NoPhone(self.now + LOOK_AGAIN, "No phone is connected that could send this.")
        words = "; ".join(why for _, why in reasons[:COMPARED])
        more = len(reasons) - COMPARED
        words = f"{words}; and {more} more" if more > 0 else words
        return NoPhone(min(at for at, _ in reasons), f"No phone can send now: {words}.")

    def _weight(self, phone: PhoneFacts) -> float:
        known = self._weights.get(phone.id)
        if known is None:
            known = self._weights[phone.id] = seniority(phone.added_at, self.now)
        return known

    def _next_turn(self) -> datetime | None:
        """When the first of the hours and days that are counted ends."""
        ends = [
            at
            for phone in self.phones.values()
            for at in (phone.day_ends, phone.hour_ends, phone.people_ends)
            if at is not None
        ]
        return min(ends, default=None)


def pool_of(phone: PhoneFacts) -> str | int:
    """What counts its people together: its account, or the phone alone where none is known."""
    return phone.account or phone.id


def renewed(phone: PhoneFacts, now: datetime) -> PhoneFacts:
    """The phone with the counts that end when an hour or a day is over."""
    changes: dict[str, Any] = {}
    if phone.day_ends <= now:
        days = (now - phone.day_ends) // DAY + 1
        changes = {"day_ends": phone.day_ends + days * DAY, "sent_today": 0, "fresh_today": 0}
        changes |= {"sent_lately": phone.sent_today, "failed_lately": 0}
    if phone.hour_ends is not None and phone.hour_ends <= now:
        hours = (now - phone.hour_ends) // HOUR + 1
        changes |= {"hour_ends": phone.hour_ends + hours * HOUR, "sent_this_hour": 0}
    if phone.people_ends is not None and phone.people_ends <= now:
        changes |= {"people_ends": now + DAY, "people_lately": 0}
    return structs.replace(phone, **changes) if changes else phone


def shown(score: Score) -> dict[str, Any]:
    """A score as numbers that people can read."""
    return {
        "score": round(score.total, 2),
        "seniority": round(score.seniority, 3),
        "today": score.today,
        "load": round(score.load, 2),
        "failure_rate": round(score.failure_rate, 4),
        "failures": round(score.failures, 2),
        "cooldown": round(score.cooldown, 2),
    }
