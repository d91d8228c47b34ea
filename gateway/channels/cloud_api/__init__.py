"""Meta's Cloud API: a business number that talks through graph.facebook.com (or a sandbox).

Rule: one HTTP request per send and no second try; trying again is the dispatcher's decision.
"""

from __future__ import annotations

import msgspec

from flows.content import Content
from gateway.channel import Accepted, Address, Channel, PhoneAccess, SendError
from gateway.channels.cloud_api.answers import classify
from gateway.channels.cloud_api.requests import request_body
from gateway.channels.cloud_api.webhooks import challenge, parse, verify
from gateway.channels.cloud_api.wire import (
    ANSWER_WITHIN_S,
    CONNECT_WITHIN_S,
    MALFORMED,
    Wire,
)

__all__ = ["CloudApi", "challenge", "classify", "parse", "request_body", "verify"]

BASE_URL = "https://graph.facebook.com"
VERSION = "v24.0"  # versions live about two years; phones can name their own


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
        body = request_body(content, to, reference, quoted=quoted)
        if body is None:
            return SendError("our_request", 0, "This kind of content cannot be sent.")
        way = self.wire.way(phone)
        if way is None:
            return MALFORMED
        answer = await self.wire.post_message(way, msgspec.json.encode(body))
        return answer if isinstance(answer, SendError) else classify(answer.status, answer.body)

    async def close(self) -> None:
        await self.wire.close()
