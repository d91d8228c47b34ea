"""What failures do beyond their message: phones rest, templates stop, contacts are left alone.

Rule: failures of one moment are one piece of news about a phone; only the list of meanings in
`gateway.channel` decides what each does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import ConsentChanged
from gateway.balance import SENDING
from gateway.channel import NO_NEW_CHATS, Remedy, SendError, remedy
from gateway.pacing import IDLE, jittered
from gateway.quality import is_worrying, rest_after
from store import alerts, contacts, events, phone_use, templates
from store.phone_use import Counted, SendingPhone

log = structlog.get_logger(__name__)

LOGGED_OUT_CODES = (0, 190)
BANNED_CODES = (368, 131031)
NO_NEW_FOR = timedelta(hours=24)
TEMPLATE_STATUS = {132001: "DELETED", 132015: "PAUSED", 132016: "DISABLED"}


class Setback(Struct, frozen=True):
    """One refusal: who sent, to whom, what, and why not. `day` is the phone's local day."""

    company_id: int
    phone_id: int
    contact_id: int
    day: date
    error: SendError
    template: tuple[str, str] | None = None

    @property
    def remedy(self) -> Remedy:
        """What is to be done about it."""
        return remedy(self.error)


async def bear(
    tx: AsyncConnection, setbacks: Sequence[Setback], went_well: Mapping[int, int], now: datetime
) -> int:
    """Let refusals and successes (`{phone id: how many}`) count; how many events were written.

    Takes locks in the order contacts, templates, phones, days, which every caller keeps.
    """
    written = await _leave_alone(tx, [one for one in setbacks if one.remedy.opt_out], now)
    by_phone: dict[int, list[Setback]] = {phone_id: [] for phone_id in went_well}
    for one in setbacks:
        by_phone.setdefault(one.phone_id, []).append(one)
    if not by_phone:
        return written
    held = {phone.id: phone for phone in await phone_use.hold(tx, by_phone)}
    after = {
        phone_id: _phone_after(phone, by_phone[phone_id], now, well=went_well.get(phone_id, 0))
        for phone_id, phone in held.items()
    }
    for phone_id, phone in held.items():
        await _stop_templates(tx, phone, by_phone[phone_id], now)
    await phone_use.change_many(tx, after)
    for phone_id, phone in held.items():
        await _tell(tx, phone, by_phone[phone_id], after[phone_id], now)
    await _count_failures(tx, setbacks, held, now)
    return written


async def _leave_alone(tx: AsyncConnection, setbacks: Sequence[Setback], now: datetime) -> int:
    """WhatsApp says they want no marketing: that is an opt-out like any other."""
    if not setbacks:
        return 0
    ids = {one.contact_id: one.company_id for one in setbacks}
    changed = await contacts.opt_out(tx, sorted(ids), now, "WhatsApp: stopped marketing messages")
    return await consent_events(tx, {one: ids[one] for one in changed}, "no", "whatsapp", now)


async def consent_events(
    tx: AsyncConnection,
    company_of: Mapping[int, int],
    consent: Any,
    source: str,
    now: datetime,
) -> int:
    """Tell the engine of `{contact id: company id}` whose consent changed; how many were told."""
    happened = msgspec.to_builtins(ConsentChanged(consent, source))
    rows = [
        {
            "company_id": company_id,
            "contact_id": contact_id,
            "kind": "consent",
            "data": happened,
            "at": now,
            "created_at": now,
        }
        for contact_id, company_id in sorted(company_of.items())
    ]
    return len(await events.insert_many(tx, rows))


async def _stop_templates(
    tx: AsyncConnection, phone: SendingPhone, setbacks: Sequence[Setback], now: datetime
) -> None:
    stopped = {
        one.template: one.error
        for one in setbacks
        if one.remedy.stop_template and one.template is not None
    }
    for (name, language), error in sorted(stopped.items()):
        await templates.set_status(
            tx, phone.account_id or "", name, language, now, status=TEMPLATE_STATUS[error.code]
        )
        await alerts.raise_once(
            tx,
            phone.company_id,
            "warning",
            f"template:{name}:{language}",
            f"WhatsApp does not accept template {name} ({language}) any more: {error.message}",
            now,
        )


