"""Our messages as the linked-device protocol has them. Pure.

Rule: nothing of the library's own senders is used: they fetch files from addresses, want ffmpeg,
and make mentions of numbers in a text.
"""

from __future__ import annotations

from typing import Any

from neonize.proto import Neonize_pb2 as proto
from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as e2e
from neonize.utils.enum import MediaType

from flows.content import (
    Content,
    Location,
    Media,
    MediaKind,
    Reaction,
    Text,
)
from gateway.channel import Address
from gateway.paired.news import LIDS, NUMBERS
from gateway.paired.wire import Quoted

USUAL_TYPE: dict[MediaKind, str] = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg; codecs=opus",
    "document": "application/octet-stream",
    "sticker": "image/webp",
}
UPLOADED_AS: dict[MediaKind, Any] = {
    "image": MediaType.MediaImage,
    "video": MediaType.MediaVideo,
    "audio": MediaType.MediaAudio,
    "document": MediaType.MediaDocument,
    "sticker": MediaType.MediaImage,
}
VOICE = "audio/ogg"  # shown as a voice message
Proto = Any


def address(to: Address) -> Proto | None:
    """Where a message goes; None for an address that a linked device cannot reach."""
    if to.kind == "lid":
        return jid(to.value, LIDS)
    digits = "".join(char for char in to.value if char.isascii() and char.isdigit())
    return jid(digits) if digits and to.kind in ("wa_id", "phone") else None


def jid(user: str, server: str = NUMBERS) -> Proto:
    """An address of the protocol, with every field it insists on."""
    return proto.JID(User=user, Server=server, Device=0, RawAgent=0, Integrator=0, IsEmpty=False)


def words_of(to: Proto) -> str:
    """An address as text, without its device."""
    return f"{to.User}@{to.Server}"


def message(
    content: Content, to: Proto, own: str, *, quoted: Quoted | None = None, upload: Proto = None
) -> Proto | None:
    """`content` as a message to `to`; None for what a linked device cannot send as it is.

    `own` is our own address as text; `upload` the library's word on a media message's file.
    """
    match content:
        case Text(body=body):
            return _text(body, _context(quoted, to, own))
        case Media() if upload is not None:
            return _media(content, upload, _context(quoted, to, own))
        case Location():
            place = e2e.LocationMessage(
                degreesLatitude=content.latitude,
                degreesLongitude=content.longitude,
                name=content.name,
                address=content.address,
                contextInfo=_context(quoted, to, own),
            )
            return e2e.Message(locationMessage=place)
        case Reaction():
            reaction = e2e.ReactionMessage(text=content.emoji)
            reaction.key.remoteJID = words_of(to)
            reaction.key.fromMe = quoted is not None and quoted.ours
            reaction.key.ID = content.to
            return e2e.Message(reactionMessage=reaction)
        case _:
            return None


def _text(body: str, context: Proto) -> Proto:
    if context is None:
        return e2e.Message(conversation=body)
    return e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=body, contextInfo=context))


def _context(quoted: Quoted | None, to: Proto, own: str) -> Proto | None:
    if quoted is None:
        return None
    return e2e.ContextInfo(
        stanzaID=quoted.id,
        participant=own if quoted.ours else words_of(to),
        quotedMessage=e2e.Message(conversation=quoted.words),
    )


def _media(content: Media, upload: Proto, context: Proto) -> Proto:
    mime_type = content.mime_type or USUAL_TYPE[content.media]
    file = {
        "URL": upload.url,
        "directPath": upload.DirectPath,
        "mediaKey": upload.MediaKey,
        "fileEncSHA256": upload.FileEncSHA256,
        "fileSHA256": upload.FileSHA256,
        "fileLength": upload.FileLength,
        "mimetype": mime_type,
        "contextInfo": context,
    }
    match content.media:
        case "image":
            part = e2e.ImageMessage(**file, caption=content.caption)
            return e2e.Message(imageMessage=part)
        case "video":
            part = e2e.VideoMessage(**file, caption=content.caption)
            return e2e.Message(videoMessage=part)
        case "audio":
            part = e2e.AudioMessage(**file, PTT=mime_type.startswith(VOICE))
            return e2e.Message(audioMessage=part)
        case "sticker":
            return e2e.Message(stickerMessage=e2e.StickerMessage(**file))
        case "document":
            name = content.filename or content.caption or "file"
            part = e2e.DocumentMessage(**file, caption=content.caption, fileName=name, title=name)
            return e2e.Message(documentMessage=part)
