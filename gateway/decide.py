"""May this message go, now, and through which phone? All rules in the order they are asked. Pure.

Rule: every answer carries its reasons in plain words; they stay on the message, so that "why so
late?" and "why this phone?" can be answered to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from gateway.balance import Chosen, NoPhone, PhoneFacts, choose
from gateway.budget import full, is_budgeted
from gateway.pacing import gap_ends, is_live
from gateway.window import Week, is_allowed, next_allowed, zone

SERVICE_WINDOW = timedelta(hours=24)  # WhatsApp: free-form after a customer's message
WITHOUT_HOURS = timedelta(days=1)  # all hours closed: look again tomorrow, settings may change
TEMPLATE_PENDING = timedelta(minutes=30)  # how often to see whether a template is back
SHOWN_ZONES = 3  # numbers of large countries have a dozen
TEMPLATES_ON_THEIR_WAY = frozenset({"PENDING", "IN_APPEAL", "LIMIT_EXCEEDED"})
ORDER_NEWS = frozenset({"utility", "authentication"})  # nobody's chat, and people wait for them

Source = Literal["automation", "api", "person", "system"]
OverBudget = Literal["defer", "drop"]


class MessageFacts(Struct, frozen=True):
    """What is asked about a message. `template_status` is empty for free-form messages and for
    templates nobody told us about; `wants_phone` a phone that was chosen for it.
    """

    id: int
    priority: int
    category: str
    source: Source
    is_template: bool
    expires_at: datetime | None = None
    template_status: str = ""
    wants_phone: int | None = None
    run_id: int | None = None
    over_budget: OverBudget = "defer"


class ContactFacts(Struct, frozen=True):
    """What is asked about its recipient. `windows`: last inbound time per phone they wrote to;
    `zones`: the clocks they may live by; `last_out_at`: our last message to them. `marketing`:
    when budgeted messages left in the last 7 days. `handed_over`: a person has the chat, and the
    run `handed_over_run` saw to it.
    """

    zones: tuple[str, ...]
    reachable: bool = True
    consent: str = "unknown"
    blocked: bool = False
    deleted: bool = False
    last_inbound_at: datetime | None = None
    last_phone_id: int | None = None
    last_out_at: datetime | None = None
    windows: Mapping[int, datetime] = {}
    marketing: tuple[datetime, ...] = ()
    handed_over: bool = False
    handed_over_run: int | None = None


class CompanyFacts(Struct, frozen=True):
    """What is asked about the sender's company; `day_ends` closes its local day."""

    hours: Week
    gap_minutes: int
    day_ends: datetime
    daily_limit: int | None = None
    sent_today: int = 0
    transactional_any_hour: bool = False
    marketing_per_day: int | None = None
    marketing_per_week: int | None = None


class SendNow(Struct, frozen=True):
    """Send it, through this phone."""

    phone_id: int
    why: tuple[str, ...]


class Later(Struct, frozen=True):
    """Not before `at`."""

    at: datetime
    why: tuple[str, ...]


class Never(Struct, frozen=True):
    """Not at all; `reason` is one word for flows and statistics."""

    state: Literal["suppressed", "expired", "failed"]
    reason: str
    why: tuple[str, ...]


Decision = SendNow | Later | Never


def decide(
    message: MessageFacts,
    contact: ContactFacts,
    company: CompanyFacts,
    phones: Sequence[PhoneFacts],
    now: datetime,
) -> Decision:
    """The decision for one message; `phones` are the company's own."""
    refusal = (
        _permission(message, contact)
        or _expiry(message, now)
        or _template(message, now)
        or _service_window(message, contact, phones, now)
    )
    if refusal is not None:
        return refusal if isinstance(refusal, Never) else _not_past_expiry(message, refusal)
    why: list[str] = []
    wait = (
        _gap(message, contact, company, now, why)
        or _hours(message, contact, company, now, why)
        or _company_day(message, company)
    )
    if wait is not None:
        return _not_past_expiry(message, wait)
    # Asked last: by the time all others agree, the budget may have room again.
    over = _over_budget(message, contact, company, now)
    if over is not None:
        return over
    able = _phones_with_window(message, contact, phones, now)
    choice = choose(able, (message.wants_phone, contact.last_phone_id), now)
    match choice:
        case Chosen(phone=phone, why=words):
            return SendNow(phone.id, (*why, words))
        case NoPhone(at=at, why=words):
            return _not_past_expiry(message, Later(at, (words,)))


def _permission(message: MessageFacts, contact: ContactFacts) -> Never | None:
    if contact.deleted:
        return Never("suppressed", "deleted", ("The contact was deleted.",))
    if not contact.reachable:
        return Never("failed", "contact", ("The contact has no WhatsApp address.",))
    if message.source == "system":
        return None
    if contact.blocked:
        return Never("suppressed", "blocked", ("The contact is blocked.",))
    if contact.consent == "no" and message.source != "person":
        return Never("suppressed", "opted_out", ("The contact asked for no more messages.",))
    if contact.handed_over and _stays_silent(message, contact):
        return Never("suppressed", "handed_over", ("A person has taken over this chat.",))
    return None


