"""What the owner asks of a linked device: send, look a number up, mark as read, log out.

Rule: what fails before anything has left says so; only a send that was begun can be uncertain.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import Any

from neonize.exc import NeonizeError, UploadError
from neonize.utils.enum import ChatPresence, ChatPresenceMedia, ReceiptType

from flows.content import Media
from gateway.channel import SendError
from gateway.paired import outgoing
from gateway.paired.errors import classify
from gateway.paired.wire import (
    Answer,
    Check,
    Checked,
    Done,
    Kept,
    LogOut,
    Ping,
    Read,
    Refused,
    Request,
    Said,
    Say,
)

IDS_KEPT = 5_000
UNREACHABLE = SendError("unreachable", 0, "The phone is not connected to WhatsApp right now.")
NO_ADDRESS = SendError("contact", 0, "A linked phone needs a number to write to.")
CANNOT_SEND = SendError("our_request", 0, "A linked phone cannot send this kind of content.")
NOT_PREPARED = SendError("temporary", 0, "The message could not be prepared.")
NO_FILE = SendError("media", 0, "The file could not be handed over.")
log = logging.getLogger(__name__)
Proto = Any


class Hands:
    """Does things through a client of the library. `own` is the phone's own address, once known."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.own = ""
        self.sent_ids: deque[str] = deque(maxlen=IDS_KEPT)
        self._heard: dict[str, Proto] = {}  # who wrote which message, to mark it as read

    def hear(self, channel_id: str, source: Proto) -> None:
        """Remember where a customer's message came from."""
        self._heard[channel_id] = source
        while len(self._heard) > IDS_KEPT:
            del self._heard[next(iter(self._heard))]

    async def answer(self, request: Request) -> Answer:
        """Do what is asked, and say what became of it; never raises."""
        try:
            return await self._do(request)
        except NeonizeError as error:
            said = classify(str(error))
            return Refused(request.n, said.meaning, said.code, said.message)
        except Exception as error:
            log.exception("a request failed")
            return Refused(request.n, "uncertain", 0, f"The library failed: {error!r}"[:200])

    async def _do(self, request: Request) -> Answer:
        match request:
            case Say():
                return await self._send(request)
            case Check(n=n, number=number):
                [found] = await self.client.is_on_whatsapp(f"+{number}")
                return Checked(n, bool(found.IsIn), outgoing.words_of(found.JID))
            case Read(n=n, channel_id=channel_id):
                await self._mark_read(channel_id)
                return Done(n)
            case LogOut(n=n):
                await self.client.logout()
                return Done(n)
            case Ping(n=n) | Kept(n=n):
                return Done(n)

    async def _mark_read(self, channel_id: str) -> None:
        source = self._heard.get(channel_id)
        if source is not None:  # else it came before this process began
            read = ReceiptType.READ
            await self.client.mark_read(
                channel_id, chat=source.Chat, sender=source.Sender, receipt=read
            )

    async def _send(self, ask: Say) -> Answer:
        to = outgoing.address(ask.to)
        if to is None:
            return _no(ask.n, NO_ADDRESS)
        if not await self.client.is_connected:
            return _no(ask.n, UNREACHABLE)
        try:
            message = await self._prepared(ask, to)
        except Exception:  # nothing has left yet
            log.exception("a message could not be prepared")
            return _no(ask.n, NOT_PREPARED)
        if isinstance(message, SendError):
            return _no(ask.n, message)
        if ask.typing_s:
            await self._type(to, ask.typing_s)
        sent = await self.client.send_message(to, message)
        self.sent_ids.append(sent.ID)
        return Said(ask.n, sent.ID, ask.reference)

    async def _prepared(self, ask: Say, to: Proto) -> Proto | SendError:
        upload = None
        if isinstance(ask.content, Media):
            upload = await self._upload(ask.content, ask.file)
            if isinstance(upload, SendError):
                return upload
        made = outgoing.message(ask.content, to, self.own, quoted=ask.quoted, upload=upload)
        return CANNOT_SEND if made is None else made

    async def _upload(self, content: Media, path: str) -> Proto | SendError:
        try:
            data = await asyncio.to_thread(Path(path).read_bytes)
            return await self.client.upload(data, outgoing.UPLOADED_AS[content.media])
        except (UploadError, OSError) as error:
            log.warning("a file could not be handed over: %s", error)
            # Nothing has left yet, so it is never uncertain.
            said = classify(str(error))
            return said if said.meaning == "unreachable" else NO_FILE

    async def _type(self, to: Proto, seconds: float) -> None:
        text = ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
        try:
            await self.client.send_chat_presence(to, ChatPresence.CHAT_PRESENCE_COMPOSING, text)
            await asyncio.sleep(seconds)
            await self.client.send_chat_presence(to, ChatPresence.CHAT_PRESENCE_PAUSED, text)
        except NeonizeError as error:
            log.warning("typing is not shown: %s", error)


def _no(n: int, error: SendError) -> Refused:
    return Refused(n, error.meaning, error.code, error.message)
