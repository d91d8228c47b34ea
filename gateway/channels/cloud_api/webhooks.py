"""Meta's webhooks as news. Pure.

Rule: parsing never raises and never drops a neighbour; what is unknown is passed over. Text and
ids are kept as they came. Source: the Cloud API's webhook reference.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from flows.content import Content, Location, Media, Other, Reaction, Tap, Text
from gateway.channels.cloud_api import notices
from gateway.channels.cloud_api.answers import send_error
from gateway.channels.cloud_api.shapes import decimal, decode, moment, obj, objects, text
from gateway.news import (
    Echoed,
    Inbound,
    News,
    NumberChanged,
    PreferenceChanged,
    Pricing,
    Receipt,
    ReceiptState,
    Sender,
    Trouble,
)

SIGNATURE_PREFIX = "sha256="
STATES: dict[str, ReceiptState] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice note that was listened to
    "failed": "failed",
}
SILENT = ("reaction", "edit", "revoke")
REFERRED_BY = ("source_type", "source_id", "source_url", "headline", "ctwa_clid")
FREE = ("free_customer_service", "free_entry_point")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Json = dict[str, Any]


def verify(raw: bytes, header: str, secrets: Iterable[str]) -> str | None:
    """The app secret that signed exactly these bytes (`X-Hub-Signature-256`), None for nobody's.

    Every secret is tried in constant time; the comparison leaks nothing about any of them.
    """
    if not header.startswith(SIGNATURE_PREFIX):
        return None
    given = header.removeprefix(SIGNATURE_PREFIX).strip().lower().encode("utf-8", "replace")
    found = None
    for secret in secrets:
        ours = hmac.new(secret.encode(), raw, sha256).hexdigest().encode()
        if secret and hmac.compare_digest(ours, given):
            found = secret
    return found


def challenge(params: Mapping[str, str], token: str) -> str | None:
    """What to answer Meta's subscribe check with; None when its verify token is not ours."""
    given = params.get("hub.verify_token", "")
    same = hmac.compare_digest(given.encode(), token.encode())
    if not token or not same or params.get("hub.mode") != "subscribe":
        return None
    return params.get("hub.challenge", "")


def parse(body: bytes) -> list[News]:
    """Everything one POST tells, in its order."""
    news: list[News] = []
    for entry in objects(obj(decode(body)).get("entry")):
        account = text(entry.get("id"))
        for change in objects(entry.get("changes")):
            read = FIELDS.get(text(change.get("field")))
            if read is not None:
                news.extend(read(obj(change.get("value")), account))
    return news


def _messages(value: Json, _account: str) -> Iterator[News]:
    phone = _phone(value)
    people = objects(value.get("contacts"))
    if not phone:
        return
    for status in objects(value.get("statuses")):
        yield from _receipt(status, phone)
    messages = objects(value.get("messages"))
    for message in messages:
        yield from _message(message, phone, people)
    if not messages:
        for error in objects(value.get("errors")):
            yield Trouble(phone, send_error(error))


def _phone(value: Json) -> str:
    return text(obj(value.get("metadata")).get("phone_number_id"))


def _receipt(status: Json, phone: str) -> Iterator[News]:
    state, channel_id = STATES.get(text(status.get("status"))), text(status.get("id"))
    if state is None or not channel_id:
        return
    errors = objects(status.get("errors"))
    yield Receipt(
        phone,
        channel_id,
        state,
        moment(status.get("timestamp")) or LONG_AGO,
        text(status.get("biz_opaque_callback_data")),
        send_error(errors[0] if errors else {}) if state == "failed" else None,
        _pricing(status),
    )


def _pricing(status: Json) -> Pricing | None:
    """What a status says about money; None when it says nothing."""
    told, conversation = obj(status.get("pricing")), obj(status.get("conversation"))
    origin = text(obj(conversation.get("origin")).get("type"))
    category = text(told.get("category")) or origin
    if not category:
        return None
    kind, billable = text(told.get("type")), told.get("billable")
    return Pricing(
        category,
        billable if isinstance(billable, bool) else kind not in FREE,
        text(told.get("pricing_model")),
        kind,
        text(conversation.get("id")),
        origin,
        moment(conversation.get("expiration_timestamp")),
    )


def _message(message: Json, phone: str, people: list[Json]) -> Iterator[News]:
    channel_id, sender = text(message.get("id")), _sender(message, people)
    at = moment(message.get("timestamp")) or LONG_AGO
    # A group's chat is not a chat with one customer.
    if not channel_id or sender is None or message.get("group_id"):
        return
    kind = text(message.get("type"))
    if kind == "system":
        new = text(obj(message.get("system")).get("wa_id"))
        if new:
            yield NumberChanged(phone, channel_id, at, sender, new)
        return
    context = obj(message.get("context"))
    yield Inbound(
        phone,
        channel_id,
        at,
        sender,
        _content(kind, message),
        text(context.get("id")),
        silent=kind in SILENT,
        product=_product(obj(context.get("referred_product"))),
        referral=_referral(obj(message.get("referral"))),
    )


