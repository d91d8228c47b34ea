"""Looks at phones each minute and tells what no single message tells: full days, silence, and that
a cause for alarm is gone.

Rule: it only raises and resolves alerts, a handful of statements for any number of companies. It
may run in several workers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.balance import PhoneFacts
from gateway.channel import Channel
from gateway.fleet import Fleet
from gateway.phone_facts import phones_as_they_stand
from gateway.quality import SILENT_FOR, SILENT_SENDS, is_worrying
from gateway.window import zone
from store import alerts, companies, house, phone_use, templates
from store.alert_kinds import TEMPLATE
from store.alerts import Alert, Severity
from store.companies import Company
from store.database import Database

COMPANIES_AT_ONCE = 500
OFFLINE_FOR = timedelta(minutes=5)  # lines come and go; less than this is nobody's matter
OVER_AFTER = timedelta(hours=24)  # what is an event and no state
DAILY_CAP, OFFLINE, SILENT = "daily_cap", "phone_offline", "silent"
WITHOUT_A_LINE = frozenset({"flagged", "banned", "logged_out"})
STOPPED = frozenset(
    {"number_stopped", "failures_in_row", *(f"phone_{status}" for status in WITHOUT_A_LINE)}
)
UNHEARD = "{} sends, and no receipt comes back, so it is left out. Connect it again."
UNTOLD = "WhatsApp takes messages of {} and reports on none. Check the webhook in Meta's settings."
EVENTS = frozenset({"trouble", "unconfirmed"})


class Cause(Struct, frozen=True):
    """Something to tell of, now."""

    severity: Severity
    words: str


class Key(Struct, frozen=True, order=True):
    """What an alert is about: one is open for each of these."""

    company_id: int
    kind: str
    phone_id: int = 0


class Watch:
    """One worker's eyes. It remembers since when a phone is offline; nothing else."""

    def __init__(
        self, database: Database, channels: Mapping[str, Channel], clock: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.channels = channels
        self.clock = clock
        self._offline: dict[int, datetime] = {}

    async def look(self) -> int:
        """One round over all companies; how many alerts were raised or resolved."""
        changed = last = 0
        while True:
            async with self.database.write("gateway.watch") as tx:
                found = await companies.page(tx, after=last, limit=COMPANIES_AT_ONCE)
                if not found:
                    return changed
                changed += await self._look_at({one.id: one for one in found}, tx)
            last = found[-1].id

    async def _look_at(self, known: Mapping[int, Company], tx: AsyncConnection) -> int:
        now = self.clock()
        house_says = await house.settings(tx)
        rules = {one.id: house.rules_for(one.settings, house_says) for one in known.values()}
        days = {one.id: now.astimezone(zone(one.zone)).date() for one in known.values()}
        _, fleets = await phones_as_they_stand(
            tx, known, rules, days, self.channels, now, hold=False
        )
        causes = self._of_phones(fleets, now)
        sent = await phone_use.company_days_of(tx, set(days.items()), hold=False)
        for company_id, day in days.items():
            limit = rules[company_id].daily_limit
            if limit is not None and sent.get((company_id, day), 0) >= limit:
                words = f"The company has sent its {limit} messages for today."
                causes[Key(company_id, DAILY_CAP)] = Cause("info", words)
        return await _settle(tx, causes, fleets, days, now)

    def _of_phones(self, fleets: Mapping[int, Fleet], now: datetime) -> dict[Key, Cause]:
        found: dict[Key, Cause] = {}
        for company_id, fleet in fleets.items():
            for phone in fleet.phones.values():
                for kind, cause in self._causes(phone, now):
                    found[Key(company_id, kind, phone.id)] = cause
        return found

    def _causes(self, phone: PhoneFacts, now: datetime) -> list[tuple[str, Cause]]:
        found = []
        name = phone.called
        if phone.daily_limit is not None and phone.sent_today >= phone.daily_limit:
            words = f"{name} has sent its {phone.daily_limit} messages for today."
            found.append((DAILY_CAP, Cause("info", words)))
        if phone.status != "offline":
            self._offline.pop(phone.id, None)
        elif now - self._offline.setdefault(phone.id, now) >= OFFLINE_FOR:
            words = f"{name} has no line to WhatsApp. Is the phone on, and online?"
            found.append((OFFLINE, Cause("critical", words)))
        if is_silent(phone, now):
            words = UNHEARD if phone.paced else UNTOLD
            found.append((SILENT, Cause("critical", words.format(name))))
        return found


def is_silent(phone: PhoneFacts, now: datetime) -> bool:
    """Whether a phone says it is connected, and nobody reports on anything it sends."""
    if phone.status != "connected" or phone.unreceipted < SILENT_SENDS:
        return False
    return now - (phone.last_receipt_at or phone.added_at) >= SILENT_FOR


async def _settle(
    tx: AsyncConnection,
    causes: Mapping[Key, Cause],
    fleets: Mapping[int, Fleet],
    days: Mapping[int, date],
    now: datetime,
) -> int:
    """Raise what is new, resolve what is over; nothing is written for what stays."""
    known = {_key(one): one for one in await alerts.open_in(tx, days)}
    new = sorted(causes.keys() - known.keys())
    for key in new:
        cause = causes[key]
        await alerts.raise_once(
            *(tx, key.company_id, cause.severity, key.kind, cause.words, now),
            phone_id=key.phone_id or None,
        )
    phones = {phone.id: phone for fleet in fleets.values() for phone in fleet.phones.values()}
    failing = await _failing(tx, fleets, days)
    approved = await _approved(tx, known)
    over = [
        one.id
        for key, one in known.items()
        if key not in causes and _is_over(key, one, phones, failing, approved, now)
    ]
    await alerts.resolve_many(tx, over, now)
    return len(new) + len(over)


def _key(one: Alert) -> Key:
    return Key(one.company_id, one.kind, one.phone_id or 0)


def _is_over(
    key: Key,
    one: Alert,
    phones: Mapping[int, PhoneFacts],
    failing: set[int],
    approved: set[Key],
    now: datetime,
) -> bool:
    phone = phones.get(key.phone_id)
    if key.kind in (DAILY_CAP, OFFLINE, SILENT):
        return True
    if key.kind in EVENTS:
        return now - one.created_at >= OVER_AFTER
    if key.kind.startswith(TEMPLATE):
        return key in approved
    if phone is None:
        return False
    if key.kind in STOPPED:
        return phone.status not in (*WITHOUT_A_LINE, "offline", "pairing")
    if key.kind == "number_in_danger":
        return phone.paused_until is None or phone.paused_until <= now
    return key.kind == "failure_rate" and key.phone_id not in failing


async def _failing(
    tx: AsyncConnection, fleets: Mapping[int, Fleet], days: Mapping[int, date]
) -> set[int]:
    asked = {(phone, days[of]) for of, fleet in fleets.items() for phone in fleet.phones}
    today = await phone_use.days_of(tx, asked, hold=False)
    return {phone for (phone, _), use in today.items() if is_worrying(use.sent, use.failed)}


async def _approved(tx: AsyncConnection, known: Mapping[Key, Alert]) -> set[Key]:
    """Alerts about templates that WhatsApp approves of again."""
    asked = {}
    for key in known:
        if key.kind.startswith(TEMPLATE):
            name, _, language = key.kind.removeprefix(TEMPLATE).partition(":")
            asked[key] = (key.company_id, name, language)
    found = await templates.find_many(tx, set(asked.values()))
    return {
        key
        for key, template in asked.items()
        if template in found and found[template].status.upper() == "APPROVED"
    }
