"""What waits to be sent: by priority and automation, who is next, and when it is over.

Rule: to look at only; one message is recalled on its own page.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from gateway import outlook
from store import queue_view
from web.automations import reads
from web.given import Asker, Web
from web.messages.routes import PRIORITIES
from web.messages.story import sentences
from web.shell.render import page

EDITOR = {"role": "editor"}
SOURCES = {"api": "API", "person": "Written by hand", "system": "Tiptoe itself"}


@get("/queue", opt=EDITOR)
async def show_queue(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """The company's queue as it stands."""
    now = web.clock()
    async with web.database.read() as tx:
        lines = await queue_view.lines(tx, who.company_id, now)
        following = await queue_view.next_up(tx, who.company_id)
        in_hand = await queue_view.in_hand(tx, who.company_id)
        names = dict(
            await reads.names_of(tx, who.company_id, [one.contact_id for one in following])
        )
    due = [one.next_at for one in lines if one.next_at is not None]
    last = [one.last_at for one in lines if one.last_at is not None]
    values = {
        "lines": lines,
        "waiting": sum(one.waiting for one in lines),
        "due": sum(one.due for one in lines),
        "held": sum(one.waiting for one in lines if one.held),
        "oldest_at": min((one.oldest_at for one in lines), default=None),
        "next_at": min(due, default=None),
        "last_at": max(last, default=None),
        "following": [
            (one, names.get(one.contact_id) or f"Contact {one.contact_id}", sentences(one.why)[-1:])
            for one in following
        ],
        "in_hand": in_hand,
        "priorities": PRIORITIES,
        "sources": SOURCES,
    }
    return page(request, "queue/show.html", values)


@get("/queue/forecast", opt=EDITOR)
async def show_forecast(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """When the queue will be empty: a part of the page that is fetched after it, for it takes a
    second with many thousands.
    """
    async with web.database.read() as tx:
        found = await outlook.of_queue(tx, who.company_id, web.clock())
    most = max((n for _, n in found.by_day), default=0)
    return page(request, "queue/forecast.html", {"forecast": found, "most": most})


HANDLERS = (show_queue, show_forecast)