def _product(referred: Json) -> dict[str, str]:
    """What of a catalogue a message was written from."""
    retailer_id = text(referred.get("product_retailer_id"))
    return (
        {"id": retailer_id, "catalog_id": text(referred.get("catalog_id"))} if retailer_id else {}
    )


def _referral(referral: Json) -> dict[str, str]:
    """The advertisement or post they came from."""
    told = {name: text(referral.get(name)) for name in REFERRED_BY}
    return {name: value for name, value in told.items() if value}


def _sender(message: Json, people: list[Json]) -> Sender | None:
    """The writer of a message, matched with the profiles that came beside it."""
    wa_id, user_id = text(message.get("from")), text(message.get("from_user_id"))
    person: Json = {}
    for one in people:
        ids = {text(one.get("wa_id")), text(one.get("user_id"))} - {""}
        if len(people) == 1 or ids & {wa_id, user_id}:
            person = one
            break
    return _person(wa_id, user_id, person)


def _person(wa_id: str, user_id: str, person: Json) -> Sender | None:
    wa_id = wa_id or text(person.get("wa_id"))
    user_id = user_id or text(person.get("user_id"))
    if not wa_id.lstrip("+").isdigit():
        # Users without a number: `from` may repeat the user id.
        user_id, wa_id = user_id or wa_id, ""
    if not wa_id and not user_id:
        return None
    profile = obj(person.get("profile"))
    name = text(profile.get("name")) or text(profile.get("username"))
    return Sender(wa_id.lstrip("+"), user_id, name)


def _content(kind: str, message: Json) -> Content:
    value = obj(message.get(kind))
    match kind:
        case "text":
            return Text(text(value.get("body")))
        case "button":
            label = text(value.get("text"))
            return Tap(text(value.get("payload")) or label, label, "template")
        case "interactive":
            return _tapped(value)
        case "image" | "video" | "audio" | "document" | "sticker":
            return Media(
                kind,
                link=text(value.get("url")),
                remote_id=text(value.get("id")),
                caption=text(value.get("caption")),
                filename=text(value.get("filename")),
                mime_type=text(value.get("mime_type")),
            )
        case "location":
            return Location(
                decimal(value.get("latitude")),
                decimal(value.get("longitude")),
                text(value.get("name")),
                text(value.get("address")),
            )
        case "reaction":
            return Reaction(text(value.get("message_id")), text(value.get("emoji")))
        case "contacts":
            return _cards(objects(message.get("contacts")))
        case _:
            note = text(value.get("text")) or _first_title(message)
            return Other(kind or "unknown", note, value)


def _tapped(value: Json) -> Content:
    kind = text(value.get("type"))
    chosen = obj(value.get(kind))
    match kind:
        case "button_reply" | "list_reply":
            of: Literal["button", "list"] = "button" if kind == "button_reply" else "list"
            label = text(chosen.get("title"))
            return Tap(text(chosen.get("id")) or label, label, of)
        case "nfm_reply":
            # A form that was filled in: its answers are JSON inside a string.
            answers = obj(decode(text(chosen.get("response_json")).encode("utf-8", "replace")))
            return Other("form", text(chosen.get("body")), {"answers": answers})
        case _:
            return Other(f"interactive {kind}".strip(), "", chosen)


def _cards(cards: list[Json]) -> Content:
    names = [text(obj(card.get("name")).get("formatted_name")) for card in cards]
    return Other("contacts", ", ".join(filter(None, names)), {"contacts": cards})


def _first_title(message: Json) -> str:
    titles = [text(error.get("title")) for error in objects(message.get("errors"))]
    return next(iter(titles), "")


def _preferences(value: Json, _account: str) -> Iterator[News]:
    phone, people = _phone(value), objects(value.get("contacts"))
    for wish in objects(value.get("user_preferences")):
        beside = {"from": wish.get("wa_id"), "from_user_id": wish.get("user_id")}
        sender = _sender(beside, people)
        wants = {"stop": False, "resume": True}.get(text(wish.get("value")))
        marketing = wish.get("category") == "marketing_messages"
        if phone and sender is not None and wants is not None and marketing:
            at = moment(wish.get("timestamp")) or LONG_AGO
            yield PreferenceChanged(phone, sender, wants, at)


def _echoes(value: Json, _account: str) -> Iterator[News]:
    phone = _phone(value)
    for echo in objects(value.get("message_echoes")):
        channel_id, kind = text(echo.get("id")), text(echo.get("type"))
        to = _person(text(echo.get("to")), text(echo.get("to_user_id")), {})
        if phone and channel_id and to is not None and kind not in SILENT:
            at = moment(echo.get("timestamp")) or LONG_AGO
            yield Echoed(phone, channel_id, at, to, _content(kind, echo))


FIELDS: dict[str, Callable[[Json, str], Iterator[News]]] = {
    "messages": _messages,
    "user_preferences": _preferences,
    "smb_message_echoes": _echoes,
    **notices.FIELDS,
}
