"""The list of automations, and a new one to begin with.

Rule: the list only reads; what a line's menu does lies in `row_routes.py`.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from store import automations, folders
from web.automations import reads
from web.automations.beginning import NEW, fresh_document
from web.automations.gallery import for_newcomers
from web.automations.listing import asked_of, rows_of, trigger_kinds
from web.given import Asker, Web
from web.paging import before_of
from web.phones.adding import go_to
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}


@get("/automations", opt=EDITOR)
async def show_list(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All automations with their numbers and problems."""
    asked = asked_of(request)
    async with web.database.read() as tx:
        rows, following = await rows_of(tx, who, asked, before_of(request), web.clock())
        totals = await reads.count_by_status(tx, who.company_id)
        used = await folders.of_company(tx, who.company_id)
    values = {
        "rows": rows,
        "next": following,
        "asked": asked,
        "kinds": trigger_kinds(),
        "folders": used,
        "totals": totals,
        "filtered": asked.anything or bool(sum(totals.values())),
        "starters": () if rows else for_newcomers(),
    }
    return page(request, "automations/list.html", values)


@post("/automations", opt=EDITOR)
async def begin(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """An empty draft that starts by hand, opened in the builder."""
    async with web.database.write() as tx:
        taken = await folders.names_taken(tx, who.company_id, NEW)
        document = fresh_document(who.language, taken)
        made = await automations.create(tx, who.company_id, document, web.clock())
    return go_to(request, f"/automations/{made}")


HANDLERS = (show_list, begin)
