"""Notices that are no messages: customers who move or change their mind, and Meta's own on
templates, accounts and phones.

Rule: like all news they may come twice and late; the newest word on a thing stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from gateway.channels.cloud_api.account import because
from gateway.consequences import consent_events
from gateway.desk import Desk, person_of
from gateway.guard import note_quality, rest_campaigns
from gateway.news import (
    AccountChanged,
    NumberChanged,
    PhoneChanged,
    PreferenceChanged,
    StateChanged,
    TemplateChanged,
    Trouble,
)
from store import addresses, alerts, chats, contacts, phone_use, templates
from store.addresses import Address
from store.phone_use import SendingPhone
from store.resolve import Person, resolve_many

ALERTS_ON = {"FLAGGED", "DOWNGRADE", "ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "ACCOUNT_DELETED"}
ALERTS_ON |= {"DISABLED_UPDATE"}
UNTIL_SAID_OTHERWISE = timedelta(days=7)  # a restriction whose end WhatsApp does not tell
WITHOUT_A_LINE = ("banned", "flagged", "logged_out")
AFTER = {
    "connected": ("connected", "offline", "pairing", "banned", "logged_out"),
    "offline": ("connected", "offline", "pairing"),
    "pairing": ("connected", "offline", "pairing", "banned", "logged_out"),
}
"""What a line that comes or goes may change: a person's own word on a phone (paused, draining, or
switched off after failures) outlives it.
"""


async def move_numbers(desk: Desk, changes: Sequence[NumberChanged]) -> None:
    """Customers who moved: the contact gets the new number and gives the old one back."""
    for one in changes:
        company_id = desk.by_remote[one.phone].company_id
        known = person_of(one.old)
        person = Person([*known.addresses, Address("wa_id", one.new_wa_id)], name=known.name)
        [contact] = await resolve_many(desk.tx, company_id, [person], now=desk.now)
        new = Address("wa_id", one.new_wa_id)
        owners = await addresses.owners(desk.tx, company_id, {(new.space, new.key)})
        moved = owners.get((new.space, new.key), (0, ""))[0] == contact.id
        if one.old.wa_id and moved and Address("wa_id", one.old.wa_id).key != new.key:
            await chats.forget_address(desk.tx, contact.id, Address("wa_id", one.old.wa_id))
        desk.companies.add(company_id)


async def note_wishes(desk: Desk, wishes: Sequence[PreferenceChanged]) -> None:
    """Customers who switched our marketing off or on in WhatsApp."""
    for one in sorted(wishes, key=lambda wish: wish.at):
        company_id = desk.by_remote[one.phone].company_id
        person = person_of(one.sender)
        [contact] = await resolve_many(desk.tx, company_id, [person], now=desk.now)
        if not await chats.is_newest_wish(desk.tx, contact.id, one.at):
            continue  # a webhook that was late: they changed their mind since
        change = contacts.opt_in if one.wants else contacts.opt_out
        changed = await change(desk.tx, [contact.id], min(one.at, desk.now), "WhatsApp settings")
        desk.events += await consent_events(
            desk.tx,
            dict.fromkeys(changed, company_id),
            "yes" if one.wants else "no",
            "whatsapp",
            desk.now,
        )
        desk.companies.add(company_id)


async def note_templates(desk: Desk, changes: Sequence[TemplateChanged]) -> None:
    """What Meta decided about templates."""
    for one in changes:
        told = {"status": one.status, "quality": one.quality, "category": one.category}
        told = {name: value for name, value in told.items() if value}
        if one.status:
            told["rejected_because"] = because(one.reason) if one.status == "REJECTED" else ""
        if told:
            await templates.set_status(
                desk.tx, one.account, one.name, one.language, desk.now, **told
            )
        for company_id in {phone.company_id for phone in desk.by_account[one.account]}:
            desk.companies.add(company_id)
            await _tell_of_template(desk, company_id, one)


async def _tell_of_template(desk: Desk, company_id: int, change: TemplateChanged) -> None:
    kind = f"template:{change.name}:{change.language}"
    called = f"WhatsApp: template {change.name} ({change.language})"
    if change.status == "APPROVED":
        await alerts.resolve(desk.tx, company_id, kind, desk.now)
    elif change.status in ("PAUSED", "DISABLED", "REJECTED"):
        words = f"{called} is {change.status.lower()}. {because(change.reason)}".strip()
        await alerts.raise_once(desk.tx, company_id, "warning", kind, words, desk.now)
    if "MARKETING" in (change.category, change.coming_category):
        when = "is marketing now" if change.category else "becomes marketing tomorrow"
        words = f"{called} {when}. Each message costs more, and needs consent."
        kind = f"template_category:{change.name}:{change.language}"
        await alerts.raise_once(desk.tx, company_id, "warning", kind, words, desk.now)


async def note_accounts(desk: Desk, changes: Sequence[AccountChanged]) -> None:
    """Business accounts that were restricted, disabled or restored, or may turn to more people."""
    for one in changes:
        for phone in desk.by_account[one.account]:
            desk.companies.add(phone.company_id)
            if one.limit is not None:
                await phone_use.change(desk.tx, phone.id, messaging_limit=one.limit)
            if one.no_campaigns:
                until = one.until or desk.now + UNTIL_SAID_OTHERWISE
                why = f"WhatsApp restricts the account ({one.details})"
                await rest_campaigns(desk.tx, phone, until, why, desk.now)
            elif one.stopped is True:
                words = f"WhatsApp: {one.event.lower().replace('_', ' ')} {one.details}".strip()
                changes_to = {"status": "banned", "status_why": words, "paused_until": one.until}
                await phone_use.change(desk.tx, phone.id, **changes_to)
            elif one.stopped is False and phone.status == "banned":
                back = {"status": "connected", "status_why": "", "paused_until": None}
                await phone_use.change(desk.tx, phone.id, **back)
        await _alert(desk, one.account, one.event, one.details)


async def note_phones(desk: Desk, changes: Sequence[PhoneChanged]) -> None:
    """Numbers whose quality or limits moved."""
    for one in changes:
        for phone in desk.by_account[one.account]:
            if one.limit is not None:  # one limit for all numbers of the account
                await phone_use.change(desk.tx, phone.id, messaging_limit=one.limit)
            if not _is_number(phone, one.number, alone=len(desk.by_account[one.account]) == 1):
                continue
            desk.companies.add(phone.company_id)
            if one.throughput_per_s is not None:
                await phone_use.change(desk.tx, phone.id, throughput_per_s=one.throughput_per_s)
            if one.quality != "UNKNOWN":
                await note_quality(desk.tx, phone, one.quality, "WhatsApp says so", desk.now)
        if one.quality == "UNKNOWN":
            await _alert(desk, one.account, one.event, f"{one.number} {one.details}".strip())


def _is_number(phone: SendingPhone, display: str, *, alone: bool) -> bool:
    """Whether WhatsApp's display form (`+1 555 010 0100`) is this phone's number."""
    told, ours = (
        "".join(char for char in text if char.isdigit()) for text in (display, phone.number)
    )
    return told == ours if told and ours else alone


async def _alert(desk: Desk, account: str, event: str, details: str) -> None:
    if event not in ALERTS_ON:
        return
    for company_id in {phone.company_id for phone in desk.by_account[account]}:
        words = f"WhatsApp: {event.lower().replace('_', ' ')} {details}".strip()
        kind = f"account:{event.lower()}"
        await alerts.raise_once(desk.tx, company_id, "critical", kind, words, desk.now)


async def note_states(desk: Desk, changes: Sequence[StateChanged]) -> None:
    """Paired phones that came, went or were thrown out."""
    for one in changes:
        phone = desk.by_remote[one.phone]
        known = desk.states.get(phone.id, phone.status)
        if known not in AFTER.get(one.state, (known,)):
            continue
        told: dict[str, Any] = {"status": one.state, "status_why": one.why}
        if one.state == "banned":
            told["paused_until"] = one.until
        desk.states[phone.id] = one.state
        await phone_use.change(desk.tx, phone.id, **told)
        desk.companies.add(phone.company_id)
        await _alert_about(desk, phone, one)


async def _alert_about(desk: Desk, phone: SendingPhone, change: StateChanged) -> None:
    """What a person must look at; all of it is over when the phone is connected again."""
    name = phone.name or phone.number or f"Phone {phone.id}"
    kind = f"phone_{change.state}"
    if change.state in WITHOUT_A_LINE:
        words = f"{name} cannot send any more: {change.why}"
        await alerts.raise_once(
            desk.tx, phone.company_id, "critical", kind, words, desk.now, phone_id=phone.id
        )
    elif change.state == "connected":
        for state in (*WITHOUT_A_LINE, "offline"):
            kind = f"phone_{state}"
            await alerts.resolve(desk.tx, phone.company_id, kind, desk.now, phone_id=phone.id)


async def note_troubles(desk: Desk, troubles: Sequence[Trouble]) -> None:
    """Errors of a phone that belong to no message."""
    for one in troubles:
        phone = desk.by_remote[one.phone]
        words = f"WhatsApp reports: {one.error.message}"
        await alerts.raise_once(
            desk.tx, phone.company_id, "warning", "trouble", words, desk.now, phone_id=phone.id
        )
