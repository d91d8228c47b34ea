"""What the pages and the API say about a phone: its state, caps and pace, in words. Pure.

Rule: a cap is the one the gateway itself goes by (`gateway.pacing`), never a second opinion.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from gateway.channels import paced_kinds
from gateway.pacing import daily_cap, fresh_cap, has_few_answers, people_cap, warm_up
from store.house import SendingRules
from store.phone_care import Fared, PhoneCard

KINDS = {"cloud_api": "Cloud API", "neonize": "Linked device"}
STATES = {
    "connected": ("Connected", "ok", "It sends and receives."),
    "draining": ("Draining", "warn", "It goes on with its chats and takes no new ones."),
    "paused": ("Paused", "warn", "It sends nothing until it is resumed. What comes in is kept."),
    "offline": ("Offline", "danger", "It is not connected, and is being connected again."),
    "pairing": ("Being paired", "info", "It waits for its code to be scanned."),
    "flagged": ("Stopped", "danger", "It sends nothing until somebody has looked at it."),
    "banned": ("Banned", "danger", "WhatsApp does not let this number send."),
    "logged_out": ("Logged out", "danger", "It has to be paired again."),
}
QUALITIES = {
    "GREEN": ("High", "ok", "People take its messages well."),
    "YELLOW": ("Medium", "warn", "Some people block or report it. Send less, and only to fans."),
    "RED": ("Low", "danger", "Many people block or report it."),
    "UNKNOWN": ("Unknown", "", "WhatsApp has not told about it yet."),
}
HINTS = (
    (3, "20"),
    (7, "40"),
    (14, "60"),
    (30, "60–80"),
    (90, "150"),
)
"""Up to this day of a paired phone's life: messages a day that are taken for safe. Source: practice
of those who run many numbers."""
GROWN_UP_HINT = "150–200"
NEW_CLOUD_NUMBER = timedelta(days=7)

Tone = Literal["ok", "info", "warn", "danger", ""]


class Cap(Struct, frozen=True):
    """Something that is counted against a limit; `limit` None is no limit. `said`: whose it is."""

    what: str
    used: int
    limit: int | None
    said: str = ""

    @property
    def full(self) -> bool:
        """Whether there is no room left."""
        return self.limit is not None and self.used >= self.limit


class PhoneView(Struct, frozen=True):
    """A phone in words. `rests`: what keeps it from sending just now, and until when."""

    card: PhoneCard
    fared: Fared
    kind: str
    state: str
    tone: Tone
    says: str
    quality: str
    quality_tone: Tone
    quality_says: str
    caps: tuple[Cap, ...]
    rests: tuple[tuple[str, datetime], ...]
    campaigns_rest: bool
    hint: str

    @property
    def words(self) -> str:
        """Its state in sentences, with why it is so."""
        why = self.card.status_why
        if not why:
            return self.says
        return f"{self.says} {why[0].upper()}{why[1:]}{'' if why[-1] in '.!?' else '.'}"

    @property
    def today(self) -> Cap:
        """The cap of its day, which lists show."""
        return self.caps[0]

    @property
    def free_at(self) -> datetime | None:
        """When it may send next; None is now."""
        return max((until for _, until in self.rests), default=None)


def view(
    card: PhoneCard, fared: Fared, rules: SendingRules, now: datetime, *, people: int = 0
) -> PhoneView:
    """What there is to say about a phone at `now`. `people`: whom all numbers of its business
    account wrote to first in 24 hours, for WhatsApp counts them together.
    """
    state, tone, says = STATES[card.status]
    quality, quality_tone, quality_says = QUALITIES.get(card.quality, QUALITIES["UNKNOWN"])
    rest_until = card.campaigns_rest_until
    return PhoneView(
        card=card,
        fared=fared,
        kind=KINDS.get(card.kind, card.kind),
        state=state,
        tone=tone,  # type: ignore[arg-type]
        says=says,
        quality=quality,
        quality_tone=quality_tone,  # type: ignore[arg-type]
        quality_says=quality_says,
        caps=tuple(_caps(card, fared, rules, now, people)),
        rests=tuple(_rests(card, now)),
        campaigns_rest=rest_until is not None and rest_until > now,
        hint=hint(card, now),
    )


def hint(card: PhoneCard, now: datetime) -> str:
    """What daily limit suits the phone's age, in a sentence."""
    if card.kind not in paced_kinds():
        if now - card.added_at < NEW_CLOUD_NUMBER:
            return (
                "New numbers begin with 250 people a day, and 1,000 once their quality was seen "
                "after a day; Tiptoe sees to that."
            )
        return "A Cloud API number needs no limit of its own; WhatsApp’s own is kept in any case."
    days = max(0, (now - born(card)).days) + 1
    safe = next((said for until, said in HINTS if days <= until), GROWN_UP_HINT)
    return (
        f"Day {days:,} of this phone: {safe} a day are taken for safe. Without a limit here, "
        "Tiptoe raises it with the phone’s age: 20 at first, 60–80 after two weeks, 150–200 after "
        "a month."
    )


def born(card: PhoneCard) -> datetime:
    """Since when WhatsApp knows it as what it is now."""
    return card.paired_at or card.added_at


def _caps(
    card: PhoneCard, fared: Fared, rules: SendingRules, now: datetime, people: int
) -> list[Cap]:
    age = now - born(card)
    if card.kind not in paced_kinds():
        looked = None if card.quality_at is None else card.quality_at - born(card)
        told = card.messaging_limit
        most = people_cap(age, told, quality=card.quality, looked_at=looked)
        whose = "WhatsApp’s limit" if most == told else "careful with a new number"
        caps = [
            Cap("Messages today", fared.sent, card.daily_limit, "its own limit"),
            Cap("People its account wrote to first, 24 hours", people, most, whose),
        ]
        if card.hourly_limit is not None:
            caps.append(Cap("Messages this hour", fared.this_hour, card.hourly_limit))
        return caps
    own = card.daily_limit or rules.phone_daily_limit
    woke = None if card.woke_at is None else now - card.woke_at
    cap = daily_cap(age, own, woke=woke, written=fared.sent_7d, answered=fared.answered_7d)
    if cap == own:
        whose = "its own limit" if card.daily_limit else "the house’s limit"
    elif has_few_answers(fared.sent_7d, fared.answered_7d):
        whose = "half, because few people answer"
    else:
        whose = "by its age" if cap == warm_up(age) else "less after its silence"
    hourly = card.hourly_limit or rules.hourly_limit
    return [
        Cap("Messages today", fared.sent, cap, whose),
        Cap("Messages this hour", fared.this_hour, hourly),
        Cap("New people today", fared.fresh, fresh_cap(cap), "a third of the day’s messages"),
    ]


def _rests(card: PhoneCard, now: datetime) -> list[tuple[str, datetime]]:
    """What keeps it from sending just now, the longest first."""
    found = [
        ("It rests", card.paused_until),
        (f"It rests after {card.failures_in_row} failures in a row", card.breaker_until),
        ("It keeps its own pace", card.gap_until),
    ]
    open_still = [(words, until) for words, until in found if until is not None and until > now]
    return sorted(open_still, key=lambda one: one[1], reverse=True)
