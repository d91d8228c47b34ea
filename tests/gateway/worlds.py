"""Generated worlds: a company with phones, contacts and messages, all decided by a seed, and the
record of everything that left.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.budget import is_budgeted
from gateway.decide import Later, Never, SendNow, decide
from gateway.fleet import Fleet
from gateway.pacing import next_day, own_gap
from gateway.window import WEEKDAYS, week

START = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = ("Europe/Rome", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo")
DELAY_MS = (20_000, 60_000)
DECISIONS = 2_000  # no message of such a world needs as many


class Left(Struct, frozen=True):
    """One message that left: when, through which phone and to whom, both as they stood before."""

    at: datetime
    message: MessageFacts
    contact_id: int
    contact: ContactFacts
    company: CompanyFacts
    phone: PhoneFacts
    decision: SendNow


class Played(Struct):
    """A world after its end."""

    zone: str
    company: CompanyFacts
    fleet: Fleet
    left: list[Left]
    given_up: list[tuple[MessageFacts, ContactFacts, Never]]
    waits: list[tuple[datetime, Later]]
    undecided: int
    taken: dict[int, int]


def played(seed: int) -> Played:
    """The world of this number, played until every message has an end."""
    chance = random.Random(seed)
    now = START + timedelta(minutes=chance.randrange(366 * 1440))
    home = chance.choice(ZONES)
    company = _company(chance, now, home)
    fleet = Fleet(
        [_phone(chance, n, now, company.day_ends) for n in range(chance.randint(0, 4))], now
    )
    contacts = {n: _contact(chance, now, len(fleet.phones)) for n in range(chance.randint(1, 3))}
    line = [
        (now + timedelta(minutes=chance.randrange(600)), _message(chance, n, now)) for n in range(6)
    ]
    queue = [(at, message, chance.choice(list(contacts))) for at, message in line]
    world = Played(home, company, fleet, [], [], [], 0, {})
    for _ in range(DECISIONS):
        if not queue:
            break
        queue.sort(key=lambda one: (one[0], one[1].id))
        at, message, of = queue.pop(0)
        now = max(now, at)
        fleet.move(now)
        if company.day_ends <= now:
            company = structs.replace(company, sent_today=0, day_ends=next_day(now, home))
        contact = contacts[of]
        decision = decide(message, contact, company, fleet, now)
        match decision:
            case SendNow(phone_id=phone_id):
                phone = fleet.phones[phone_id]
                world.left.append(Left(now, message, of, contact, company, phone, decision))
                gap = (
                    own_gap(DELAY_MS, message.id, live=decision.need.live) if phone.paced else None
                )
                fleet.take(phone_id, decision.need, gap)
                world.taken[phone_id] = world.taken.get(phone_id, 0) + 1
                marketing = contact.marketing
                if is_budgeted(message.category, message.source, message.priority):
                    marketing = (*marketing, now)
                contacts[of] = structs.replace(
                    contact, last_out_at=now, is_known=True, marketing=marketing
                )
                company = structs.replace(company, sent_today=company.sent_today + 1)
            case Later():
                world.waits.append((now, decision))
                # For a phone that is away one looks each minute; a world looks less often.
                hurried = decision.rule == "phones" and decision.at - now <= MINUTE
                queue.append((now + 6 * HOUR if hurried else decision.at, message, of))
            case Never():
                world.given_up.append((message, contact, decision))
    world.undecided = len(queue)
    return world


def worlds(first: int, count: int) -> Iterator[Played]:
    """So many worlds from the number `first` on."""
    return (played(seed) for seed in range(first, first + count))


def _company(chance: random.Random, now: datetime, home: str) -> CompanyFacts:
    hours: dict[str, Any] = {}
    for day in WEEKDAYS:
        if chance.random() < 0.85:
            hours[day] = chance.choice([("09:00", "20:00"), ("00:00", "24:00"), ("22:00", "02:30")])
    closed = [(now + chance.randrange(6) * DAY).date() for _ in range(chance.randint(0, 2))]
    return CompanyFacts(
        hours=week(hours, closed),
        gap_minutes=chance.choice([0, 5, 60, 600]),
        day_ends=next_day(now, home),
        daily_limit=chance.choice([None, None, 1, 2, 5]),
        sent_today=chance.randint(0, 2),
        transactional_any_hour=chance.random() < 0.2,
        marketing_per_day=chance.choice([None, 1, 2]),
        marketing_per_week=chance.choice([None, 2, 6]),
    )


def _phone(chance: random.Random, n: int, now: datetime, day_ends: datetime) -> PhoneFacts:
    def perhaps(value: Any, often: float = 0.2) -> Any:
        return value if chance.random() < often else None

    paced = chance.random() < 0.5
    hour_ends = now.replace(minute=0, second=0, microsecond=0) + HOUR
    return PhoneFacts(
        id=n + 1,
        added_at=now - chance.randrange(200) * DAY,
        day_ends=day_ends,
        account=chance.choice(["A", "B"]),
        status=chance.choice(["connected"] * 6 + ["draining", "banned", "offline"]),
        paused_until=perhaps(now + 90 * MINUTE),
        breaker_until=perhaps(now + 15 * MINUTE),
        daily_limit=chance.choice([None, 1, 3, 20]),
        sent_today=chance.randint(0, 3),
        hourly_limit=chance.choice([None, 1, 2, 60]),
        sent_this_hour=chance.randint(0, 2),
        hour_ends=hour_ends,
        fresh_limit=1 if paced else None,
        people_limit=None if paced else chance.choice([None, 1, 2]),
        people_lately=0 if paced else chance.randint(0, 1),
        people_ends=now + chance.randrange(1440) * MINUTE,
        no_new_until=perhaps(now + DAY),
        campaigns_rest_until=perhaps(now + 7 * DAY),
        failures_in_row=chance.randint(0, 3),
        needs_window=not paced,
        paced=paced,
        carries=frozenset({"text", "media"}) if paced else None,
    )


def _contact(chance: random.Random, now: datetime, phones: int) -> ContactFacts:
    wrote = chance.choice([None, 1, 9, 50, 700, 1439, 1441, 9000])
    inbound = None if wrote is None else now - wrote * MINUTE
    to = {}
    if inbound is not None and phones and chance.random() < 0.7:
        to = {chance.randint(1, phones): inbound}
    return ContactFacts(
        zones=tuple(chance.sample(ZONES, chance.choice([1, 1, 1, 2]))),
        reachable=chance.random() < 0.95,
        consent=chance.choice(["unknown", "yes", "yes", "no"]),
        blocked=chance.random() < 0.05,
        deleted=chance.random() < 0.03,
        last_inbound_at=inbound,
        last_phone_id=next(iter(to), None),
        last_out_at=chance.choice([None, now - 10 * MINUTE, now - 5 * HOUR]),
        is_known=inbound is not None,
        windows=to,
        marketing=tuple(now - chance.randrange(200) * HOUR for _ in range(chance.randint(0, 2))),
        handed_over=chance.random() < 0.1,
    )


def _message(chance: random.Random, n: int, now: datetime) -> MessageFacts:
    is_template = chance.random() < 0.5
    return MessageFacts(
        id=n + 1,
        priority=chance.choice([0, 1, 2, 2]),
        category=chance.choice(["marketing", "marketing", "utility", "service"]),
        source=chance.choice(["automation", "automation", "api", "person", "system"]),
        is_template=is_template,
        kind="template" if is_template else "text",
        # Without this a world in which no phone can ever send would never end.
        expires_at=now + chance.randrange(30, 2 * 1440) * MINUTE,
        template_status=chance.choice(["", *["APPROVED"] * 8, "PAUSED", "PENDING"]),
        over_budget=chance.choice(["defer", "drop"]),
    )
