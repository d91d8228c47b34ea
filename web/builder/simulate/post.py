"""When a message of a try-out would leave: the gateway's own rules, asked of somebody made up.

Rule: pure. `gateway.decide` decides, as it does live; only the phone is a good one that is idle.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.asked import Sent
from engine.rehearsal import Post
from engine.stand_in import Leaving
from flows.contact import Contact
from flows.content import Template
from gateway.asked import ContactFacts, MessageFacts
from gateway.balance import PhoneFacts
from gateway.decide import Later, Never, decide
from gateway.facts import company_facts
from gateway.fleet import Fleet
from store.numbers import zones_of_number
from web.builder.simulate.world import World

LIVE, TRANSACTIONAL, MARKETING = 0, 1, 2  # priorities, as the engine's books give them
LOOKS = 50  # how often a rule may send us to the next; more is a company that never sends
GROWN = timedelta(days=365)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def post_of(world: World, found: Contact) -> Post:
    """The post of this company for `found`, the contact as the try-out began."""

    def leaves(sent: Sent, contact: Contact, now: datetime) -> Leaving:
        message = _message(world, sent)
        at, why = now, list[str]()
        for _ in range(LOOKS):
            person = _person(world, contact, at, None if found.handed_over else sent.run_id)
            company = company_facts(world.firm, world.rules, 0, at)
            decision = decide(message, person, company, _fleet(world, at), at)
            if isinstance(decision, Never):
                return Leaving(at, decision.state, decision.reason, (*why, *decision.why))
            if not isinstance(decision, Later):
                break
            why += [one for one in decision.why if one not in why]
            at = max(decision.at, at + MINUTE)
        return Leaving(at, why=tuple(why))

    return leaves


def _message(world: World, sent: Sent) -> MessageFacts:
    content, category = sent.send.content, "service"
    priority = LIVE if sent.answer else TRANSACTIONAL
    if isinstance(content, Template):
        known = world.template(content)
        category = known.category.lower() if known is not None else category
        priority = MARKETING if category == "marketing" and priority else priority
    return MessageFacts(
        id=0,
        priority=priority,
        category=category,
        source="automation" if sent.run_id else "system",
        is_template=isinstance(content, Template),
        kind=str(content.__struct_config__.tag),
        expires_at=sent.send.expires_at,
        run_id=sent.run_id or None,
        over_budget="drop" if sent.over_budget == "drop" else "defer",
    )


def _person(world: World, contact: Contact, at: datetime, took_over: int | None) -> ContactFacts:
    """`took_over`: the run that gave the chat to a person, when one did."""
    gap_since = at - timedelta(minutes=world.rules.gap_minutes)
    left = contact.last_outbound_at
    of_number = zones_of_number(contact.phone)
    return ContactFacts(
        zones=of_number if contact.zone in of_number else (contact.zone,),
        consent=contact.consent,
        blocked=contact.blocked,
        last_inbound_at=contact.last_inbound_at,
        last_out_at=left if left is not None and left > gap_since else None,
        last_left_at=left,
        is_known=(contact.last_inbound_at or left) is not None,
        handed_over=contact.handed_over,
        handed_over_run=took_over,
    )


def _fleet(world: World, at: datetime) -> Fleet:
    phone = PhoneFacts(id=1, added_at=at - GROWN, day_ends=at + DAY, needs_window=world.windowed)
    return Fleet([phone], at)
