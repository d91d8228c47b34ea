"""Events of a linked device as news. Pure: it only reads the messages it is given.

Rule: a chat is one with one customer; groups, channels and the phone's own housekeeping are
passed over. What is older than the pairing, or than a day, is history: it is shown and starts
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from flows.content import Content, Location, Media, MediaKind, Other, Reaction, Tap, Text
from gateway.news import Echoed, Inbound, News, Receipt, ReceiptState, Sender

NUMBERS = "s.whatsapp.net"
LIDS = "lid"
STATES: dict[int, ReceiptState] = {1: "delivered", 4: "read", 6: "read"}
"""Receipt types of other people: delivered, read, played. The rest is of our own devices."""
HISTORY_AFTER = timedelta(days=1)  # as long as a service window: later nobody expects an answer
MEDIA: dict[str, MediaKind] = {
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}
WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "deviceSentMessage",
    "lottieStickerMessage",
    "associatedChildMessage",
)
DEEPEST = 5  # wrappers in wrappers; more is nonsense
REVOKED, EDITED = 0, 14  # protocol messages
SILENT = ("reaction", "edit", "revoke", "poll")
NOT_CONTENT = frozenset(
    {"senderKeyDistributionMessage", "messageContextInfo", "protocolMessage", "call", "chat"}
)
Proto = Any
"""A message of the library; its shapes are the protocol's, not ours."""


def is_chat(source: Proto, category: str = "") -> bool:
    """Whether a message's source is a chat with one person."""
    return (
        not source.IsGroup
        and category != "peer"
        and source.Chat.Server in (NUMBERS, LIDS)
        and bool(source.Chat.User)
    )


def lid_without_number(source: Proto) -> str:
    """The anonymous id of the other side when nothing here says their number, else empty."""
    other, beside = _other_side(source)
    known = NUMBERS in (other.Server, beside.Server)
    return "" if known or other.Server != LIDS else str(other.User)


def message_news(
    event: Proto,
    *,
    number: str = "",
    own_device: int | None = None,
    own_ids: Collection[str] = (),
    since: datetime | None = None,
    now: datetime,
    sha256: str = "",
) -> list[News]:
    """What one message event tells.

    `number`: the digits behind a LID, looked up; `own_device` and `own_ids` tell what we sent
    ourselves; `since`: when the phone was paired; `sha256`: of its file, which is kept.
    """
    info = event.Info
    source, channel_id = info.MessageSource, str(info.ID)
    if not is_chat(source, info.Category) or not channel_id:
        return []
    content = content_of(event.Message, edited=bool(event.IsEdit), sha256=sha256)
    if content is None:
        return []
    at = _moment(info.Timestamp / 1000, now)
    history = at < now - HISTORY_AFTER or (since is not None and at < since)
    kind = content.kind if isinstance(content, Other) else content.__struct_config__.tag
    silent = kind in SILENT
    other = _sender(source, number, "" if source.IsFromMe else str(info.Pushname))
    if source.IsFromMe:
        ours = channel_id in own_ids or source.Sender.Device == own_device
        if ours or silent or history:
            return []
        return [Echoed("", channel_id, at, other, content)]
    quoted = quoted_id(event.Message)
    return [Inbound("", channel_id, at, other, content, quoted, silent=silent or history)]


def receipt_news(event: Proto, now: datetime) -> list[News]:
    """What one receipt event tells, of each message it names."""
    state = STATES.get(int(event.Type))
    source = event.MessageSource
    if state is None or source.IsFromMe or not is_chat(source):
        return []
    at = _moment(event.Timestamp, now)
    return [Receipt("", str(one), state, at) for one in event.MessageIDs]


def unwrap(message: Proto) -> Proto:
    """The message inside its wrappers (disappearing, seen once, with caption, of a device …)."""
    for _ in range(DEEPEST):
        wrapper = next((name for name in WRAPPERS if message.HasField(name)), "")
        if not wrapper:
            break
        message = getattr(message, wrapper).message
    return message


def media_of(message: Proto) -> Proto | None:
    """The part of a message that describes its file, None when it has none."""
    inner = unwrap(message)
    return next((getattr(inner, name) for name in MEDIA if inner.HasField(name)), None)


def quoted_id(message: Proto) -> str:
    """The id of the message that this one answers, or empty."""
    inner = unwrap(message)
    for field, value in inner.ListFields():
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            return str(value.contextInfo.stanzaID)
    return ""


