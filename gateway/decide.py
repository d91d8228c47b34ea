"""May this message go, now, and through which phone? All rules in the order they are asked. Pure.

Rule: every answer carries its reasons in plain words and its terms as data; they stay on the
message, so that "why so late?" and "why this phone?" can be answered to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

from gateway.asked import CompanyFacts, ContactFacts, MessageFacts
from gateway.balance import Need, knows_template
from gateway.budget import full, is_budgeted
from gateway.fleet import Chosen, Fleet, NoPhone
from gateway.pacing import LIVE_PRIORITY, gap_ends, is_live
from gateway.window import is_allowed, next_allowed, zone

SERVICE_WINDOW = timedelta(hours=24)  # WhatsApp: free-form after a customer's message
WITHOUT_HOURS = timedelta(days=1)  # all hours closed: look again tomorrow, settings may change
TEMPLATE_PENDING = timedelta(minutes=30)  # how often to see whether a template is back
TURNED_TO = timedelta(hours=24)  # WhatsApp counts people we turn to over this time
SHOWN_ZONES = 3  # numbers of large countries have a dozen
TEMPLATES_ON_THEIR_WAY = frozenset({"PENDING", "IN_APPEAL", "LIMIT_EXCEEDED"})
BY_HAND = frozenset({"person", "system"})
NOBODYS_TEMPLATE = "None of the company's numbers can send this template."
TOO_LATE = "It was not worth sending any more by now."
ORDER_NEWS = frozenset({"utility", "authentication"})  # nobody's chat, and people wait for them


class SendNow(Struct, frozen=True):
    """Send it, through the chosen phone. `need` is what it asked of it; `exempt`: rules that would
    have held it, by name, with the words why they did not.
    """

    choice: Chosen
    need: Need
    exempt: tuple[tuple[str, str], ...] = ()

    @property
    def phone_id(self) -> int:
        """The phone to send it through."""
        return self.choice.phone.id

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons in words."""
        return (*dict.fromkeys(words for _, words in self.exempt), self.choice.why)

    def terms(self) -> dict[str, Any]:
        """Every rule's answer and all that the choice was made of, as plain values."""
        exempt = dict(self.exempt)
        rules = [
            {"rule": name, "answer": "exempt", "words": exempt[name]}
            if name in exempt
            else {"rule": name, "answer": "ok"}
            for name, _ in RULES
        ]
        rules.append({"rule": "phones", "answer": "ok", "words": self.choice.why})
        return {"rules": rules, **self.choice.plain()}


class Later(Struct, frozen=True):
    """Not before `at`; `rule` says so."""

    at: datetime
    why: tuple[str, ...]
    rule: str = ""


class Never(Struct, frozen=True):
    """Not at all; `reason` is one word for flows and statistics."""

    state: Literal["suppressed", "expired", "failed"]
    reason: str
    why: tuple[str, ...]
    rule: str = ""


Decision = SendNow | Later | Never
Answer = Later | Never | str | None
"""Of one rule: wait, give up, the words of an exception that it makes, or nothing against it."""


class Asked(Struct, frozen=True):
    """All that one decision looks at. `live`: somebody waits for this answer right now."""

    message: MessageFacts
    contact: ContactFacts
    company: CompanyFacts
    fleet: Fleet
    need: Need
    now: datetime
    live: bool

    @property
    def by_hand(self) -> bool:
        """Whether a person, or the law, wants it sent without regard to hours and gaps."""
        return self.message.source in BY_HAND


def decide(
    message: MessageFacts, contact: ContactFacts, company: CompanyFacts, fleet: Fleet, now: datetime
) -> Decision:
    """The decision for one message; `fleet` are the company's own phones, as they stand `now`."""
    live = is_live(message.priority, contact.last_inbound_at, now)
    need = need_of(message, contact, now, live=live)
    asked = Asked(message, contact, company, fleet, need, now, live)
    exempt: tuple[tuple[str, str], ...] = ()
    for name, rule in RULES:
        answer = rule(asked)
        if answer is None:
            continue
        if isinstance(answer, str):
            exempt = (*exempt, (name, answer))
        elif isinstance(answer, Later):
            return _not_past_expiry(message, structs.replace(answer, rule=name))
        else:
            return structs.replace(answer, rule=name)
    choice = fleet.choose(need)
    if isinstance(choice, NoPhone):
        return _not_past_expiry(message, Later(choice.at, (choice.why,), "phones"))
    return SendNow(choice, need, exempt)


