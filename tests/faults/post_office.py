"""The road between WhatsApp and us, when it is bad: webhooks come late, twice, or again days after.

Rule: nothing is lost on it; whoever sends gets a refusal for what has not been handed over, and
sometimes for what has.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

Headers = dict[str, str]
Scope = MutableMapping[str, Any]
KEPT = 400
LATE, TWICE, UNTOLD = 0.06, 0.12, 0.18  # of all webhooks: refused first, sent twice, refused after
KEEP = ("content-type", "user-agent", "x-hub-signature-256")


class PostOffice:
    """Takes webhooks on `port` and hands them to `to`, as the dice of `seed` will have it."""

    def __init__(self, to: str, seed: int) -> None:
        self.to = to
        self.dice = random.Random(seed)
        self.seen: list[tuple[bytes, Headers]] = []
        self.troubles = 0
        self._http = httpx.AsyncClient(trust_env=False, timeout=30)

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Scope]],
        send: Callable[[Scope], Awaitable[None]],
    ) -> None:
        """One webhook (an ASGI application)."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = {k.decode(): v.decode() for k, v in scope["headers"] if k.decode() in KEEP}
        status = await self._carry(body, headers)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def deliver_again(self) -> None:
        """Something old comes once more."""
        if self.seen:
            await self._hand_over(*self.dice.choice(self.seen))

    async def close(self) -> None:
        """Close up."""
        await self._http.aclose()

    async def _carry(self, body: bytes, headers: Headers) -> int:
        luck = self.dice.random()
        if luck < LATE:
            self.troubles += 1
            return 503
        status = await self._hand_over(body, headers)
        if luck < UNTOLD:
            self.troubles += 1
            if luck < TWICE:
                return await self._hand_over(body, headers)
            return 500
        return status

    async def _hand_over(self, body: bytes, headers: Headers) -> int:
        try:
            answer = await self._http.post(self.to, content=body, headers=headers)
        except httpx.TransportError:
            return 502
        if answer.is_success:
            if len(self.seen) == KEPT:
                self.seen.pop(self.dice.randrange(KEPT))
            self.seen.append((body, headers))
        return answer.status_code


@asynccontextmanager
async def post_office(to: str, port: int, seed: int) -> AsyncIterator[PostOffice]:
    """Open at `http://127.0.0.1:port` until the end."""
    office = PostOffice(to, seed)
    config = uvicorn.Config(office, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    await asyncio.to_thread(config.load)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    running = asyncio.create_task(server.main_loop())
    try:
        yield office
    finally:
        server.should_exit = True
        await running
        await server.shutdown()
        await office.close()
