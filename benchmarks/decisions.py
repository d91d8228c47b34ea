"""The gateway's decisions alone: no database, one thread of one processor.

What is asked is what a busy afternoon asks: templates to people who know a phone and to new ones,
answers in open chats, and some messages that have to wait or must not go at all. Each message that
may go takes its place, so that the phones' order changes as it does in a house.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.core_journey import per_second
from benchmarks.figures import Figure, Size, at_least
from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.decide import SendNow, decide
from gateway.fleet import Fleet
from gateway.pacing import next_day
from gateway.window import week

NOW = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Rome
HOME = "Europe/Rome"
DAY = timedelta(days=1)
HOURS = week(dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("09:00", "20:00")))
BATCH = 100  # decisions at one moment, as a claim makes them
BETWEEN = timedelta(milliseconds=10)  # two of them
DIFFERENT = 2_000  # messages, over and over
MIX = {
    "sticky": 55,  # a template for somebody who talks with one of the phones
    "new": 25,  # a template for somebody nobody wrote to yet
    "answer": 10,  # free text in an open chat
    "too_soon": 4,  # within the gap after our last message
    "asleep": 4,  # outside the hours where they live
    "opted_out": 2,
}
"""Of a hundred messages."""
HELD = 8  # one in so many phones rests after failures

Case = tuple[MessageFacts, ContactFacts]


class Afternoon:
    """One company with its phones and messages; `decisions` goes on where it stopped."""

    def __init__(self, phones: int) -> None:
        chance = random.Random(phones)
        self.now = NOW
        self.company = CompanyFacts(
            HOURS, 60, next_day(NOW, HOME), marketing_per_day=2, marketing_per_week=6
        )
        self.fleet = Fleet((_phone(chance, number) for number in range(1, phones + 1)), NOW)
        kinds = [kind for kind, often in MIX.items() for _ in range(often)]
        self.cases = [_case(chance, chance.choice(kinds), n, phones) for n in range(DIFFERENT)]
        self.next = 0

    def decisions(self) -> Counter[str]:
        """Decide about a batch at the next moment; how many ended how."""
        self.now += BETWEEN
        fleet, company, now = self.fleet, self.company, self.now
        fleet.move(now)
        ends: Counter[str] = Counter()
        for message, contact in self.cases[self.next : self.next + BATCH]:
            decision = decide(message, contact, company, fleet, now)
            if isinstance(decision, SendNow):
                fleet.take(decision.phone_id, decision.need)
                ends[decision.choice.how] += 1
            else:
                ends[decision.rule] += 1
        self.next = (self.next + BATCH) % DIFFERENT
        return ends


def decisions_per_second(phones: int, _size: Size | None = None) -> float:
    """Decisions in a second with so many phones."""
    return per_second(Afternoon(phones).decisions) * BATCH


def _phone(chance: random.Random, number: int) -> PhoneFacts:
    rests = number % HELD == 0
    return PhoneFacts(
        id=number,
        added_at=NOW - chance.randrange(10, 400) * DAY,
        day_ends=next_day(NOW, HOME),
        name=f"Shop {number}",
        account="the shop's",
        breaker_until=NOW + DAY if rests else None,
        failures_in_row=3 if rests else 0,
        sent_today=chance.randrange(200),
        hour_ends=NOW + timedelta(hours=1),
        people_limit=100_000_000,
        people_ends=NOW + DAY,
        sent_lately=chance.randrange(200, 500),
        failed_lately=chance.randrange(20),
        last_sent_at=NOW - timedelta(seconds=chance.randrange(600)),
    )


def _case(chance: random.Random, kind: str, number: int, phones: int) -> Case:
    answer = kind == "answer"
    wrote = NOW - timedelta(minutes=3) if answer else None
    phone = None if kind == "new" else chance.randint(1, phones)
    if answer and phones > 1:  # a chat is held with a phone that is not resting
        phone = phone or 1
        phone -= phone % HELD == 0
    contact = ContactFacts(
        zones=("America/Los_Angeles",) if kind == "asleep" else (HOME,),
        consent="no" if kind == "opted_out" else "yes",
        last_inbound_at=wrote,
        last_phone_id=phone,
        last_out_at=NOW - timedelta(minutes=20) if kind == "too_soon" else None,
        is_known=kind != "new",
        windows={phone: wrote} if answer and phone and wrote else {},
        marketing=(NOW - 3 * DAY,) if chance.random() < 0.3 else (),
    )
    message = MessageFacts(
        id=number + 1,
        priority=0 if answer else chance.choice((1, 2, 2, 2)),
        category="service" if answer else "marketing",
        source="automation",
        is_template=not answer,
        kind="text" if answer else "template",
        template_status="" if answer else "APPROVED",
    )
    return message, contact


FIGURES = (
    Figure(
        "gateway_decisions_10_s",
        "decisions/s",
        "decisions of the gateway's core with 10 phones, one core, no database",
        partial(decisions_per_second, 10),
    ),
    Figure(
        "gateway_decisions_s",
        "decisions/s",
        "the same with 100 phones",
        partial(decisions_per_second, 100),
        at_least(50_000),
    ),
    Figure(
        "gateway_decisions_1000_s",
        "decisions/s",
        "the same with 1,000 phones",
        partial(decisions_per_second, 1_000),
    ),
)
