"""A company's phones as they stand: rows and counts become what the balancer compares.

Rule: paced phones are held while somebody decides about them, for the next moment at which one may
speak is in its row; then days, in the order that everybody keeps (phones, days, hours).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import get_args

from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.content import Content
from gateway.balance import PhoneFacts
from gateway.channel import Channel
from gateway.fleet import Fleet
from gateway.pacing import daily_cap, fresh_cap, next_day, people_cap
from store import phone_use
from store.companies import Company
from store.house import SendingRules
from store.phone_use import SendingPhone, Use

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ANSWERS_OF = 7 * DAY  # the days over which people who write back are counted
CONTENT_KINDS = frozenset(str(one.__struct_config__.tag) for one in get_args(Content))
NOTHING = Use()


class Counts(Struct, frozen=True):
    """What phones did: today, lately (today and yesterday), in a week, this hour; and the people
    that accounts turned to, with the hour of the first.
    """

    today: Mapping[tuple[int, date], Use]
    lately: Mapping[int, Use]
    week: Mapping[int, Use]
    hour: Mapping[int, int]
    people: Mapping[str, tuple[int, datetime]]


async def phones_as_they_stand(
    tx: AsyncConnection,
    known: Mapping[int, Company],
    rules: Mapping[int, SendingRules],
    days: Mapping[int, date],
    kinds: Mapping[str, Channel],
    now: datetime,
    *,
    hold: bool,
) -> tuple[dict[int, SendingPhone], dict[int, Fleet]]:
    """Phones by id, with their secrets, and each company's fleet; `hold`: their days, and paced
    ones themselves.
    """
    found = [
        phone
        for phone in await phone_use.of_companies(tx, known)
        if phone.kind in kinds and phone.remote_id
    ]
    paced = {phone.id for phone in found if kinds[phone.kind].paced}
    held = {phone.id: phone for phone in await phone_use.hold(tx, paced)} if paced and hold else {}
    access = {phone.id: held.get(phone.id, phone) for phone in found}
    counts = await _counts(tx, list(access.values()), paced, days, now, hold=hold)
    by_company: dict[int, list[PhoneFacts]] = {company_id: [] for company_id in known}
    for phone in access.values():
        company_id = phone.company_id
        ends = next_day(now, known[company_id].zone)
        of = days[company_id]
        channel = kinds[phone.kind]
        facts = facts_of(phone, rules[company_id], channel, counts, of, ends, now)
        if hold and channel.leased and not channel.owns(phone.id):
            facts = structs.replace(facts, status="offline")  # nobody, or not we, can speak for it
        by_company[company_id].append(facts)
    return access, {company_id: Fleet(mine, now) for company_id, mine in by_company.items()}


async def _counts(
    tx: AsyncConnection,
    found: Collection[SendingPhone],
    paced: Collection[int],
    days: Mapping[int, date],
    now: datetime,
    *,
    hold: bool,
) -> Counts:
    ids = {phone.id for phone in found}
    accounts = {phone.account_id for phone in found if phone.account_id and phone.id not in paced}
    return Counts(
        today=await phone_use.days_of(
            tx, {(one.id, days[one.company_id]) for one in found}, hold=hold
        ),
        lately=await phone_use.lately(tx, ids, (now - DAY).date()),
        week=await phone_use.lately(tx, paced, (now - ANSWERS_OF).date()) if paced else {},
        hour=await phone_use.hours(tx, ids, hour_of(now)),
        people=await phone_use.people(tx, accounts, now - DAY - HOUR),
    )


def facts_of(
    phone: SendingPhone,
    rules: SendingRules,
    channel: Channel,
    counts: Counts,
    day: date,
    day_ends: datetime,
    now: datetime,
) -> PhoneFacts:
    """One phone as it stands."""
    today = counts.today.get((phone.id, day), NOTHING)
    lately = counts.lately.get(phone.id, NOTHING)
    week = counts.week.get(phone.id, NOTHING)
    people, first = counts.people.get(phone.account_id or "", (0, now))
    born = phone.paired_at or phone.added_at
    age = now - born
    limit, hourly, fresh = phone.daily_limit, phone.hourly_limit, None
    if channel.paced:
        woke = None if phone.woke_at is None else now - phone.woke_at
        own = limit or rules.phone_daily_limit
        limit = daily_cap(age, own, woke=woke, written=week.sent, answered=week.answered)
        hourly, fresh = hourly or rules.hourly_limit, fresh_cap(limit)
    looked_at = None if phone.quality_at is None else phone.quality_at - born
    return PhoneFacts(
        id=phone.id,
        added_at=born,
        day_ends=day_ends,
        name=phone.name or phone.number,
        account=phone.account_id or "",
        status=phone.status,
        paused_until=phone.paused_until,
        breaker_until=phone.breaker_until,
        gap_until=phone.gap_until,
        daily_limit=limit,
        sent_today=today.sent,
        hourly_limit=hourly,
        sent_this_hour=counts.hour.get(phone.id, 0),
        hour_ends=hour_of(now) + HOUR,
        fresh_limit=fresh,
        fresh_today=today.fresh,
        people_limit=people_cap(
            age, phone.messaging_limit, quality=phone.quality, looked_at=looked_at
        ),
        people_lately=people,
        people_ends=first + DAY + HOUR,
        no_new_until=phone.no_new_until,
        campaigns_rest_until=phone.campaigns_rest_until,
        sent_lately=lately.sent,
        failed_lately=lately.failed,
        failures_in_row=phone.failures_in_row,
        last_sent_at=phone.last_sent_at,
        unreceipted=phone.unreceipted,
        last_receipt_at=phone.last_receipt_at,
        needs_window=channel.needs_window,
        paced=channel.paced,
        carries=_carried(channel),
    )


def hour_of(now: datetime) -> datetime:
    """When the hour of the clock began."""
    return now.replace(minute=0, second=0, microsecond=0)


def _carried(channel: Channel) -> frozenset[str] | None:
    kinds = frozenset(kind for kind in CONTENT_KINDS if channel.carries(kind))
    return None if kinds == CONTENT_KINDS else kinds
