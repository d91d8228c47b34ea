"""When what waits will have left: the same decisions as the gateway's, played ahead of time. Pure.

Rule: nothing is guessed but what nobody can know (answers, failures, what else comes in); the
forecast of a campaign is what would happen if the world held its breath.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from heapq import heapify, heappop, heappush

from msgspec import Struct, structs

from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import Need
from gateway.budget import is_budgeted
from gateway.decide import Later, SendNow, decide, need_of
from gateway.fleet import Fleet
from gateway.pacing import is_live, next_day, own_gap
from gateway.window import zone

HORIZON = timedelta(days=60)
ONE_BEFORE_THE_OTHER = timedelta(minutes=5)  # a phone's pace: whoever is first waits, all behind
PHONES = "phones"


class Waiting(Struct, frozen=True):
    """A message in the queue, from `due_at` on, for one of the contacts."""

    contact_id: int
    message: MessageFacts
    due_at: datetime


class Forecast(Struct, frozen=True):
    """What will have become of the messages: how many leave, the last of them when, how many are
    left out for which reason (in words), and how many leave on each local day. `later`: those that
    still wait at the horizon of 60 days. `is_part`: there are so many that only the first were
    played and multiplied; then the last leaves later than `last_at`.
    """

    messages: int
    last_at: datetime | None
    left_out: tuple[tuple[str, int], ...] = ()
    by_day: tuple[tuple[date, int], ...] = ()
    later: int = 0
    is_part: bool = False


def forecast(
    waiting: Iterable[Waiting],
    contacts: dict[int, ContactFacts],
    company: CompanyFacts,
    fleet: Fleet,
    *,
    zone_name: str,
    delay_ms: tuple[int, int],
    per_s: float,
    only: Collection[int] | None = None,
) -> Forecast:
    """Play the queue from the fleet's own moment on; told is what becomes of all, or of `only`
    these (message ids). `contacts` by id and `fleet` are used up.

    `per_s`: messages that a number of the Cloud API sends in a second; `delay_ms`: the least and
    the most between two of a paired phone.
    """
    now, days, left_out = fleet.now, Counter[date](), Counter[str]()
    end = now + HORIZON
    line = [(max(one.due_at, now), one.message.priority, one.message.id, one) for one in waiting]
    heapify(line)
    clock, last_at, beyond = zone(zone_name), None, 0
    while line:
        at, priority, message_id, one = heappop(line)
        now = max(now, at)
        told = only is None or message_id in only
        if now >= end:
            beyond += told
            continue
        fleet.move(now)
        if company.day_ends <= now:
            company = structs.replace(company, sent_today=0, day_ends=next_day(now, zone_name))
        decision = decide(one.message, contacts[one.contact_id], company, fleet, now)
        if isinstance(decision, Later):
            at, soon = decision.at, False
            if decision.rule == PHONES:
                # What only a person can put right stays as it is, as the world holds its breath.
                at = fleet.opens_at(_need(one, contacts, now)) or one.message.expires_at or end
                soon = at - now <= ONE_BEFORE_THE_OTHER
            if soon:  # the clock goes on, and the order of the line stays
                now = at
            heappush(line, (at, priority, message_id, one))
        elif isinstance(decision, SendNow):
            paced = decision.choice.phone.paced
            gap = (
                own_gap(delay_ms, message_id, live=False) if paced else timedelta(seconds=1 / per_s)
            )
            fleet.take(decision.phone_id, decision.need, gap)
            contacts[one.contact_id] = _after(contacts[one.contact_id], one.message, now)
            company = structs.replace(company, sent_today=company.sent_today + 1)
            if told:
                days[now.astimezone(clock).date()] += 1
                last_at = now
        elif told:
            left_out[decision.why[0]] += 1
    return Forecast(
        days.total(), last_at, tuple(left_out.most_common()), tuple(sorted(days.items())), beyond
    )


def _need(one: Waiting, contacts: Mapping[int, ContactFacts], now: datetime) -> Need:
    contact = contacts[one.contact_id]
    live = is_live(one.message.priority, contact.last_inbound_at, now)
    return need_of(one.message, contact, now, live=live)


def _after(contact: ContactFacts, message: MessageFacts, now: datetime) -> ContactFacts:
    """The contact once the message has left."""
    marketing = contact.marketing
    if is_budgeted(message.category, message.source, message.priority):
        marketing = (*marketing, now)
    return structs.replace(contact, last_out_at=now, is_known=True, marketing=marketing)
