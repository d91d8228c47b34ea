"""What becomes of an accepted message: held, failed, sent, delivered, read, answered.

One rule: these verbs are called inside `world.writing()` and never open a transaction.
"""

from typing import NamedTuple

from sandbox import accounts, acts, business, chats, customers, judging, templates
from sandbox.behaviour import Rule, matching
from sandbox.memory import Json, Row
from sandbox.world import World, find_phone

AT_ONCE = ("sent", "delivered")
UNREACHABLE = 131026
OVER_LIMIT = 131048
PAUSED = 132015
DETAILS = {
    UNREACHABLE: "Message Undeliverable.",
    OVER_LIMIT: (
        "Message failed to send because there are restrictions on how many messages can be sent "
        "from this phone number."
    ),
    PAUSED: "Template is paused due to low quality so it cannot be sent in a template message.",
}


class Fate(NamedTuple):
    """What a message becomes at once; `error` is the code of a failed one."""

    status: str
    error: int | None = None


def seal(
    world: World,
    phone: Row,
    customer: Row,
    chat: chats.Chat,
    new: chats.NewMessage,
    failing: int | None,
) -> None:
    """Remember an accepted message and set off what follows from it; `new` gets its status."""
    release_at = _release_at(world, new)
    nth, rules = _rules(customer, new.type, new.shown.get("text", ""))
    if release_at is None:
        fate = _fate(world, phone, customer, chat, rules, new, failing)
    else:
        fate, nth = Fate("held"), customer["received"]
    new.status, new.error = fate
    n = chats.add(world.memory, new)
    _note_on_customer(world, customer, nth, n, unreachable=fate.error == UNREACHABLE)
    world.sends.add(new.phone_number_id, new.at)
    if new.template_id:
        world.sends.add(new.template_id, new.at)
    if new.opened and fate.status != "failed":
        accounts.note_opened(world, accounts.get(world, phone["waba_id"]), new.wa_id, new.at)
    business.count_down(world, phone)
    if release_at is not None:
        world.later(release_at, "release", n)
        return
    if new.type == "reaction":
        emoji = new.shown["text"]
        world.memory.do("update messages set reaction = ? where id = ?", emoji, new.context_id)
    message = {
        "n": n,
        "id": new.id,
        "type": new.type,
        "callback_data": new.callback_data,
        "error": new.error,
        "billable": new.billable,
        "category": new.category,
    }
    _set_off(
        world, phone, customer, message, fate, rules, new.at, blocked=chat.blocked_at is not None
    )


def release(world: World, message: Row, at: float) -> None:
    """Let a held message go, or fail it when its template did not please."""
    phone = find_phone(world, message["phone_number_id"])
    customer = customers.find(world.memory, message["wa_id"])
    if phone is None or customer is None or message["status"] != "held":
        return
    template = templates.find_by_id(world.memory, message["template_id"])
    chat = chats.between(world.memory, message["wa_id"], message["phone_number_id"], at)
    nth, rules = _rules(customer, message["type"], message["text"])
    if template is None or template["status"] != "APPROVED" or template["quality"] == "RED":
        fate, rules, nth = Fate("failed", PAUSED), [], customer["received"]
    else:
        fate = _arrival(customer, chat, rules)
    world.memory.do("update messages set status = ?, error = ? where n = ?", *fate, message["n"])
    _note_on_customer(
        world, customer, nth, customer["last_n"], unreachable=fate.error == UNREACHABLE
    )
    told = dict(message) | {"error": fate.error}
    _set_off(world, phone, customer, told, fate, rules, at, blocked=chat.blocked_at is not None)


def _rules(customer: Row, kind: str, text: str) -> tuple[int, list[Rule]]:
    """Return which message of the customer this is, and the rules of the script that it meets."""
    if kind == "reaction":
        return customer["received"], []
    nth = customer["received"] + 1
    return nth, list(matching(customers.script_of(customer), nth, text))


def _release_at(world: World, new: chats.NewMessage) -> float | None:
    """Return until when a message of a new marketing template is held; None: it is not."""
    if new.template_id is None:
        return None
    found = templates.find_by_id(world.memory, new.template_id) if world.review.paces else None
    if found is None or new.category != "marketing":
        return None
    sends = world.sends.total(new.template_id)
    if found["first_sent"] is None and sends:
        return None  # it was in use before templates were paced
    judging.note_first_send(world, found, new.at)
    ends = (found["first_sent"] or new.at) + world.review.held_s
    held = new.at < ends and sends >= (world.review.held_after or 0)
    return ends if held else None


def _fate(
    world: World,
    phone: Row,
    customer: Row,
    chat: chats.Chat,
    rules: list[Rule],
    new: chats.NewMessage,
    failing: int | None,
) -> Fate:
    if failing is not None:
        return Fate("failed", failing)
    account = accounts.get(world, phone["waba_id"])
    # Meta counts deliveries, so the call is taken and the message fails. Its page on messaging
    # limits names the error by the words of 131048, restrictions on how many messages can be sent.
    if (
        new.opened
        and account.is_limited
        and not accounts.users_of(world, account.waba_id).may_add(new.wa_id, new.at, account.tier)
    ):
        return Fate("failed", OVER_LIMIT)
    return _arrival(customer, chat, rules)


def _arrival(customer: Row, chat: chats.Chat, rules: list[Rule]) -> Fate:
    gone_at_once = any(rule.do == "unreachable" and rule.after_s == 0 for rule in rules)
    if customer["unreachable"] or gone_at_once:
        return Fate("failed", UNREACHABLE)
    if chat.blocked_at is not None or customer["delivered_after_s"] > 0:
        return Fate("sent")
    return Fate("delivered")


def _note_on_customer(
    world: World, customer: Row, received: int, last_n: int, *, unreachable: bool
) -> None:
    world.memory.do(
        "update customers set received = ?, last_n = ?, unreachable = ? where wa_id = ?",
        received,
        last_n,
        customer["unreachable"] or unreachable,
        customer["wa_id"],
    )


def _set_off(
    world: World,
    phone: Row,
    customer: Row,
    message: Json,
    fate: Fate,
    rules: list[Rule],
    at: float,
    *,
    blocked: bool,
) -> None:
    world.live.ring(customer["wa_id"])
    if fate.error is not None:
        details = DETAILS.get(fate.error, "Made up by a fault of the sandbox.")
        acts.report(world, phone, customer, message, ("failed",), at, details)
        return
    delivered = fate.status == "delivered"
    acts.report(world, phone, customer, message, AT_ONCE if delivered else AT_ONCE[:1], at)
    if blocked:
        return
    n, delivered_at = message["n"], at + customer["delivered_after_s"]
    if not delivered:
        world.later(delivered_at, "deliver", n)
    if customer["reads"] and customer["read_after_s"] is not None and message["type"] != "reaction":
        world.later(delivered_at + customer["read_after_s"], "read", n)
    for rule in rules:
        world.later(delivered_at + rule.after_s, "follow", n, rule.as_text())
