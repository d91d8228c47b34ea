"""Meta's Cloud API: a business number that talks through graph.facebook.com (or a sandbox).

Rule: one HTTP request per send and no second try; trying again is the dispatcher's decision.
"""

from __future__ import annotations

import httpx
import msgspec

from flows.content import Content
from gateway.channel import Accepted, Address, Channel, PhoneAccess, SendError
from gateway.channels.cloud_api.answers import classify
from gateway.channels.cloud_api.requests import request_body
from gateway.channels.cloud_api.webhooks import challenge, parse, verify

__all__ = ["CloudApi", "challenge", "classify", "parse", "request_body", "verify"]

BASE_URL = "https://graph.facebook.com"
VERSION = "v24.0"  # versions live about two years; phones can name their own
ANSWER_WITHIN_S = 20.0  # Meta answers in under a second; slow media links take longer
CONNECT_WITHIN_S = 5.0
KEPT_OPEN = 64  # connections kept for the next sends: a handshake costs more than a send
KEPT_FOR_S = 30.0


class CloudApi(Channel):
    """The Cloud API over one pool of kept-open connections.

    `base_url` and `version` are for phones that name none of their own.
    """

    def __init__(
        self,
        client: httpx.AsyncClient | None = None,
        *,
        base_url: str = BASE_URL,
        version: str = VERSION,
    ) -> None:
        self.base_url = base_url
        self.version = version
        self.client = client or httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=KEPT_OPEN,
                keepalive_expiry=KEPT_FOR_S,
            ),
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
        base = (phone.base_url or self.base_url).rstrip("/")
        try:
            answer = await self.client.post(
                f"{base}/{phone.version or self.version}/{phone.remote_id}/messages",
                content=msgspec.json.encode(body),
                headers={
                    "Authorization": f"Bearer {phone.token}",
                    "Content-Type": "application/json",
                },
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            return SendError("unreachable", 0, f"{base} cannot be reached.")
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, ValueError):
            # ValueError: a token or number id that cannot be put into a request at all.
            return SendError("number_stopped", 0, "The phone's address or token is malformed.")
        except httpx.HTTPError as error:
            return SendError("uncertain", 0, f"No answer came ({type(error).__name__}).")
        return classify(answer.status_code, answer.content)

    async def close(self) -> None:
        await self.client.aclose()
