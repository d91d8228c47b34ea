"""Events of the library, built by hand.

Rule: the test's own process knows the library's words only; its Go part runs in phones' processes.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

logging.basicConfig()  # or the library would do it, in its own way
os.environ["SPHINX"] = "1"  # the library's own word for: without its Go part
import_module("pylibmagic")  # shows the next import where libmagic lies
proto: Any = import_module("neonize.proto.Neonize_pb2")
e2e: Any = import_module("neonize.proto.waE2E.WAWebProtobufsE2E_pb2")
del os.environ["SPHINX"]

OWN = "390000000001"
OWN_DEVICE = 7


def jid(user: str, server: str = "s.whatsapp.net", device: int = 0) -> Any:
    return proto.JID(
        User=user, Server=server, RawAgent=0, Device=device, Integrator=0, IsEmpty=not user
    )


NOBODY = jid("", "")


def source(other: str, server: str = "s.whatsapp.net", **values: Any) -> Any:
    told = {
        "Chat": jid(other, server),
        "Sender": jid(other, server),
        "IsFromMe": False,
        "IsGroup": False,
        "SenderAlt": NOBODY,
        "RecipientAlt": NOBODY,
        "BroadcastListOwner": NOBODY,
    }
    return proto.MessageSource(**(told | values))


def message(
    content: Any,
    channel_id: str = "IN-1",
    *,
    of: Any = None,
    at: datetime | None = None,
    name: str = "Ada",
    category: str = "",
    edit: bool = False,
) -> Any:
    """A message event; `content` an E2E message or a text."""
    if isinstance(content, str):
        content = e2e.Message(conversation=content)
    at = at or datetime.now(UTC)
    info = proto.MessageInfo(
        MessageSource=of or source("391230000001"),
        ID=channel_id,
        ServerID=0,
        Type="text",
        Pushname=name,
        Timestamp=int(at.timestamp() * 1000),
        Category=category,
        Multicast=False,
        MediaType="",
        Edit="",
    )
    return proto.Message(
        Info=info,
        Message=content,
        IsEphemeral=False,
        IsViewOnce=False,
        IsViewOnceV2=False,
        IsViewOnceV2Extension=False,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=edit,
        UnavailableRequestID="",
        RetryCount=0,
    )


def receipt(kind: int, *ids: str, of: Any = None, at: datetime | None = None) -> Any:
    at = at or datetime.now(UTC)
    return proto.Receipt(
        MessageSource=of or source("391230000001"),
        MessageIDs=ids,
        Timestamp=int(at.timestamp()),
        Type=kind,
    )


def from_me(to: str, device: int = 0, server: str = "s.whatsapp.net", **values: Any) -> Any:
    """A message of our own number, from its phone (device 0) or from us."""
    return source(to, server, Sender=jid(OWN, device=device), IsFromMe=True, **values)


def image(**values: Any) -> Any:
    part = {"mimetype": "image/png", "fileLength": 4, "mediaKey": b"key", "directPath": "/x"}
    return e2e.Message(imageMessage=e2e.ImageMessage(**(part | values)))
