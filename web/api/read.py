"""Chats that somebody has read, by API. Rule: the customer is told by the gateway, soon after."""

from __future__ import annotations

from litestar import put
from litestar.params import FromPath

from store import contact_list, read_marks
from web.given import Asker, Web


@put(
    "/contacts/{contact_id:int}/read",
    summary="Mark a chat as read",
    tags=["Messages"],
    opt={"role": "agent"},
    status_code=204,
)
async def mark_as_read(who: Asker, web: Web, contact_id: FromPath[int]) -> None:
    """The customer sees blue ticks on all they wrote so far. Nothing happens where they never
    wrote, and on linked devices.
    """
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await read_marks.ask(tx, contact_id, web.clock())
    await web.bell.ring_gateway()


HANDLERS = (mark_as_read,)
