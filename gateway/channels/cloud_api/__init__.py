"""Meta's Cloud API: a business number that talks through graph.facebook.com (or a sandbox).

Rule: one HTTP request per send and no second try; trying again is the dispatcher's decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import FormData

from flows.content import Content
from gateway.channel import Accepted, Address, Channel, LocalFile, PhoneAccess, SendError
from gateway.channels.cloud_api.answers import classify, refusal
from gateway.channels.cloud_api.notices import phone_told
from gateway.channels.cloud_api.requests import read_body, request_body
from gateway.channels.cloud_api.shapes import decode, obj, text, whole
from gateway.channels.cloud_api.webhooks import challenge, parse, verify
from gateway.channels.cloud_api.wire import (
    ANSWER_WITHIN_S,
    CONNECT_WITHIN_S,
    MALFORMED,
    TOO_LARGE,
    Answer,
    Way,
    Wire,
)
from gateway.news import PhoneChanged

__all__ = ["CloudApi", "challenge", "classify", "parse", "request_body", "verify"]

BASE_URL = "https://graph.facebook.com"
VERSION = "v24.0"  # versions live about two years; phones can name their own
LOOKED_AT = (
    "display_phone_number,quality_rating,status,throughput,"
    "whatsapp_business_manager_messaging_limit"
)

NO_ADDRESS = SendError("contact", 0, "Neither a number nor a user id of this person is known.")


class CloudApi(Channel):
    """The Cloud API over one pool of kept-open connections.

    `base_url` and `version` are for phones that name none of their own.
    """

    def __init__(
        self,
        *,
        base_url: str = BASE_URL,
        version: str = VERSION,
        answer_within_s: float = ANSWER_WITHIN_S,
        connect_within_s: float = CONNECT_WITHIN_S,
    ) -> None:
        self.wire = Wire(
            base_url,
            version,
            answer_within_s=answer_within_s,
            connect_within_s=connect_within_s,
        )

    async def send(
        self,
        phone: PhoneAccess,
        to: Address,
        content: Content,
        *,
        reference: str,
        quoted: str = "",
    ) -> Accepted | SendError:
        if to.kind == "lid":  # an address of linked devices
            return NO_ADDRESS
        body = request_body(content, to, reference, quoted=quoted)
        if body is None:
            return SendError("our_request", 0, "This kind of content cannot be sent.")
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        answer = await self.wire.post_message(way, msgspec.json.encode(body))
        return answer if isinstance(answer, SendError) else classify(answer.status, answer.body)

    async def mark_read(
        self, phone: PhoneAccess, channel_id: str, *, typing: bool
    ) -> SendError | None:
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        body = msgspec.json.encode(read_body(channel_id, typing=typing))
        answer = await self.wire.post_message(way, body)
        return answer if isinstance(answer, SendError) else _refused(answer)

    async def upload(self, phone: PhoneAccess, file: LocalFile) -> str | SendError:
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        answer = await self._upload(way, phone.remote_id, file)
        if isinstance(answer, SendError):
            return answer
        remote_id = text(obj(decode(answer.body)).get("id"))
        if not answer.fine or not remote_id:
            return refusal(answer.status, answer.body)
        return remote_id

    async def _upload(self, way: Way, remote_id: str, file: LocalFile) -> Answer | SendError:
        try:
            opened = await asyncio.to_thread(file.path.open, "rb")
        except OSError:
            return SendError("our_request", 0, "The file is not kept any more.")
        with opened:
            form = FormData()
            form.add_field("messaging_product", "whatsapp")
            form.add_field("type", file.mime_type)
            name = file.filename or file.path.name
            form.add_field("file", opened, filename=name, content_type=file.mime_type)
            answer = await self.wire.send_form(way, way.to(remote_id, "media"), form)
        # An upload that may have worked does no harm: the file has just one id more.
        lost = isinstance(answer, SendError) and answer.meaning == "uncertain"
        return SendError("unreachable", 0, "The file could not be uploaded.") if lost else answer

    async def download(
        self, phone: PhoneAccess, remote_id: str, take: Callable[[bytes], object], limit: int
    ) -> str | SendError:
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        found = await self.wire.ask(way, "GET", way.to(remote_id))
        if isinstance(found, SendError):
            return found
        facts = obj(decode(found.body))
        if not found.fine or not text(facts.get("url")):
            return refusal(found.status, found.body)
        if whole(facts.get("file_size")) > limit:
            return TOO_LARGE
        answer = await self.wire.fetch(way, text(facts.get("url")), take, limit)
        if isinstance(answer, SendError):
            return answer
        return text(facts.get("mime_type")) if answer.fine else refusal(answer.status, answer.body)

    async def look(self, phone: PhoneAccess) -> PhoneChanged | SendError | None:
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        answer = await self.wire.ask(way, "GET", way.to(phone.remote_id, fields=LOOKED_AT))
        if isinstance(answer, SendError):
            return answer
        facts = obj(decode(answer.body))
        if not answer.fine or not facts:
            return refusal(answer.status, answer.body)
        return phone_told(facts)

    async def close(self) -> None:
        await self.wire.close()


def _refused(answer: Answer) -> SendError | None:
    return None if answer.fine else refusal(answer.status, answer.body)
