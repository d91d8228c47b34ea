"""New alerts, told once to whom they concern: webhooks and e-mail of the company and of the house.

Rule: telling is queued in the transaction that marks the alert as told; the calls themselves are
like all others. An alert that one way of telling fails is not told that way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.telling import KINDS
from store import alerts, companies, house, http_calls, news, phones
from store.alert_kinds import about_kind
from store.alerts import Alert
from store.companies import Company
from store.database import Database
from store.house import HouseSettings
from store.http_calls import NewCall
from store.news import Hearer
from store.phones import Phone

AT_ONCE = 100
FRESH = timedelta(days=1)  # older ones that nobody told are no news


class Way(Struct, frozen=True):
    """How alerts leave: where our pages are, and whether e-mail can be sent."""

    public_url: str = ""
    by_mail: bool = False


async def announce(database: Database, way: Way, now: datetime) -> int:
    """Queue what tells of new alerts; how many alerts those were."""
    async with database.read() as tx:
        if not await alerts.any_untold(tx, now - FRESH):
            return 0
    async with database.write("engine.announce") as tx:
        return await _announce(tx, way, now)


async def _announce(tx: AsyncConnection, way: Way, now: datetime) -> int:
    new = await alerts.untold(tx, now - FRESH, AT_ONCE)
    if not new:
        return 0
    known = await companies.find_many(tx, {one.company_id for one in new})
    named = await phones.find_many(tx, {one.phone_id for one in new if one.phone_id is not None})
    house_says = await house.settings(tx)
    calls: list[NewCall] = []
    for one in new:
        calls += _calls(one, known[one.company_id], house_says, named, way, now)
    await http_calls.insert_many(tx, calls)
    await alerts.mark_told(tx, [one.id for one in new], now)
    return len(new)


def _calls(
    alert: Alert,
    company: Company,
    house_says: HouseSettings,
    named: Mapping[int, Phone],
    way: Way,
    now: datetime,
) -> Iterator[NewCall]:
    told = _told(alert, company, named.get(alert.phone_id or 0), way)
    for hearer in _hearers(company, house_says):
        if KINDS[hearer.purpose] != alert.kind:
            yield news.call(hearer, company.id, told, now, key=f"alert-{alert.id}")
    if way.by_mail and alert.kind != KINDS["mail"]:
        for address in dict.fromkeys((company.settings.alert_email, house_says.alert_email)):
            if address:
                yield news.mail(address, company.id, *_letter(told), now, key=f"alert-{alert.id}")


def _hearers(company: Company, house_says: HouseSettings) -> Sequence[Hearer]:
    own, theirs = company.settings.alert_webhook_url, house_says.alert_webhook_url
    found = [Hearer(own, "alert", company.name)] if own else []
    return [*found, Hearer(theirs, "house_alert", company.name)] if theirs else found


def _told(alert: Alert, company: Company, phone: Phone | None, way: Way) -> dict[str, Any]:
    about = about_kind(alert.kind, alert.phone_id)
    return {
        "event": "alert.raised",
        "id": str(alert.id),
        "company": {"id": str(company.id), "name": company.name},
        "severity": alert.severity,
        "kind": alert.kind,
        "title": about.title,
        "details": alert.details,
        "phone": None
        if phone is None
        else {"id": str(phone.id), "name": phone.name, "number": phone.number},
        "action": way.public_url.rstrip("/") + (about.address or "/alerts"),
        "at": alert.created_at,
    }


def _letter(told: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text."""
    company = told["company"]["name"]
    subject = f"{told['title']} ({company})"
    phone = told["phone"]
    lines = [
        told["details"],
        "",
        f"Company: {company}",
        *([f"Phone: {phone['name'] or phone['number']}"] if phone else []),
        f"Since: {told['at']:%Y-%m-%d %H:%M} UTC",
        f"What to do: {told['action']}",
    ]
    return subject, "\n".join(lines)
