"""One message: what it says, what happened to it and why, and taking it back while it waits.

Rule: every word about the why comes from `web.messages.story`, so that the API says the same.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, put
from litestar.params import FromPath

from store import messages, phones
from store.errors import NotFoundError
from web.automations import reads
from web.automations.compare import decoded
from web.automations.trace import step_title
from web.config import WebConfig
from web.given import Asker, Web
from web.messages import bubbles
from web.messages.recall import recall
from web.messages.telling import tell
from web.messages.terms import FORMULA
from web.security.who import Who
from web.shell.render import Notice, page

VIEWER = {"role": "viewer", "change_role": "agent"}
PRIORITIES = {0: "Answer in a live chat", 1: "News about an order", 2: "Marketing"}


@get("/messages/{message_id:int}", opt=VIEWER)
async def show_message(request: Request[Any, Any, Any], message_id: FromPath[int]) -> Response[Any]:
    """Its whole story."""
    return await _message_page(request, message_id)


@put("/messages/{message_id:int}/recalled", opt=VIEWER)
async def recall_message(
    request: Request[Any, Any, Any], who: Asker, web: Web, message_id: FromPath[int]
) -> Response[Any]:
    """Take it out of the queue; twice is once."""
    async with web.database.write() as tx:
        done = await recall(tx, who.company_id, message_id, web.clock())
    await web.bell.ring_engine()
    said = Notice("Recalled: it is not sent any more.")
    late = Notice("It was not waiting any more, so nothing was changed.", "warn")
    return await _message_page(request, message_id, said if done else late)


async def _message_page(
    request: Request[Any, Any, Any], message_id: int, *notices: Notice
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        told = await messages.find(tx, who.company_id, message_id)
        shown = await bubbles.find(tx, who.company_id, message_id)
        if told is None or shown is None:
            raise NotFoundError(f"message {message_id} does not exist")
        names = dict(await reads.names_of(tx, who.company_id, [told.contact_id]))
        automation, step = None, ""
        if told.automation_id is not None:
            automation = await reads.get_automation(tx, who.company_id, told.automation_id)
        if told.run_id is not None and told.step:
            flow = decoded(await reads.flow_of_run(tx, told.run_id))
            step = step_title(flow, told.step)
        told_story = await tell(tx, who.company_id, told, web.clock(), web.prices)
        phone = await phones.find(tx, who.company_id, told.phone_id) if told.phone_id else None
    values = {
        "message": told,
        "bubble": shown,
        "story": told_story,
        "formula": FORMULA,
        "contact": names.get(told.contact_id) or f"Contact {told.contact_id}",
        "automation": automation,
        "step": step,
        "phone": phone,
        "priority": PRIORITIES.get(told.priority, ""),
    }
    return page(request, "messages/show.html", values, notices=notices)


HANDLERS = (show_message, recall_message)
