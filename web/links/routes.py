"""A link of ours was opened: go where its author pointed it, and tell the engine.

Rule: nobody is sent anywhere that is not in the table. Programs that look ahead to draw a preview
are sent on, but not counted: they are not the customer.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request, Response, route
from litestar.params import FromPath

from flows.events import LinkClicked
from store import events, links
from web.given import Web
from web.shell.errors import RefusedError

GONE = "This link is not known any more. Ask whoever sent it to you for a new one."
AHEAD = re.compile(
    r"whatsapp/|facebookexternalhit|facebot|meta-external|(?<!cu)bot\b|crawler|spider|preview|slurp"
    r"|embedly|vkshare|skypeuripreview|headlesschrome",
    re.IGNORECASE,
)
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


@route("/l/{token:str}", http_method=["GET", "HEAD"], opt={"access": "machine"})
async def follow(request: Request[Any, Any, Any], web: Web, token: FromPath[str]) -> Response[None]:
    """Send the visitor on."""
    async with web.database.read() as tx:
        link = await links.find(tx, token)
    if link is None:
        raise RefusedError(404, GONE)
    if request.method == "GET" and not AHEAD.search(request.headers.get("user-agent", "")):
        await _count(web, link)
    return Response(None, status_code=302, headers={**HEADERS, "Location": link.url})


async def _count(web: Web, link: links.Link) -> None:
    """Each click counts; the first one is an event."""
    now = web.clock()
    clicked = LinkClicked(link.url, link.run_id, link.step)
    async with web.database.write() as tx:
        first = await links.count_click(tx, link.token, now)
        if first:
            await events.insert_many(
                tx,
                [
                    {
                        "company_id": link.company_id,
                        "contact_id": link.contact_id,
                        "kind": "link_clicked",
                        "data": msgspec.to_builtins(clicked),
                        "source_id": f"link:{link.token}",
                        "at": now,
                        "created_at": now,
                    }
                ],
            )
    if first:
        await web.bell.ring_engine()


HANDLERS = (follow,)
