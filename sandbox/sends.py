"""A business sends: the rules that need memory, then the message's way to the customer.

One rule: `accept` either refuses and changes nothing, or remembers the message with everything
that will follow from it.
"""

import json

import msgspec

from sandbox import acts, chats, customers, media, templates
from sandbox.behaviour import Rule, matching
from sandbox.fill import fill
from sandbox.memory import Json, Row
from sandbox.pace import Bucket, take, take_pair
from sandbox.refusals import Refusal
from sandbox.shape import MEDIA_TYPES, Send, check_message, invalid
from sandbox.shown import show
from sandbox.world import World

UNREACHABLE = 131026
UNREACHABLE_DETAILS = "Message Undeliverable."


def accept(world: World, phone: Row, body: Json) -> Json | Refusal:
    """Carry out `POST /PNID/messages` with a message; return the answer's JSON."""
    send = check_message(body)
    if isinstance(send, Refusal):
        return send
    now = world.now()
    with world.memory.writing():
        wa_id = _recipient(world, send)
        if isinstance(wa_id, Refusal):
            return wa_id
        if wa_id == "".join(filter(str.isdigit, phone["display_phone_number"])):
            return Refusal(131021, "Message failed to send because it is addressed to the sender.")
        message = _compose(world, phone, wa_id, send, now)
        if isinstance(message, Refusal):
            return message
        if refusal := _take_pace(world, phone, wa_id, now):
            return refusal
        _carry(world, customers.meet(world.memory, wa_id), message, now)
    contact = {"input": send.written_to, "wa_id": wa_id}
    if send.recipient:
        contact = {"input": send.written_to, "user_id": send.recipient}
    accepted = {"id": message.id}
    if send.type == "template":
        accepted["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}


def mark_read(world: World, phone: Row, body: Json) -> Json | Refusal:
    """Carry out `POST /PNID/messages` with `status: read`: the customer's ticks turn blue."""
    message_id = body.get("message_id")
    message = chats.find(world.memory, message_id) if isinstance(message_id, str) else None
    if (
        message is None
        or message["direction"] != "in"
        or message["phone_number_id"] != phone["phone_number_id"]
    ):
        return invalid(f"message_id {message_id!r} is no message that this number received.")
    typing = body.get("typing_indicator")
    if typing is not None and typing != {"type": "text"}:
        return invalid("typing_indicator must be {'type': 'text'}.")
    with world.memory.writing():
        world.memory.do(
            "update messages set status = 'read' where direction = 'in' and wa_id = ?"
            " and phone_number_id = ? and n <= ? and status <> 'read'",
            message["wa_id"],
            message["phone_number_id"],
            message["n"],
        )
    world.live.ring(message["wa_id"])
    return {"success": True}


def _recipient(world: World, send: Send) -> str | Refusal:
    if send.recipient is not None:
        found = customers.find_by_user_id(world.memory, send.recipient)
        if found is None:
            return invalid(f"Param recipient: no user has the id {send.recipient}.")
        return str(found["wa_id"])
    digits = send.to or ""
    known = customers.find_dialled(world.memory, digits)
    return str(known["wa_id"]) if known else digits


def _compose(
    world: World, phone: Row, wa_id: str, send: Send, now: float
) -> chats.NewMessage | Refusal:
    phone_number_id = phone["phone_number_id"]
    window = chats.window_open(world.memory, wa_id, phone_number_id, now)
    template, category, billable = None, "service", False
    if send.type == "template":
        found = _approved(world, phone["waba_id"], send.content)
        if isinstance(found, Refusal):
            return found
        filled = fill(json.loads(found["components"]), send.content.get("components", []))
        if isinstance(filled, Refusal):
            return filled
        shown, template, category = filled, found["name"], found["category"].lower()
        billable = not (window and category == "utility")
    elif not window:
        return Refusal(
            131047,
            "Message failed to send because more than 24 hours have passed since the customer "
            "last replied to this number.",
        )
    else:
        shown = show(send.type, send.content)
    if refusal := _check_uploads(world, phone_number_id, send.type, shown, now):
        return refusal
    if send.type == "reaction" and not _is_of(
        chats.find(world.memory, send.content["message_id"]), wa_id, phone_number_id
    ):
        return invalid("reaction['message_id'] is no message of this chat.")
    return chats.NewMessage(
        id=world.ids.wamid(wa_id),
        direction="out",
        wa_id=wa_id,
        phone_number_id=phone_number_id,
        type=send.type,
        shown=shown,
        at=now,
        status="sent",
        template=template,
        category=category,
        billable=billable,
        callback_data=send.callback_data,
        context_id=send.content["message_id"] if send.type == "reaction" else send.context_id,
    )


def _is_of(message: Row | None, wa_id: str, phone_number_id: str) -> bool:
    return (
        message is not None
        and message["wa_id"] == wa_id
        and message["phone_number_id"] == phone_number_id
    )


def _approved(world: World, waba_id: str, content: Json) -> Row | Refusal:
    name, language = content["name"], content["language"]["code"]
    found = templates.find(world.memory, waba_id, name, language)
    if found is None:
        return Refusal(132001, f"template name ({name}) does not exist in {language}")
    status = found["status"]
    if status == "PAUSED":
        return Refusal(132015, f"template {name} ({language}) is paused due to low quality")
    if status == "DISABLED":
        return Refusal(132016, f"template {name} ({language}) was disabled due to low quality")
    if status != "APPROVED":
        return Refusal(132001, f"template {name} ({language}) is {status}, not APPROVED")
    return found


def _check_uploads(
    world: World, phone_number_id: str, kind: str, shown: Json, now: float
) -> Refusal | None:
    parts = (shown, *shown.get("cards", []))
    objects = [(kind, shown["media"])] if kind in MEDIA_TYPES else []
    objects += [
        (part["header"]["kind"], part["header"]["media"])
        for part in parts
        if "media" in part.get("header", {})
    ]
    for media_kind, one in objects:
        media_id = one.get("id")
        if media_id is not None and not media.is_usable(
            world.memory, media_id, phone_number_id, media_kind, now
        ):
            return Refusal(
                100,
                f"Param {media_kind}['id'] is not a valid whatsapp business account media "
                f"attachment ID: {media_id}",
            )
    return None


def _take_pace(world: World, phone: Row, wa_id: str, now: float) -> Refusal | None:
    phone_number_id, rate = phone["phone_number_id"], phone["throughput_per_s"]
    bucket = world.throughput.get(phone_number_id) or Bucket(rate, now)
    number = take(bucket, now, capacity=rate, per_second=rate)
    if number is None:
        return Refusal(
            130429,
            "Message failed to send because there were too many messages sent from this phone "
            "number in a short period of time",
        )
    pair = take_pair(chats.pair_bucket(world.memory, wa_id, phone_number_id, now), now)
    if pair is None:
        return Refusal(
            131056,
            "Message failed to send because there were too many messages sent from this phone "
            "number to the same phone number in a short period of time.",
        )
    world.throughput[phone_number_id] = number
    chats.save_pair_bucket(world.memory, wa_id, phone_number_id, pair)
    return None


def _carry(world: World, customer: Row, new: chats.NewMessage, now: float) -> None:
    n = chats.add(world.memory, new)
    message = chats.get(world.memory, n)
    rules: list[Rule] = []
    if new.type == "reaction":
        world.memory.do(
            "update messages set reaction = ? where id = ?", new.shown["text"], new.context_id
        )
    else:
        nth = customer["received"] + 1
        rules = list(matching(customers.script_of(customer), nth, message["text"]))
        world.memory.do("update customers set received = ? where wa_id = ?", nth, new.wa_id)
    gone_at_once = any(rule.do == "unreachable" and rule.after_s == 0 for rule in rules)
    if customer["unreachable"] or gone_at_once:
        world.memory.do("update customers set unreachable = 1 where wa_id = ?", new.wa_id)
        world.memory.do("update messages set error = ? where n = ?", UNREACHABLE, n)
        failed = chats.get(world.memory, n)
        acts.tell_status(world, failed, "failed", now, UNREACHABLE_DETAILS)
        return
    acts.tell_status(world, message, "sent", now)
    delivered_at = now + customer["delivered_after_s"]
    if delivered_at > now:
        _later(world, delivered_at, "deliver", n)
    else:
        acts.deliver(world, chats.get(world.memory, n), now)
    if customer["reads"] and customer["read_after_s"] is not None and new.type != "reaction":
        _later(world, delivered_at + customer["read_after_s"], "read", n)
    for rule in rules:
        _later(world, delivered_at + rule.after_s, "follow", n, rule)


def _later(world: World, at: float, kind: str, n: int, rule: Rule | None = None) -> None:
    world.memory.do(
        "insert into due (at, kind, message_n, rule) values (?, ?, ?, ?)",
        at,
        kind,
        n,
        msgspec.json.encode(rule).decode() if rule else None,
    )
    world.due_bell.set()
