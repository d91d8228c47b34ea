"""The live connection of one page.

Rule: it only tells; and only for as long as the session lasts in which it was opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from web.automations import reads
from web.builder.live.feeds import feeds_of
from web.builder.live.watcher import Person, Watcher, event
from web.builder.results.view import view_of
from web.config import WebConfig
from web.given import Asker, Web
from web.security.still import is_still_signed_in

AGAIN_MS = 3_000  # how soon a browser asks again when the line breaks
ALIVE_S = 10.0  # something is said at least so often, and the session looked at
HEADERS = {"X-Accel-Buffering": "no"}  # a proxy that collects would keep it all to itself


@get("/automations/{automation_id:int}/live", opt={"role": "viewer"})
async def live(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Stream:
    """Events: `counts`, `draft`, `status`, `here`, and `over` when the session has ended."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        view = await view_of(tx, who, found, request.query_params, web.clock())
    watcher = Watcher(Person(who.name, who.user_id or 0), view.span)
    return Stream(
        _events(request, web, automation_id, watcher),
        media_type="text/event-stream",
        headers=HEADERS,
    )


async def _events(
    request: Request[Any, Any, Any], web: WebConfig, automation_id: int, watcher: Watcher
) -> AsyncIterator[str]:
    feeds = feeds_of(request.app)
    loop = asyncio.get_running_loop()
    looked = loop.time()
    yield f"retry: {AGAIN_MS}\n\n"
    async with feeds.watching(automation_id, watcher):
        while not feeds.closed:
            try:
                async with asyncio.timeout(ALIVE_S):
                    await watcher.bell.wait()
            except TimeoutError:
                yield ": still here\n\n"
            if loop.time() - looked >= ALIVE_S:
                looked = loop.time()
                if not await is_still_signed_in(request, web):
                    yield event("over", {})
                    return
            for one in watcher.take():
                yield one


HANDLERS = (live,)