def _phone_after(
    phone: SendingPhone, setbacks: Sequence[Setback], now: datetime, *, well: int
) -> dict[str, Any]:
    """The columns of a phone that change; `well`: how many messages it sent."""
    changes: dict[str, Any] = {}
    if well:
        changes |= {"last_sent_at": now, "unreceipted": phone.unreceipted + well}
        if phone.last_sent_at is not None and now - phone.last_sent_at > IDLE:
            changes["woke_at"] = now
        if phone.failures_in_row:
            changes |= {"failures_in_row": 0, "breaker_until": None}
    elif any(one.remedy.phone_failure for one in setbacks):
        failures = phone.failures_in_row + 1
        changes["failures_in_row"] = failures
        rest = rest_after(failures)
        if rest is None and phone.status in SENDING:  # what stopped it before says more
            changes["status"] = "flagged"
        if rest:
            changes["breaker_until"] = now + rest
    changes |= _rests(phone, setbacks, now)
    stopping = [one.error.code for one in setbacks if one.remedy.stop_phone]
    if stopping and phone.status in SENDING:
        changes["status"] = _status(stopping[0])
    return changes


def _rests(phone: SendingPhone, setbacks: Sequence[Setback], now: datetime) -> dict[str, Any]:
    """Until when it says nothing, or nothing to new people."""
    changes: dict[str, Any] = {}
    rests = [one.remedy.rest for one in setbacks if one.remedy.rest is not None]
    if rests:
        longest = jittered(max(rests).total_seconds(), phone.id)
        until = now + longest
        if phone.paused_until is None or phone.paused_until < until:
            changes["paused_until"] = until
    if any(one.error.code == NO_NEW_CHATS for one in setbacks):
        changes["no_new_until"] = now + NO_NEW_FOR
    return changes


def _status(code: int) -> str:
    if code in LOGGED_OUT_CODES:
        return "logged_out"
    return "banned" if code in BANNED_CODES else "flagged"


async def _tell(
    tx: AsyncConnection,
    phone: SendingPhone,
    setbacks: Sequence[Setback],
    changes: Mapping[str, Any],
    now: datetime,
) -> None:
    name = phone.name or phone.number or f"Phone {phone.id}"
    loud = {one.error.meaning: one for one in setbacks if not one.remedy.stop_template}
    loud = {meaning: one for meaning, one in loud.items() if one.remedy.alert}
    for meaning, one in sorted(loud.items()):
        words = {
            "number_stopped": f"{name} cannot send any more: {one.error.message}",
            "number_in_danger": f"{name} rests, WhatsApp limits it: {one.error.message}",
        }.get(meaning, f"{name}: {one.error.message}")
        await alerts.raise_once(
            tx, phone.company_id, "critical", meaning, words, now, phone_id=phone.id
        )
    if changes.get("status") == "flagged" and not loud:
        words = f"{name} is off after {changes['failures_in_row']} failures in a row."
        await alerts.raise_once(
            tx, phone.company_id, "critical", "failures_in_row", words, now, phone_id=phone.id
        )
    if "status" in changes:
        log.warning(
            "phone stopped", company=phone.company_id, phone=phone.id, status=changes["status"]
        )


async def _count_failures(
    tx: AsyncConnection,
    setbacks: Sequence[Setback],
    held: Mapping[int, SendingPhone],
    now: datetime,
) -> None:
    failures: dict[tuple[int, date], int] = {}
    for one in setbacks:
        if one.remedy.phone_failure and one.phone_id in held:
            key = (one.phone_id, one.day)
            failures[key] = failures.get(key, 0) + 1
    if not failures:
        return
    await phone_use.count(tx, {key: Counted(failed=n) for key, n in failures.items()})
    days = await phone_use.days_of(tx, failures, hold=True)
    for (phone_id, _), use in days.items():
        if is_worrying(use.sent, use.failed):
            phone = held[phone_id]
            words = f"{use.failed} of {use.sent} messages failed today."
            await alerts.raise_once(
                tx, phone.company_id, "warning", "failure_rate", words, now, phone_id=phone_id
            )
