"""Loads what `gateway.decide` asks about, for a whole batch at once.

Rule: a fixed number of statements, however many messages; and every day's count that may be
taken from is held until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.calendar import days_off
from flows.content import Content, Template
from gateway.asked import CompanyFacts, ContactFacts, MessageFacts, OverBudget, Source
from gateway.budget import SPENDS, WEEK, is_budgeted
from gateway.channel import Channel
from gateway.decide import SERVICE_WINDOW, TEMPLATES_ON_THEIR_WAY
from gateway.fleet import Fleet
from gateway.pacing import LIVE_PRIORITY, next_day
from gateway.phone_facts import phones_as_they_stand
from gateway.verdicts import template_of
from gateway.window import LOOK_AHEAD_DAYS, Week, week, zone
from store import budget, companies, house, phone_use, recipients, templates
from store.addresses import Address
from store.companies import Company
from store.house import SendingRules
from store.numbers import zones_for
from store.phone_use import SendingPhone
from store.queue import Queued

APPROVED = "APPROVED"


class Load(Struct):
    """Everything known about one batch; `fleets` and `companies` change as places are taken."""

    contacts: dict[int, ContactFacts]
    addresses: dict[int, Address | None]
    companies: dict[int, CompanyFacts]
    rules: dict[int, SendingRules]
    days: dict[int, date]
    zones: dict[int, str]
    fleets: dict[int, Fleet]
    access: dict[int, SendingPhone]
    templates: dict[tuple[int, str, str], dict[str, str]]

    def message(self, queued: Queued, content: Content) -> MessageFacts:
        """What is asked about one message."""
        name = template_of(queued)
        status, approved_in = _status(
            self.templates.get((queued.company_id, *name), {}) if name else {}
        )
        return MessageFacts(
            id=queued.id,
            priority=queued.priority,
            category=queued.category,
            source=msgspec.convert(queued.source, Source),
            is_template=isinstance(content, Template),
            kind=str(content.__struct_config__.tag),
            expires_at=queued.expires_at,
            template_status=status,
            template_in=approved_in,
            wants_phone=queued.phone_id,
            run_id=queued.run_id,
            over_budget=msgspec.convert(queued.over_budget or "defer", OverBudget),
        )

    def take(self, queued: Queued, now: datetime) -> None:
        """Count one message more for the rest of this batch; the fleet counts for itself."""
        contact = self.contacts[queued.contact_id]
        if is_budgeted(queued.category, queued.source, queued.priority):
            contact = structs.replace(contact, marketing=(*contact.marketing, now))
        self.contacts[queued.contact_id] = structs.replace(contact, last_out_at=now, is_known=True)
        company = self.companies[queued.company_id]
        self.companies[queued.company_id] = structs.replace(
            company, sent_today=company.sent_today + 1
        )


async def load(
    tx: AsyncConnection,
    batch: Sequence[Queued],
    kinds: Mapping[str, Channel],
    now: datetime,
    *,
    hold: bool = True,
) -> Load:
    """The facts about `batch`; `kinds` are the channels this worker can send through. `hold`: the
    counts that may be taken from, until the transaction ends.
    """
    known = await companies.find_many(tx, {one.company_id for one in batch})
    house_says = await house.settings(tx)
    rules = {one.id: house.rules_for(one.settings, house_says) for one in known.values()}
    days = {one.id: now.astimezone(zone(one.zone)).date() for one in known.values()}
    access, fleets = await phones_as_they_stand(tx, known, rules, days, kinds, now, hold=hold)
    totals = await phone_use.company_days_of(tx, set(days.items()), hold=hold)
    load = Load(
        {}, {}, {}, rules, days, {one.id: one.zone for one in known.values()}, fleets, access, {}
    )
    for company in known.values():
        load.companies[company.id] = company_facts(
            company, rules[company.id], totals.get((company.id, days[company.id]), 0), now
        )
    used = {(one.company_id, *name) for one in batch if (name := template_of(one))}
    load.templates |= await templates.status_by_account(tx, used)
    gaps = max((one.gap_minutes for one in rules.values()), default=0)
    await _load_contacts(tx, load, batch, known, now - timedelta(minutes=gaps), now)
    return load


def _status(by_account: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """A template's status, the best of those it has, and the accounts that approved it; none where
    one of them is everybody's.
    """
    approved = frozenset(of for of, status in by_account.items() if status == APPROVED)
    if approved:
        return APPROVED, frozenset() if "" in approved else approved
    hopeful = (status for status in by_account.values() if status in TEMPLATES_ON_THEIR_WAY)
    return next(hopeful, next(iter(by_account.values()), "")), frozenset()


def company_facts(
    company: Company, rules: SendingRules, sent_today: int, now: datetime
) -> CompanyFacts:
    """What is asked about a company."""
    settings = company.settings
    return CompanyFacts(
        hours=_hours(company, rules, now.astimezone(zone(company.zone)).date()),
        gap_minutes=rules.gap_minutes,
        day_ends=next_day(now, company.zone),
        daily_limit=rules.daily_limit,
        sent_today=sent_today,
        transactional_any_hour=settings.transactional_any_hour,
        marketing_per_day=settings.marketing_per_day,
        marketing_per_week=settings.marketing_per_week,
    )


def _hours(company: Company, rules: SendingRules, today: date) -> Week:
    settings = company.settings
    if not settings.quiet_on_holidays:
        return week(rules.sending_hours)
    place = company.country if settings.public_holidays else ""
    closed = days_off(place, settings.holidays, today, LOOK_AHEAD_DAYS)
    return week(rules.sending_hours, closed)


def _newest(found: datetime | None, left: datetime | None, since: datetime) -> datetime | None:
    """Our last message to somebody after `since`. What waited for weeks is `found` no more among
    the messages of the last days, but that it `left` is known.
    """
    return max((at for at in (found, left) if at is not None and at > since), default=None)


async def _load_contacts(
    tx: AsyncConnection,
    load: Load,
    batch: Sequence[Queued],
    known: Mapping[int, Company],
    gap_since: datetime,
    now: datetime,
) -> None:
    contact_ids: Collection[int] = {one.contact_id for one in batch}
    company_of = {one.contact_id: one.company_id for one in batch}
    last_out = await recipients.last_out(tx, contact_ids, gap_since)
    windows = await recipients.last_in(tx, contact_ids, now - SERVICE_WINDOW)
    asks = {one.contact_id for one in batch if is_budgeted(one.category, one.source, one.priority)}
    marketing = await budget.left(tx, asks, SPENDS, LIVE_PRIORITY, now - WEEK)
    for contact_id, (person, address) in (await recipients.find(tx, contact_ids)).items():
        number = address.value if address and address.space == "number" else ""
        company = known[company_of[contact_id]]
        met = person.last_inbound_at or person.last_outbound_at
        load.addresses[contact_id] = address
        load.contacts[contact_id] = ContactFacts(
            zones=zones_for(person.zone, number, company.zone),
            reachable=address is not None,
            consent=person.consent,
            blocked=person.blocked_at is not None,
            deleted=person.deleted_at is not None,
            last_inbound_at=person.last_inbound_at,
            last_phone_id=person.last_phone_id,
            last_out_at=_newest(last_out.get(contact_id), person.last_outbound_at, gap_since),
            last_left_at=person.last_outbound_at,
            is_known=met is not None,
            windows=windows.get(contact_id, {}),
            marketing=tuple(marketing.get(contact_id, ())),
            handed_over=person.handed_over_at is not None,
            handed_over_run=person.handed_over_run_id,
        )
