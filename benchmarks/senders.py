"""Two ways to send the same messages: the gateway's own core, and a program that takes turns.

Rule: a sender learns only what a real one would: the time, who wrote and said STOP, the quality
that WhatsApp tells and which numbers are gone. It knows nothing of the model of the public.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from msgspec import structs

from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.budget import WEEK
from gateway.decide import Later, SendNow, decide
from gateway.fleet import Fleet
from gateway.pacing import next_day, people_cap
from gateway.quality import begins_rest
from gateway.window import week
from store.companies import CompanySettings, usual_week
from store.house import HouseSettings

HOME = "Europe/Rome"
TIER = 10_000  # people a day that WhatsApp lets the account turn to
AGES = (3, 20, 120, 400)  # days since its numbers were connected
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LOOK_AGAIN = timedelta(hours=6)  # for a number that only a person can bring back
COMPANY, HOUSE = CompanySettings(), HouseSettings()


class Letter(NamedTuple):
    """One message to the person of that place; `live`: an answer to what they wrote."""

    id: int
    person: int
    live: bool = False
    expires_at: datetime | None = None


class Sender(Protocol):
    """Somebody with some numbers, counted from 0."""

    def send(self, letter: Letter, now: datetime) -> int | datetime | None:
        """The number to send through now, or when to ask again; None: not at all."""

    def wrote(self, person: int, number: int, now: datetime) -> None:
        """A person wrote to a number."""

    def stopped(self, person: int) -> None:
        """A person wants no more marketing."""

    def told(self, number: int, quality: str, now: datetime) -> None:
        """WhatsApp tells the quality of a number, each hour."""

    def gone(self, number: int) -> None:
        """A number was banned."""


class RoundRobin:
    """Sends at once, through the next number that is left. It heeds STOP, and nothing else."""

    def __init__(self, start: datetime, zones: list[str]) -> None:
        del start, zones
        self.numbers = list(range(len(AGES)))
        self.silent: set[int] = set()
        self.turn = 0

    def send(self, letter: Letter, now: datetime) -> int | datetime | None:
        """As `Sender` says."""
        del now
        if not self.numbers or (letter.person in self.silent and not letter.live):
            return None
        self.turn += 1
        return self.numbers[self.turn % len(self.numbers)]

    def wrote(self, person: int, number: int, now: datetime) -> None:
        """Nothing is made of it."""

    def stopped(self, person: int) -> None:
        """As `Sender` says."""
        self.silent.add(person)

    def told(self, number: int, quality: str, now: datetime) -> None:
        """Nothing is made of it."""

    def gone(self, number: int) -> None:
        """As `Sender` says."""
        self.numbers.remove(number)


class Gateway:
    """The gateway's own decisions, with the settings of a new company."""

    def __init__(self, start: datetime, zones: list[str]) -> None:
        self.company = CompanyFacts(
            hours=week(usual_week()),
            gap_minutes=HOUSE.gap_minutes,
            day_ends=next_day(start, HOME),
            marketing_per_day=COMPANY.marketing_per_day,
            marketing_per_week=COMPANY.marketing_per_week,
        )
        self.added = [start - days * DAY for days in AGES]
        self.quality = ["GREEN"] * len(AGES)
        ends = next_day(start, HOME)
        self.fleet = Fleet(
            (
                PhoneFacts(
                    id=number,
                    added_at=self.added[number],
                    day_ends=ends,
                    account="one for all",
                    people_limit=self._cap(number, start),
                    people_ends=start + DAY,
                )
                for number in range(len(AGES))
            ),
            start,
        )
        self.contacts = [
            ContactFacts((clock,), consent="yes", is_known=False, last_left_at=None)
            for clock in zones
        ]

    def send(self, letter: Letter, now: datetime) -> int | datetime | None:
        """As `Sender` says."""
        self.fleet.move(now)
        if self.company.day_ends <= now:
            self.company = structs.replace(self.company, sent_today=0, day_ends=next_day(now, HOME))
        contact = self.contacts[letter.person]
        message = MessageFacts(
            id=letter.id,
            priority=0 if letter.live else 2,
            category="service" if letter.live else "marketing",
            source="automation",
            is_template=not letter.live,
            expires_at=letter.expires_at,
        )
        decision = decide(message, contact, self.company, self.fleet, now)
        if isinstance(decision, Later):
            # For a number that is away a house looks each minute; a simulation looks less often.
            hurried = decision.rule == "phones" and decision.at - now < HOUR
            return now + LOOK_AGAIN if hurried else decision.at
        if not isinstance(decision, SendNow):
            return None
        self.fleet.take(decision.phone_id, decision.need)
        marketing = tuple(at for at in contact.marketing if at > now - WEEK)
        self.contacts[letter.person] = structs.replace(
            contact,
            last_out_at=now,
            last_left_at=now,
            is_known=True,
            last_phone_id=decision.phone_id,
            marketing=marketing if letter.live else (*marketing, now),
        )
        self.company = structs.replace(self.company, sent_today=self.company.sent_today + 1)
        return decision.phone_id

    def wrote(self, person: int, number: int, now: datetime) -> None:
        """As `Sender` says."""
        self.contacts[person] = structs.replace(
            self.contacts[person],
            last_inbound_at=now,
            last_phone_id=number,
            windows={number: now},
        )

    def stopped(self, person: int) -> None:
        """As `Sender` says."""
        self.contacts[person] = structs.replace(self.contacts[person], consent="no")

    def told(self, number: int, quality: str, now: datetime) -> None:
        """As `gateway.guard` does it: a number whose quality falls to low rests from campaigns."""
        was, self.quality[number] = self.quality[number], quality
        phone = self.fleet.phones[number]
        limit = self._cap(number, now)
        rest = phone.campaigns_rest_until
        if begins_rest(was, quality):
            rest = now + timedelta(days=HOUSE.quality_rest_days)
        if (rest, limit) != (phone.campaigns_rest_until, phone.people_limit):
            self.fleet.move(now)
            phone = self.fleet.phones[number]
            self.fleet.put(structs.replace(phone, campaigns_rest_until=rest, people_limit=limit))

    def gone(self, number: int) -> None:
        """As `Sender` says."""
        self.fleet.put(structs.replace(self.fleet.phones[number], status="banned"))

    def _cap(self, number: int, now: datetime) -> int | None:
        age = now - self.added[number]
        return people_cap(age, TIER, quality=self.quality[number], looked_at=age)