def _stays_silent(message: MessageFacts, contact: ContactFacts) -> bool:
    """Automations leave the chat to the person; the run that called them may say its word."""
    if message.source != "automation":
        return False
    if message.run_id is not None and message.run_id == contact.handed_over_run:
        return False
    return not (message.is_template and message.category in ORDER_NEWS)


def _expiry(message: MessageFacts, now: datetime) -> Never | None:
    if message.expires_at is None or now < message.expires_at:
        return None
    return Never("expired", "expired", ("It was not worth sending any more by now.",))


def _template(message: MessageFacts, now: datetime) -> Never | Later | None:
    status = message.template_status
    if not message.is_template or status in ("", "APPROVED"):
        return None
    shown = status.lower().replace("_", " ")
    if status in TEMPLATES_ON_THEIR_WAY:
        return Later(now + TEMPLATE_PENDING, (f"The template is {shown} at WhatsApp.",))
    return Never("failed", "template", (f"The template is {shown} at WhatsApp.",))


def _service_window(
    message: MessageFacts, contact: ContactFacts, phones: Sequence[PhoneFacts], now: datetime
) -> Never | None:
    if not phones or _phones_with_window(message, contact, phones, now):
        return None
    words = "The contact did not write in the last 24 hours, so only a template may be sent."
    return Never("failed", "window_closed", (words,))


def _phones_with_window(
    message: MessageFacts, contact: ContactFacts, phones: Sequence[PhoneFacts], now: datetime
) -> list[PhoneFacts]:
    """Phones that WhatsApp lets write this: an open window belongs to the phone written to."""
    if message.is_template:
        return list(phones)
    if contact.windows:
        open_on = {phone for phone, at in contact.windows.items() if now - at < SERVICE_WINDOW}
        return [phone for phone in phones if phone.id in open_on or not phone.needs_window]
    wrote = contact.last_inbound_at
    is_open = wrote is not None and now - wrote < SERVICE_WINDOW
    return [phone for phone in phones if is_open or not phone.needs_window]


def _gap(
    message: MessageFacts,
    contact: ContactFacts,
    company: CompanyFacts,
    now: datetime,
    why: list[str],
) -> Later | None:
    if message.source in ("person", "system"):
        return None
    if is_live(message.priority, contact.last_inbound_at, now):
        why.append("It answers a live chat, so it does not wait.")
        return None
    ends = gap_ends(contact.last_out_at, company.gap_minutes)
    if ends is None or ends <= now:
        return None
    words = f"The last message to this contact is less than {company.gap_minutes} minutes old."
    return Later(ends, (words,))


def _hours(
    message: MessageFacts,
    contact: ContactFacts,
    company: CompanyFacts,
    now: datetime,
    why: list[str],
) -> Later | None:
    if message.source in ("person", "system") or is_live(
        message.priority, contact.last_inbound_at, now
    ):
        return None
    if is_allowed(now, company.hours, contact.zones):
        return None
    if message.category == "utility" and company.transactional_any_hour:
        why.append("News about an order may go at any hour.")
        return None
    at = next_allowed(now, company.hours, contact.zones) or now + WITHOUT_HOURS
    clocks = ", ".join(contact.zones[:SHOWN_ZONES]) + (
        " …" if len(contact.zones) > SHOWN_ZONES else ""
    )
    return Later(at, (f"It is outside the sending hours for this contact ({clocks}).",))


def _company_day(message: MessageFacts, company: CompanyFacts) -> Later | None:
    limit = company.daily_limit
    if limit is None or company.sent_today < limit or message.source in ("person", "system"):
        return None
    return Later(company.day_ends, (f"The company has sent its {limit} messages for today.",))


def _over_budget(
    message: MessageFacts, contact: ContactFacts, company: CompanyFacts, now: datetime
) -> Never | Later | None:
    if not is_budgeted(message.category, message.source, message.priority):
        return None
    day, week = company.marketing_per_day, company.marketing_per_week
    over = full(contact.marketing, day, week, now)
    if over is None:
        return None
    if message.over_budget == "drop":
        words = f"{over.words}; its automation drops what is over."
        return Never("suppressed", "over_budget", (words,))
    at = next_allowed(over.until, company.hours, contact.zones) or over.until
    if message.expires_at is not None and message.expires_at < at:
        words = f"{over.words}, and there is no room for it before it expires."
        return Later(message.expires_at, (words,))
    local = at.astimezone(zone(contact.zones[0]))
    again = f"{local:%a} {local.day} {local:%b %H:%M} ({contact.zones[0]})"
    return Later(at, (f"{over.words}; tries again {again}.",))


def _not_past_expiry(message: MessageFacts, wait: Later) -> Later:
    """The same wait, ended at the moment the message expires, so that the flow hears of it then."""
    if message.expires_at is None or wait.at <= message.expires_at:
        return wait
    return Later(message.expires_at, wait.why)
