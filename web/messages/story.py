"""The story of one message: when what happened to it, why so late, why through this phone, what it
cost. The page and the API tell it in the same words. Pure.

Rule: it only retells what the gateway kept on the message; a part that is not there is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from store.messages import Shown
from web.messages.errors import Explained
from web.messages.errors import explain as explain_error
from web.messages.terms import (
    ANSWERS,
    RULES,
    Compared,
    Rule,
    Term,
    mapping,
    others_of,
    rules_of,
    score_of,
    whole,
)

Did = Literal[
    "received",
    "queued",
    "waits",
    "held",
    "claimed",
    "sent",
    "delivered",
    "read",
    "failed",
    "suppressed",
    "expired",
    "cancelled",
    "unconfirmed",
]
A_MOMENT = timedelta(seconds=60)  # less is no wait anybody would ask about
AN_ATTEMPT = "Attempt "
BY = {
    "automation": "An automation asked for it.",
    "api": "A program asked for it by API.",
    "person": "A person wrote it.",
    "system": "Tiptoe itself wrote it.",
}
UNASKED = "Put in the queue."
NOT_SENT = frozenset({"failed", "suppressed", "expired", "cancelled"})
HOW = {
    "sticky": "{name} already talks with this contact, so it stays with it.",
    "lowest": "{name} had the lowest score of the phones that could send it.",
    "only": "{name} was the only phone that could send it then.",
}
FREE = {
    "free_customer_service": "Free: it was sent within 24 hours of the customer’s message.",
    "free_entry_point": "Free: the customer came by an advertisement or a page’s button.",
}


class Line(Struct, frozen=True):
    """One thing that happened; `at` None is now."""

    at: datetime | None
    did: Did
    words: str


class Story(Struct, frozen=True):
    """All of it. `why` is everything in the gateway's own words, `when` what delayed it, `attempts`
    the tries that failed before, `phone` why this one, `score` its parts and `others` the rest.
    """

    timeline: tuple[Line, ...]
    why: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    attempts: tuple[str, ...] = ()
    phone: str = ""
    score: tuple[Term, ...] = ()
    others: tuple[Compared, ...] = ()
    held: int = 0
    error: Explained | None = None
    cost: str = ""


def explain(
    message: Shown, until: datetime | None = None, keeps: Sequence[str] = (), price: str = ""
) -> Story:
    """The story of a message as it stands. `keeps`: what keeps a queued one just now, `until`: how
    long (None: its turn comes any moment), as `gateway.outlook` sees it. `price`: of one message
    or conversation of what it was billed as, with its currency.
    """
    if message.direction == "in":
        return Story((Line(message.created_at, "received", "The contact wrote it."),))
    why = sentences(message.why)
    terms = mapping(message.terms)
    rules = tuple(rules_of(terms))
    chosen = mapping(terms.get("phone"))
    phone = _why_phone(chosen, rules, why, message)
    attempts = tuple(one for one in why if one.startswith(AN_ATTEMPT))
    known_rules = {one.words for one in rules if one.answer != ANSWERS["wait"]}
    when = tuple(one for one in why if one not in known_rules and one not in (phone, *attempts))
    when += tuple(one for one in keeps if one not in when)
    if message.state in NOT_SENT:  # the reason it was given up is told as its error
        when = tuple(one for one in when if one != message.error)
    return Story(
        timeline=tuple(_timeline(message, when, until, keeps)),
        why=why + tuple(one for one in keeps if one not in why),
        when=when,
        rules=rules,
        attempts=attempts,
        phone=phone,
        score=tuple(score_of(chosen)),
        others=tuple(others_of(terms)),
        held=whole(terms.get("held")),
        error=_error(message),
        cost=_cost(message, price),
    )


def sentences(why: Any) -> tuple[str, ...]:
    """The gateway's reasons as sentences, each once; an entry may have one under `why`."""
    said: list[str] = []
    for one in why if isinstance(why, list) else []:
        if isinstance(one, dict):
            one = one.get("why") or one.get("text") or " ".join(map(str, one.values()))  # noqa: PLW2901
        if one and str(one) not in said:
            said.append(str(one))
    return tuple(said)


