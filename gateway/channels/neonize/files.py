"""The bytes of media messages, fetched by us before the phone's program sees them.

Rule: within limits, and never from inside our own network: the addresses were typed by users. The
address that was checked is the one that is connected to, and each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from flows.content import Content, Media, MediaKind
from flows.public import is_public

LIMITS: dict[MediaKind, int] = {
    "image": 5_000_000,
    "video": 16_000_000,
    "audio": 16_000_000,
    "document": 100_000_000,
    "sticker": 500_000,
}
"""Bytes, as WhatsApp takes them."""
WITHIN_S = 60.0
REDIRECTS = 3
AT_ONCE = 1 << 16


class FileError(Exception):
    """There is no file to send; the message says why."""


class Files:
    """Files of one worker's phones: those we keep in `kept`, others through `folder`."""

    def __init__(self, folder: Path, kept: Path, *, allow_private: bool) -> None:
        self._folder = folder
        self._kept = kept
        self._allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def of(self, content: Content) -> AsyncIterator[str]:
        """Where a media message's bytes lie meanwhile; empty for all others. Raises FileError."""
        if not isinstance(content, Media):
            yield ""
        elif content.sha256:
            path = self._kept / content.sha256[:2] / content.sha256
            if not path.is_file():
                raise FileError("The file is not kept any more.")
            yield str(path)
        elif content.link:
            path = self._folder / f"out-{token_hex(8)}"
            try:
                await self._fetch(content.link, path, LIMITS[content.media])
                yield str(path)
            finally:
                path.unlink(missing_ok=True)
        else:
            raise FileError("The file is known to another number only.")

    async def close(self) -> None:
        """Give connections back."""
        if self._session is not None:
            await self._session.close()

    async def _fetch(self, address: str, path: Path, limit: int) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                for _ in range(REDIRECTS + 1):
                    following = await self._one(address, path, limit)
                    if following is None:
                        return
                    address = following
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            host = urlsplit(address).hostname or "its address"
            raise FileError(f"The file cannot be fetched from {host}: {_words(error)}.") from error
        raise FileError(f"The file's address redirects more than {REDIRECTS} times.")

    async def _one(self, address: str, path: Path, limit: int) -> str | None:
        """Fetch into `path`, or the address it redirects to."""
        self._check(address)
        session = self._session = self._session or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_Resolver(allow_private=self._allow_private)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        async with session.get(address, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                return urljoin(address, answer.headers.get("Location", ""))
            if answer.status != 200:  # noqa: PLR2004 - the one that brings a file
                raise FileError(f"The file's address answered HTTP {answer.status}.")
            await _save(answer, path, limit)
            return None

    def _check(self, address: str) -> None:
        """Refuse what is no address of the web; numbers are never asked of the resolver."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FileError("The file's address is not one of the web.")
        try:
            public = is_public(parts.hostname)
        except ValueError:
            return  # a name
        if not public and not self._allow_private:
            raise FileError("The file's address lies inside a private network.")


async def _save(answer: aiohttp.ClientResponse, path: Path, limit: int) -> None:
    size = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        async for chunk in answer.content.iter_chunked(AT_ONCE):
            size += len(chunk)
            if size > limit:
                raise FileError(f"The file is larger than the {limit // 1000:,} kB WhatsApp takes.")
            file.write(chunk)
    if not size:
        raise FileError("The file is empty.")


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


class _Resolver(AbstractResolver):
    """Resolves names to public addresses only."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: list[Any] = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family
        )
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not self._allow_private and not all(is_public(one) for one in addresses):
            raise OSError(f"“{host}” leads into a private network")
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in addresses
        ]

    async def close(self) -> None:
        """Nothing is kept."""
