"""Requests to graph.facebook.com (or a sandbox) over one pool of kept-open connections.

Rule: one request, no second try, no redirect; and an error says truly whether the request may have
left. What cannot be known is `uncertain`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from msgspec import Struct
from yarl import URL

from gateway.channel import PhoneAccess, SendError

ANSWER_WITHIN_S = 20.0  # Meta answers in under a second; slow media links take longer
CONNECT_WITHIN_S = 5.0
FILE_WITHIN_S = 120.0  # a hundred megabytes on a slow line
KEPT_FOR_S = 30.0  # a handshake costs more than a send
WAYS_KEPT = 4096  # phones with their tokens; more are simply worked out again
LARGEST_ANSWER = 4 * 1024 * 1024  # of JSON; a page of templates has some hundred kilobytes
READ_AT_ONCE = 64 * 1024

Method = Literal["GET", "POST", "DELETE"]
NEVER_LEFT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
MALFORMED = SendError("number_stopped", 0, "The phone's address or token is malformed.")
TOO_LARGE = SendError("media", 0, "The file is larger than WhatsApp allows.")


class Way(Struct, frozen=True):
    """How one phone is reached: worked out once, for it is the same for each of its sends."""

    base: str
    messages: URL
    headers: dict[str, str]
    json_headers: dict[str, str]
    proxy: str | None

    def to(self, *parts: str, **query: str) -> URL:
        """The address below the phone's version: `to(PNID, "media")`."""
        below = "/".join(quote(part, safe="") for part in parts)
        return URL(f"{self.base}/{below}", encoded=True).with_query(query)


class Answer(Struct, frozen=True):
    """What came back: HTTP status, body, and its Content-Type."""

    status: int
    body: bytes
    mime_type: str = ""

    @property
    def fine(self) -> bool:
        """Whether the status says that it went well."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own range of success


class Wire:
    """The pool. It is opened by the first request, because it belongs to the loop it runs in."""

    def __init__(
        self,
        base_url: str,
        version: str,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
        connect_within_s: float = CONNECT_WITHIN_S,
    ) -> None:
        self.base_url = base_url
        self.version = version
        self.timeout = aiohttp.ClientTimeout(total=answer_within_s, connect=connect_within_s)
        self.file_timeout = aiohttp.ClientTimeout(
            total=max(FILE_WITHIN_S, answer_within_s), connect=connect_within_s
        )
        self._session: aiohttp.ClientSession | None = None

    def way(self, phone: PhoneAccess) -> Way | None:
        """How to reach a phone; None when its address, id or token cannot be asked with."""
        return _way(
            (phone.base_url or self.base_url).rstrip("/"),
            phone.version or self.version,
            phone.remote_id,
            phone.token,
        )

    async def post_message(self, way: Way, body: bytes) -> Answer | SendError:
        """`POST /PNID/messages`, the one that counts: nothing is done here but the request."""
        return await self._ask("POST", way.messages, way, way.json_headers, body, self.timeout)

    async def ask(
        self, way: Way, method: Method, url: URL, body: object = None
    ) -> Answer | SendError:
        """Any other call; `body` becomes JSON."""
        raw = None if body is None else msgspec.json.encode(body)
        headers = way.headers if body is None else way.json_headers
        return await self._ask(method, url, way, headers, raw, self.timeout)

    async def send_form(self, way: Way, url: URL, form: aiohttp.FormData) -> Answer | SendError:
        """POST a form with a file in it."""
        return await self._ask("POST", url, way, way.headers, form, self.file_timeout)

    async def send_bytes(self, way: Way, url: URL, data: Any, **headers: str) -> Answer | SendError:
        """POST the bytes of a file, with the `headers` that such an upload wants."""
        return await self._ask("POST", url, way, headers, data, self.file_timeout)

    async def fetch(
        self, way: Way, address: str, take: Callable[[bytes], object], limit: int
    ) -> Answer | SendError:
        """The file at an address that Meta gave: its parts go to `take`, not into the answer."""
        try:
            url = URL(address, encoded=True)
        except ValueError:
            return SendError("media", 0, "WhatsApp gave an address that is none.")
        return await self._ask("GET", url, way, way.headers, None, self.file_timeout, limit, take)

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        method: Method,
        url: URL,
        way: Way,
        headers: dict[str, str],
        data: Any,
        patience: aiohttp.ClientTimeout,
        limit: int = LARGEST_ANSWER,
        take: Callable[[bytes], object] | None = None,
    ) -> Answer | SendError:
        session = self._session or self._open()
        try:
            async with session.request(
                method,
                url,
                data=data,
                headers=headers,
                timeout=patience,
                allow_redirects=False,
                proxy=way.proxy,
            ) as answer:
                body = b""
                if (answer.content_length or 0) > limit:
                    return TOO_LARGE
                if take is None or not answer.ok:
                    body = await answer.read()
                elif not await _pass_on(answer, take, limit):
                    return TOO_LARGE
                return Answer(answer.status, body, answer.headers.get("Content-Type", ""))
        except NEVER_LEFT:
            return SendError("unreachable", 0, f"{way.base} cannot be reached.")
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            return MALFORMED
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return SendError("uncertain", 0, f"No answer came ({type(error).__name__}).")

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_FOR_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


async def _pass_on(
    answer: aiohttp.ClientResponse, take: Callable[[bytes], object], limit: int
) -> bool:
    """Give the body away as it comes; False as soon as it is longer than allowed."""
    size = 0
    async for part in answer.content.iter_chunked(READ_AT_ONCE):
        size += len(part)
        if size > limit:
            return False
        take(part)
    return True


@lru_cache(maxsize=WAYS_KEPT)
def _way(base: str, version: str, remote_id: str, token: str) -> Way | None:
    try:
        url = URL(base)
        port_fits = url.port is None or url.port > 0
    except ValueError:
        return None
    sendable = token.isascii() and token.isprintable()
    if url.scheme not in {"http", "https"} or not url.host or not port_fits or not sendable:
        return None
    below = f"{base}/{quote(version)}"
    headers = {"Authorization": f"Bearer {token}"}
    return Way(
        below,
        URL(f"{below}/{quote(remote_id, safe='')}/messages", encoded=True),
        headers,
        headers | {"Content-Type": "application/json"},
        None if proxy_bypass(url.host) else getproxies().get(url.scheme),
    )
