"""Loads what `gateway.decide` asks about, for a whole batch at once.

Rule: a fixed number of statements, however many messages; and every day's count that may be
taken from is held until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Content, Template
from gateway.balance import PhoneFacts
from gateway.budget import SPENDS, WEEK, is_budgeted
from gateway.channel import Channel
from gateway.decide import (
    SERVICE_WINDOW,
    CompanyFacts,
    ContactFacts,
    MessageFacts,
    OverBudget,
    Source,
)
from gateway.pacing import LIVE_PRIORITY, next_day
from gateway.verdicts import template_of
from gateway.window import week, zone
from store import budget, companies, house, phone_use, queue, templates
from store.addresses import Address
from store.numbers import zones_for
from store.phone_use import SendingPhone
from store.queue import Queued


class Load(Struct):
    """Everything known about one batch; `phones` and `companies` change as places are taken."""

    contacts: dict[int, ContactFacts]
    addresses: dict[int, Address | None]
    companies: dict[int, CompanyFacts]
    days: dict[int, date]
    phones: dict[int, dict[int, PhoneFacts]]
    access: dict[int, SendingPhone]
    template_status: dict[tuple[int, str, str], str]

    def message(self, queued: Queued, content: Content) -> MessageFacts:
        """What is asked about one message."""
        name = template_of(queued)
        status = self.template_status.get((queued.company_id, *name), "") if name else ""
        return MessageFacts(
            id=queued.id,
            priority=queued.priority,
            category=queued.category,
            source=msgspec.convert(queued.source, Source),
            is_template=isinstance(content, Template),
            expires_at=queued.expires_at,
            template_status=status,
            wants_phone=queued.phone_id,
            run_id=queued.run_id,
            over_budget=msgspec.convert(queued.over_budget or "defer", OverBudget),
        )

    def take(self, queued: Queued, phone_id: int, now: datetime) -> None:
        """Count one message more for the rest of this batch."""
        company_id = queued.company_id
        contact = self.contacts[queued.contact_id]
        if is_budgeted(queued.category, queued.source, queued.priority):
            contact = structs.replace(contact, marketing=(*contact.marketing, now))
        self.contacts[queued.contact_id] = structs.replace(contact, last_out_at=now)
        phone = self.phones[company_id][phone_id]
        self.phones[company_id][phone_id] = structs.replace(
            phone, sent_today=phone.sent_today + 1, last_sent_at=now
        )
        company = self.companies[company_id]
        self.companies[company_id] = structs.replace(company, sent_today=company.sent_today + 1)


async def load(
    tx: AsyncConnection, batch: Sequence[Queued], kinds: Mapping[str, Channel], now: datetime
) -> Load:
    """The facts about `batch`; `kinds` are the channels this worker can send through."""
    contact_ids = {one.contact_id for one in batch}
    company_ids = {one.company_id for one in batch}
    known = await companies.find_many(tx, company_ids)
    house_says = await house.settings(tx)
    rules = {one.id: house.rules_for(one.settings, house_says) for one in known.values()}
    longest = max((one.gap_minutes for one in rules.values()), default=0)
    last_out = await queue.last_out(tx, contact_ids, now - timedelta(minutes=longest))
    windows = await queue.last_in(tx, contact_ids, now - SERVICE_WINDOW)
    asks = {one.contact_id for one in batch if is_budgeted(one.category, one.source, one.priority)}
    marketing = await budget.left(tx, asks, SPENDS, LIVE_PRIORITY, now - WEEK)
    people = await queue.recipients(tx, contact_ids)
    company_of = {one.contact_id: one.company_id for one in batch}
    used = {(one.company_id, *name) for one in batch if (name := template_of(one))}
    found = await templates.find_many(tx, used)
    phones = [
        phone
        for phone in await phone_use.of_companies(tx, company_ids)
        if phone.kind in kinds and phone.remote_id
    ]
    days = {one.id: now.astimezone(zone(one.zone)).date() for one in known.values()}
    sent = await phone_use.hold_days(tx, {(one.id, days[one.company_id]) for one in phones})
    totals = await phone_use.hold_company_days(tx, set(days.items()))
    load = Load({}, {}, {}, days, {one: {} for one in company_ids}, {}, {})
    for key, template in found.items():
        load.template_status[key] = template.status.upper()
    for company in known.values():
        load.companies[company.id] = CompanyFacts(
            hours=week(rules[company.id].sending_hours),
            gap_minutes=rules[company.id].gap_minutes,
            day_ends=next_day(now, company.zone),
            daily_limit=rules[company.id].daily_limit,
            sent_today=totals[company.id, days[company.id]],
            transactional_any_hour=company.settings.transactional_any_hour,
            marketing_per_day=company.settings.marketing_per_day,
            marketing_per_week=company.settings.marketing_per_week,
        )
    for phone in phones:
        day = days[phone.company_id]
        load.access[phone.id] = phone
        load.phones[phone.company_id][phone.id] = _phone(
            phone,
            sent[phone.id, day],
            load.companies[phone.company_id].day_ends,
            needs_window=kinds[phone.kind].needs_window,
        )
    for contact_id, (person, address) in people.items():
        number = address.value if address and address.space == "number" else ""
        company = known[company_of[contact_id]]
        load.addresses[contact_id] = address
        load.contacts[contact_id] = ContactFacts(
            zones=zones_for(person.zone, number, company.zone),
            reachable=address is not None,
            consent=person.consent,
            blocked=person.blocked_at is not None,
            deleted=person.deleted_at is not None,
            last_inbound_at=person.last_inbound_at,
            last_phone_id=person.last_phone_id,
            last_out_at=last_out.get(contact_id),
            windows=windows.get(contact_id, {}),
            marketing=tuple(marketing.get(contact_id, ())),
            handed_over=person.handed_over_at is not None,
            handed_over_run=person.handed_over_run_id,
        )
    return load


def _phone(
    phone: SendingPhone, today: tuple[int, int], day_ends: datetime, *, needs_window: bool
) -> PhoneFacts:
    return PhoneFacts(
        id=phone.id,
        added_at=phone.added_at,
        day_ends=day_ends,
        name=phone.name or phone.number,
        status=phone.status,
        paused_until=phone.paused_until,
        breaker_until=phone.breaker_until,
        daily_limit=phone.daily_limit,
        sent_today=today[0],
        failed_today=today[1],
        failures_in_row=phone.failures_in_row,
        last_sent_at=phone.last_sent_at,
        needs_window=needs_window,
    )