def _timeline(
    message: Shown, when: Sequence[str], until: datetime | None, keeps: Sequence[str]
) -> list[Line]:
    """What happened, in its order."""
    lines = [Line(message.created_at, "queued", BY.get(message.source, UNASKED))]
    reasons = " ".join(when)
    due = message.due_at
    waited = due is not None and due - message.created_at >= A_MOMENT
    if message.state == "queued":
        if message.held:
            return [*lines, Line(None, "held", "It waits because its automation is paused.")]
        if keeps and until is None:
            return [*lines, Line(None, "waits", " ".join(keeps))]
        if until is not None or waited:
            said = " ".join(keeps) or reasons
            return [*lines, Line(until or due, "waits", f"It waits until then. {said}".strip())]
        return [*lines, Line(None, "waits", "It is its turn; the gateway takes it in hand next.")]
    if waited and message.claimed_at is not None:
        lines.append(Line(due, "waits", f"Until then it waited. {reasons}".strip()))
    if message.claimed_at is not None:
        which = f" for the {_nth(message.attempts)} time" if message.attempts > 1 else ""
        lines.append(Line(message.claimed_at, "claimed", f"Handed to WhatsApp{which}."))
    lines += _receipts(message)  # told in whole seconds, so that only their order is sure
    if message.state == "unconfirmed":
        words = "Nobody knows yet whether it left; a receipt will tell."
        lines.append(Line(None, "unconfirmed", words))
    return lines


def _receipts(message: Shown) -> Iterator[Line]:
    if message.sent_at is not None:
        yield Line(message.sent_at, "sent", "WhatsApp took it.")
    if message.delivered_at is not None:
        yield Line(message.delivered_at, "delivered", "It reached the contact’s phone.")
    if message.read_at is not None:
        yield Line(message.read_at, "read", "It was read.")
    if message.failed_at is None:
        return
    reason = f" {message.error}" if message.error else ""
    match message.state:
        case "suppressed":
            yield Line(message.failed_at, "suppressed", f"Not sent.{reason}")
        case "expired":
            yield Line(message.failed_at, "expired", f"Too late, so not sent.{reason}")
        case "cancelled":
            yield Line(message.failed_at, "cancelled", "Recalled before it was sent.")
        case "failed":
            yield Line(message.failed_at, "failed", f"It failed.{reason}")


def _why_phone(
    chosen: Mapping[str, Any], rules: Sequence[Rule], why: Sequence[str], message: Shown
) -> str:
    """The gateway's own sentence; else ours about how it chose; else its last word of all."""
    asked = [one.words for one in rules if one.rule == RULES["phones"] and one.words]
    if asked:
        return asked[-1]
    if how := HOW.get(str(chosen.get("how", ""))):
        return how.format(name=chosen.get("name") or "This phone")
    said = [one for one in why if not one.startswith(AN_ATTEMPT)]
    return said[-1] if said and message.claimed_at is not None and not rules else ""


def _error(message: Shown) -> Explained | None:
    if message.state == "cancelled":
        return None
    return explain_error(message.error_class, message.error_code, message.error)


def _cost(message: Shown, price: str) -> str:
    """What WhatsApp says it costs, empty as long as it says nothing."""
    billed = mapping(message.billed)
    if not billed:
        return "Nothing." if message.state in NOT_SENT else ""
    kind = str(billed.get("category") or message.category).replace("_", " ")
    if billed.get("billable") is False or billed.get("type") in FREE:
        return FREE.get(str(billed.get("type")), f"Free, as a {kind} message.")
    by_file = f": {price} by the price file" if price else ""
    if billed.get("model") == "CBP":
        return f"Part of a 24-hour {kind} conversation{by_file}."
    return f"Paid as one {kind} message{by_file}."


def _nth(attempt: int) -> str:
    return {2: "second", 3: "third"}.get(attempt, f"{attempt}th")
