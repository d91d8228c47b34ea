"""The connected numbers and how they fare today. Rule: to look at only; credentials never show."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Request, Response, get

from store import phones
from web.given import Asker, Web
from web.shell.render import page


@get("/phones", opt={"role": "admin"})
async def show_list(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All numbers with what they sent today, by the company's midnight."""
    today = web.clock().astimezone(who.zone).date()
    days = phones.phone_days
    async with web.database.read() as tx:
        rows = await phones.of_company(tx, who.company_id)
        query = sa.select(days.c.phone_id, days.c.sent, days.c.failed).where(
            days.c.day == today, days.c.phone_id.in_([row.id for row in rows])
        )
        used = {row.phone_id: (row.sent, row.failed) for row in await tx.execute(query)}
    return page(request, "phones/list.html", {"rows": rows, "used": used})


HANDLERS = (show_list,)
