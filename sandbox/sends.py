"""A business sends: the rules that need memory, and what the business is answered.

One rule: `accept` either refuses and changes nothing, or remembers the message with everything
that will follow from it.
"""

from sandbox import accounts, business, chats, customers, fates, media, templates
from sandbox.fill import fill
from sandbox.memory import Json, Row
from sandbox.numbers import digits_in
from sandbox.pace import Bucket, take, take_pair
from sandbox.refusals import Refusal
from sandbox.shape import MEDIA_TYPES, Send, check_message, invalid
from sandbox.shown import show
from sandbox.world import World

HELD = "held_for_quality_assessment"


def accept(world: World, phone: Row, body: Json, *, failing: int | None = None) -> Json | Refusal:
    """Carry out `POST /PNID/messages` with a message; return the answer's JSON.

    With `failing` the message is taken, and fails afterwards with that code.
    """
    now = world.now()
    if refusal := business.stopped(phone, now):
        return refusal
    send = check_message(body)
    if isinstance(send, Refusal):
        return send
    with world.writing():
        customer = _recipient(world, send)
        if isinstance(customer, Refusal):
            return customer
        wa_id = customer if isinstance(customer, str) else customer["wa_id"]
        if wa_id == digits_in(phone["display_phone_number"]):
            return Refusal(131021, "Message failed to send because it is addressed to the sender.")
        chat = chats.between(world.memory, wa_id, phone["phone_number_id"], now)
        message = _compose(world, phone, wa_id, send, chat, now)
        if isinstance(message, Refusal):
            return message
        if refusal := _too_much(world, phone, message, chat):
            return refusal
        if isinstance(customer, str):
            customer = customers.meet(world.memory, customer)
        fates.seal(world, phone, customer, chat, message, failing)
    contact = {"input": send.written_to, "wa_id": wa_id}
    if send.recipient:
        contact = {"input": send.written_to, "user_id": send.recipient}
    accepted = {"id": message.id}
    if send.type == "template":
        accepted["message_status"] = HELD if message.status == "held" else "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]}


def mark_read(world: World, phone: Row, body: Json) -> Json | Refusal:
    """Carry out `POST /PNID/messages` with `status: read`: the customer's ticks turn blue."""
    if body["status"] != "read" or body.get("messaging_product") != "whatsapp":
        return Refusal(100, "Param status must be 'read'.")
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
    with world.writing():
        world.memory.do(
            "update messages set status = 'read' where direction = 'in' and wa_id = ?"
            " and phone_number_id = ? and n <= ? and status <> 'read'",
            message["wa_id"],
            message["phone_number_id"],
            message["n"],
        )
    world.live.ring(message["wa_id"])
    return {"success": True}


def _recipient(world: World, send: Send) -> Row | str | Refusal:
    """Return the customer, or the digits of somebody never heard of."""
    if send.recipient is not None:
        found = customers.find_by_user_id(world.memory, send.recipient)
        return found or invalid(f"Param recipient: no user has the id {send.recipient}.")
    digits = send.to or ""
    return customers.find_dialled(world.memory, digits) or digits


def _compose(
    world: World, phone: Row, wa_id: str, send: Send, chat: chats.Chat, now: float
) -> chats.NewMessage | Refusal:
    phone_number_id, window = phone["phone_number_id"], chat.window_open(now)
    template: Row | None = None
    if send.type == "template":
        found = _approved(world, phone["waba_id"], send.content)
        if isinstance(found, Refusal):
            return found
        template, components = found
        filled = fill(components, send.content.get("components", []))
        if isinstance(filled, Refusal):
            return filled
        shown = filled
    elif not window:
        return Refusal(
            131047,
            "Message failed to send because more than 24 hours have passed since the customer "
            "last replied to this number.",
        )
    else:
        shown = show(send.type, send.content)
    account = accounts.get(world, phone["waba_id"])
    if refusal := accounts.refusal(account, now, window=window):
        return refusal
    if refusal := _check_uploads(world, phone_number_id, send.type, shown, now):
        return refusal
    if send.type == "reaction" and not _is_of(
        chats.find(world.memory, send.content["message_id"]), wa_id, phone_number_id
    ):
        return invalid("reaction['message_id'] is no message of this chat.")
    category = template["category"].lower() if template else "service"
    return chats.NewMessage(
        id=world.ids.wamid(wa_id),
        direction="out",
        wa_id=wa_id,
        phone_number_id=phone_number_id,
        type=send.type,
        shown=shown,
        at=now,
        status="sent",
        template=template["name"] if template else None,
        template_id=template["id"] if template else None,
        category=category,
        billable=template is not None and not (window and category == "utility"),
        callback_data=send.callback_data,
        context_id=send.content["message_id"] if send.type == "reaction" else send.context_id,
        opened=not window,
    )


def _is_of(message: Row | None, wa_id: str, phone_number_id: str) -> bool:
    return (
        message is not None
        and message["wa_id"] == wa_id
        and message["phone_number_id"] == phone_number_id
    )


def _approved(world: World, waba_id: str, content: Json) -> tuple[Row, dict[str, Json]] | Refusal:
    name, language = content["name"], content["language"]["code"]
    found = templates.find_usable(world, waba_id, name, language)
    if found is None:
        return Refusal(132001, f"template name ({name}) does not exist in {language}")
    status = found[0]["status"]
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


def _too_much(
    world: World, phone: Row, message: chats.NewMessage, chat: chats.Chat
) -> Refusal | None:
    """Take the number's and the pair's permission to send now, and that for marketing."""
    phone_number_id, rate = phone["phone_number_id"], phone["throughput_per_s"]
    bucket = world.throughput.get(phone_number_id) or Bucket(rate, message.at)
    number = take(bucket, message.at, capacity=rate, per_second=rate)
    if number is None:
        return Refusal(
            130429,
            "Message failed to send because there were too many messages sent from this phone "
            "number in a short period of time",
        )
    pair = take_pair(chat.pair, message.at)
    if pair is None:
        return Refusal(
            131056,
            "Message failed to send because there were too many messages sent from this phone "
            "number to the same phone number in a short period of time.",
        )
    if message.category == "marketing" and (refusal := business.spam(world, phone)):
        return refusal
    world.throughput[phone_number_id] = number
    chats.save_pair_bucket(world.memory, message.wa_id, phone_number_id, pair)
    return None