def need_of(message: MessageFacts, contact: ContactFacts, now: datetime, *, live: bool) -> Need:
    """What the message asks of a phone."""
    wrote, left = contact.last_inbound_at, contact.last_out_at or contact.last_left_at
    in_window = wrote is not None and now - wrote < SERVICE_WINDOW
    answered = wrote is not None and left is not None and left - wrote < SERVICE_WINDOW
    turned_to = left is not None and now - left < TURNED_TO and not answered
    windows = None
    if not message.is_template:
        windows = _open_on(contact, now) if contact.windows or in_window else frozenset()
    mine = (message.wants_phone, contact.last_phone_id)
    return Need(
        kind=message.kind,
        campaign=is_budgeted(message.category, message.source, message.priority),
        opens=not in_window and not turned_to,
        fresh=not contact.is_known,
        live=(live and message.priority == LIVE_PRIORITY) or message.source in BY_HAND,
        windows=windows,
        accounts=message.template_in,
        mine=tuple(one for one in mine if one is not None),
    )


def _open_on(contact: ContactFacts, now: datetime) -> frozenset[int] | None:
    """The phones whose window is open: it belongs to the phone written to. None: any, for nobody
    knows which one that was.
    """
    if not contact.windows:
        return None
    return frozenset(phone for phone, at in contact.windows.items() if now - at < SERVICE_WINDOW)


def _permission(asked: Asked) -> Answer:
    message, contact = asked.message, asked.contact
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


def _expiry(asked: Asked) -> Answer:
    expires_at = asked.message.expires_at
    if expires_at is None or asked.now < expires_at:
        return None
    return Never("expired", "expired", (TOO_LATE,))


def _template(asked: Asked) -> Answer:
    status, phones = asked.message.template_status, asked.fleet.phones.values()
    if not asked.message.is_template:
        return None
    if phones and not any(knows_template(one, asked.need) for one in phones):
        return Never("failed", "template", (NOBODYS_TEMPLATE,))
    if status in ("", "APPROVED"):
        return None
    shown = status.lower().replace("_", " ")
    if status in TEMPLATES_ON_THEIR_WAY:
        return Later(asked.now + TEMPLATE_PENDING, (f"The template is {shown} at WhatsApp.",))
    return Never("failed", "template", (f"The template is {shown} at WhatsApp.",))


def _service_window(asked: Asked) -> Answer:
    windows, phones = asked.need.windows, asked.fleet.phones
    if windows is None or not phones:
        return None
    if any(one in phones for one in windows) or any(
        not one.needs_window for one in phones.values()
    ):
        return None
    words = "The contact did not write in the last 24 hours, so only a template may be sent."
    return Never("failed", "window_closed", (words,))


def _gap(asked: Asked) -> Answer:
    if asked.by_hand:
        return None
    if asked.live:
        return LIVE_WORDS
    minutes = asked.company.gap_minutes
    ends = gap_ends(asked.contact.last_out_at, minutes)
    if ends is None or ends <= asked.now:
        return None
    words = f"The last message to this contact is less than {minutes} minutes old."
    return Later(ends, (words,))


def _hours(asked: Asked) -> Answer:
    company, contact, now = asked.company, asked.contact, asked.now
    if asked.by_hand:
        return None
    if asked.live:
        return LIVE_WORDS
    if is_allowed(now, company.hours, contact.zones):
        return None
    if asked.message.category == "utility" and company.transactional_any_hour:
        return "News about an order may go at any hour."
    at = next_allowed(now, company.hours, contact.zones) or now + WITHOUT_HOURS
    clocks = ", ".join(contact.zones[:SHOWN_ZONES]) + (
        " …" if len(contact.zones) > SHOWN_ZONES else ""
    )
    day = now.astimezone(zone(contact.zones[0])).date()
    closed = "a holiday" if day in company.hours.closed else "outside the sending hours"
    return Later(at, (f"It is {closed} for this contact ({clocks}).",))


def _company_day(asked: Asked) -> Answer:
    limit = asked.company.daily_limit
    if limit is None or asked.company.sent_today < limit or asked.by_hand:
        return None
    words = f"The company has sent its {limit} messages for today."
    return Later(asked.company.day_ends, (words,))


def _over_budget(asked: Asked) -> Answer:
    message, contact, company, now = asked.message, asked.contact, asked.company, asked.now
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
    return structs.replace(wait, at=message.expires_at)


LIVE_WORDS = "It answers a live chat, so it does not wait."
RULES: tuple[tuple[str, Callable[[Asked], Answer]], ...] = (
    ("consent", _permission),
    ("expiry", _expiry),
    ("template", _template),
    ("window", _service_window),
    ("gap", _gap),
    ("hours", _hours),
    ("day", _company_day),
    # Asked last: by the time all others agree, the budget may have room again.
    ("budget", _over_budget),
)
"""The rules in the order in which they are asked; the phones come after them."""
