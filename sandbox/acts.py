"""What customers do: receive, read, write, tap. Every deed leaves a row and a webhook.

One rule: these verbs are called inside `memory.writing()` and never open a transaction.
"""

import json

from sandbox import chats, customers
from sandbox.behaviour import STOP_WORD, Rule
from sandbox.memory import Json, Row
from sandbox.shown import Option, find_option, show
from sandbox.webhooks import message_value, status_value
from sandbox.world import World, find_phone, post


def tell_status(world: World, message: Row, status: str, at: float, details: str = "") -> None:
    """Send the business a status of its message and remember it on the message."""
    phone = find_phone(world.memory, message["phone_number_id"])
    customer = customers.find(world.memory, message["wa_id"])
    if phone is None or customer is None:
        raise LookupError(f"message {message['n']} lost its number or its customer")
    world.memory.do("update messages set status = ? where n = ?", status, message["n"])
    post(
        world,
        lane=message["wa_id"],
        waba_id=phone["waba_id"],
        field="messages",
        value=status_value(phone, customer, message, status, at, details),
        at=at,
    )
    world.live.ring(message["wa_id"])


def deliver(world: World, message: Row, at: float) -> None:
    """The message reaches the customer's phone."""
    if message["status"] == "sent":
        tell_status(world, message, "delivered", at)


def read(world: World, message: Row, at: float) -> None:
    """The customer sees the message; those without read receipts tell nobody."""
    if message["status"] == "delivered" and message["type"] != "reaction":
        tell_status(world, message, "read", at)


def open_chat(world: World, wa_id: str, phone_number_id: str | None, at: float) -> None:
    """The customer looks at the chat: everything delivered is read now."""
    customer = customers.find(world.memory, wa_id)
    if customer is None or not customer["reads"]:
        return
    for message in chats.unread_by(world.memory, wa_id, phone_number_id):
        read(world, message, at)


def write(
    world: World,
    customer: Row,
    phone: Row,
    at: float,
    content: Json,
    shown: Json,
    context: Row | None = None,
) -> str:
    """The customer writes; `content` is type and object of the webhook. Returns the wamid."""
    wa_id = customer["wa_id"]
    open_chat(world, wa_id, phone["phone_number_id"], at)
    message_id = world.ids.wamid(wa_id)
    item: Json = {}
    if context is not None:
        our_number = "".join(filter(str.isdigit, phone["display_phone_number"]))
        item["context"] = {"from": our_number, "id": context["id"]}
    item |= {"id": message_id, "timestamp": str(int(at))} | content
    chats.add(
        world.memory,
        chats.NewMessage(
            id=message_id,
            direction="in",
            wa_id=wa_id,
            phone_number_id=phone["phone_number_id"],
            type=content["type"],
            shown=shown,
            at=at,
            status="sent",
            context_id=context["id"] if context is not None else None,
        ),
    )
    chats.open_window(world.memory, wa_id, phone["phone_number_id"], at)
    post(
        world,
        lane=wa_id,
        waba_id=phone["waba_id"],
        field="messages",
        value=message_value(phone, customer, item),
        at=at,
        message_id=message_id,
    )
    world.live.ring(wa_id)
    return message_id


def write_text(world: World, customer: Row, phone: Row, at: float, text: str) -> str:
    """The customer writes a text."""
    content = {"type": "text", "text": {"body": text}}
    return write(world, customer, phone, at, content, {"text": text})


def write_location(world: World, customer: Row, phone: Row, at: float, location: Json) -> str:
    """The customer sends a place: latitude, longitude, optional name and address."""
    content = {"type": "location", "location": location}
    return write(world, customer, phone, at, content, show("location", location))


def write_media(world: World, customer: Row, phone: Row, at: float, kind: str, media: Json) -> str:
    """The customer sends a file that the sandbox keeps: id, mime_type, sha256, caption."""
    content = {"type": kind, kind: media}
    return write(world, customer, phone, at, content, show(kind, media))


def tap(
    world: World, customer: Row, phone: Row, at: float, message: Row, wanted: int | str
) -> str | None:
    """The customer chooses an option of a message; None if it has no such option."""
    option = find_option(json.loads(message["shown"]), wanted)
    if option is None:
        return None
    tapped = sorted({*json.loads(message["tapped"] or "[]"), option.place})
    world.memory.do("update messages set tapped = ? where n = ?", json.dumps(tapped), message["n"])
    shown = {"text": option.title}
    return write(world, customer, phone, at, _tapped(message, option), shown, message)


def _tapped(message: Row, option: Option) -> Json:
    if message["type"] == "template":
        button = {"payload": option.id, "text": option.title}
        return {"type": "button", "button": button}
    reply = {"id": option.id, "title": option.title}
    if option.kind == "row" and option.description:
        reply["description"] = option.description
    kind = "list_reply" if option.kind == "row" else "button_reply"
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}}


def follow(world: World, message: Row, rule: Rule, at: float) -> None:
    """Carry out one rule of the customer's script, which `message` set off."""
    customer = customers.find(world.memory, message["wa_id"])
    phone = find_phone(world.memory, message["phone_number_id"])
    if customer is None or phone is None:
        raise LookupError(f"message {message['n']} lost its number or its customer")
    if rule.do == "unreachable":
        world.memory.do("update customers set unreachable = 1 where wa_id = ?", customer["wa_id"])
        return
    if rule.do == "tap" and rule.option is not None:
        tapped = tap(world, customer, phone, at, message, rule.option)
        if tapped is not None or not rule.text:
            return
    write_text(world, customer, phone, at, rule.text or STOP_WORD)