def content_of(message: Proto, *, edited: bool = False, sha256: str = "") -> Content | None:
    """What a message holds; None for the protocol's own affairs."""
    if edited or message.HasField("editedMessage"):
        return _edited(unwrap(message))
    inner = unwrap(message)
    if inner.HasField("protocolMessage"):
        return _protocol(inner.protocolMessage)
    if inner.conversation or inner.HasField("extendedTextMessage"):
        return Text(str(inner.conversation or inner.extendedTextMessage.text))
    for name, kind in MEDIA.items():
        if inner.HasField(name):
            return _media(kind, getattr(inner, name), sha256)
    return _tapped(inner) or _other(inner)


def _media(kind: MediaKind, part: Proto, sha256: str) -> Media:
    return Media(
        kind,
        caption=str(getattr(part, "caption", "")),
        filename=str(getattr(part, "fileName", "")),
        mime_type=str(part.mimetype),
        sha256=sha256,
    )


def _tapped(inner: Proto) -> Content | None:
    if inner.HasField("buttonsResponseMessage"):
        part = inner.buttonsResponseMessage
        return _tap(part.selectedButtonID, part.selectedDisplayText, "button")
    if inner.HasField("listResponseMessage"):
        part = inner.listResponseMessage
        return _tap(part.singleSelectReply.selectedRowID, part.title, "list")
    if inner.HasField("templateButtonReplyMessage"):
        part = inner.templateButtonReplyMessage
        return _tap(part.selectedID, part.selectedDisplayText, "template")
    if inner.HasField("interactiveResponseMessage"):
        part = inner.interactiveResponseMessage
        payload = _id_in(part.nativeFlowResponseMessage.paramsJSON)
        return _tap(payload, part.body.text, "button")
    return None


def _tap(payload: str, label: str, of: Literal["button", "list", "template"]) -> Tap:
    return Tap(str(payload) or str(label), str(label), of)


def _id_in(params: str) -> str:
    try:
        found = json.loads(params)
    except (ValueError, RecursionError):
        return ""
    value = found.get("id") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _other(inner: Proto) -> Content | None:
    if inner.HasField("reactionMessage"):
        part = inner.reactionMessage
        return Reaction(str(part.key.ID), str(part.text))
    for name in ("locationMessage", "liveLocationMessage"):
        if inner.HasField(name):
            part = getattr(inner, name)
            return Location(
                part.degreesLatitude,
                part.degreesLongitude,
                str(getattr(part, "name", "")),
                str(getattr(part, "address", "")),
            )
    if inner.HasField("contactMessage"):
        return _cards([inner.contactMessage])
    if inner.HasField("contactsArrayMessage"):
        return _cards(inner.contactsArrayMessage.contacts)
    if inner.HasField("pollUpdateMessage"):
        return Other("poll", "[answer to a poll]")
    unknown = next(_named(inner), "")
    return Other(unknown.removesuffix("Message") or "unknown") if unknown else None


def _named(inner: Proto) -> Iterator[str]:
    for field, _ in inner.ListFields():
        if field.name not in NOT_CONTENT:
            yield field.name


def _cards(cards: Proto) -> Other:
    names = ", ".join(str(card.displayName) for card in cards if card.displayName)
    return Other("contacts", names, {"contacts": [{"vcard": str(card.vcard)} for card in cards]})


def _protocol(part: Proto) -> Content | None:
    # REVOKE is 0, which is also what an absent type reads as.
    if part.type == REVOKED and part.HasField("type"):
        return Other("revoke", "", {"of": str(part.key.ID)})
    if part.type == EDITED:
        return _edited(part.editedMessage, str(part.key.ID))
    return None


def _edited(inner: Proto, of: str = "") -> Other:
    if inner.HasField("protocolMessage"):
        of = str(inner.protocolMessage.key.ID)
        inner = inner.protocolMessage.editedMessage
    words = str(inner.conversation or inner.extendedTextMessage.text)
    part = media_of(inner)
    return Other("edit", words or str(getattr(part, "caption", "")), {"of": of})


def _other_side(source: Proto) -> tuple[Proto, Proto]:
    """The address of the person we talk with, and the other one that came beside it."""
    if source.IsFromMe:
        return source.Chat, source.RecipientAlt
    return source.Sender, source.SenderAlt


def _sender(source: Proto, number: str, name: str) -> Sender:
    both = _other_side(source)
    digits = next((str(one.User) for one in both if one.Server == NUMBERS and one.User), number)
    lid = next((str(one.User) for one in both if one.Server == LIDS), "")
    return Sender(digits, name=name, lid=lid)


def _moment(seconds: float, now: datetime) -> datetime:
    """When it was; a phone's clock that makes no sense counts as now."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return at if seconds > 0 else now
