"""What customers do: receive, read, write, tap, block. Every deed leaves a row and a webhook.

One rule: these verbs are called inside `world.writing()` and never open a transaction.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sandbox import chats, complaints, customers
from sandbox.behaviour import STOP_WORD, Rule
from sandbox.memory import Json, Row
from sandbox.numbers import digits_in
from sandbox.shown import Option, find_option, show
from sandbox.storms import Storm
from sandbox.webhooks import message_value, status_value
from sandbox.world import World, find_phone


def tell_status(world: World, message: Row, status: str, at: float, details: str = "") -> None:
    """Send the business a status of its message and remember it on the message."""
    phone, customer = _both(world, message)
    world.memory.do("update messages set status = ? where n = ?", status, message["n"])
    report(world, phone, customer, message, (status,), at, details)
    world.live.ring(message["wa_id"])


def _both(world: World, message: Row) -> tuple[Row, Row]:
    phone = find_phone(world, message["phone_number_id"])
    customer = customers.find(world.memory, message["wa_id"])
    if phone is None or customer is None:
        raise LookupError(f"message {message['n']} lost its number or its customer")
    return phone, customer


def report(
    world: World,
    phone: Row,
    customer: Row,
    message: Row | Json,
    statuses: Sequence[str],
    at: float,
    details: str = "",
) -> None:
    """Tell the business a message's statuses of one moment, through the storm if there is one."""
    lane, waba_id = customer["wa_id"], phone["waba_id"]
    if world.storm is None:
        world.post(
            lane=lane,
            waba_id=waba_id,
            field="messages",
            value=status_value(phone, customer, message, statuses, at, details),
            at=at,
            items=len(statuses),
        )
        return
    for status in statuses:
        value = status_value(phone, customer, message, (status,), at, details)
        for late, one in _stormy(world, world.storm, lane, message["id"], status, value):
            told = {"lane": lane, "waba_id": waba_id, "value": one}
            if late:
                world.later(at + late, "tell", rule=msgspec.json.encode(told).decode())
            else:
                tell_late(world, told, at)


def _stormy(
    world: World, storm: Storm, lane: str, message_id: str, status: str, value: Json
) -> Iterator[tuple[float, Json]]:
    """Yield what a storm makes of one status: how late, and the value."""
    seed = world.config.seed
    lateness = storm.lateness(seed, message_id, status)
    yield from ((late, value) for late in lateness)
    if lateness and storm.has_stranger(seed, message_id, status):
        nobody = value["statuses"][0] | {"id": world.ids.wamid(lane)}
        nobody.pop("biz_opaque_callback_data", None)
        yield lateness[0], value | {"statuses": [nobody]}


def tell_late(world: World, told: dict[str, Any], at: float) -> None:
    """Tell the business a status that the storm held back."""
    world.post(
        lane=told["lane"], waba_id=told["waba_id"], field="messages", value=told["value"], at=at
    )


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
        our_number = digits_in(phone["display_phone_number"])
        item["context"] = {"from": our_number, "id": context["id"]}
    item |= {"id": message_id, "timestamp": str(int(at))} | content
    n = chats.add(
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
    world.memory.do("update customers set last_n = ? where wa_id = ?", n, wa_id)
    chats.open_window(world.memory, wa_id, phone["phone_number_id"], at)
    world.post(
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
    phone, customer = _both(world, message)
    if rule.do == "unreachable":
        world.memory.do("update customers set unreachable = 1 where wa_id = ?", customer["wa_id"])
        return
    if rule.do in complaints.KINDS:
        annoyed_by = message["template_id"] or ""
        complaints.block(world, customer, phone, at, rule.do, annoyed_by)
        return
    if rule.do == "tap" and rule.option is not None:
        tapped = tap(world, customer, phone, at, message, rule.option)
        if tapped is not None or not rule.text:
            return
    write_text(world, customer, phone, at, rule.text or STOP_WORD)
