"""The templates of a company. Rule: to look at only; WhatsApp is where they are made."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Request, Response, get
from sqlalchemy.ext.asyncio import AsyncConnection

from store import templates
from store.automations import automations, revisions
from web.given import Asker, Web
from web.shell.render import page
from web.templates.view import names_used, view

EDITOR = {"role": "editor"}
SHOWN = 60  # each has a picture of its bubble; more are found by name


@get("/templates", opt=EDITOR)
async def show_templates(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All of them, or those of a name or state."""
    search = request.query_params.get("q", "").strip()[:120]
    status = request.query_params.get("status", "").upper()[:40]
    async with web.database.read() as tx:
        known = await templates.of_company(tx, who.company_id)
        users = await _users(tx, who.company_id)
    found = [
        one for one in known if search.lower() in one.name.lower() and status in ("", one.status)
    ]
    rows = []
    for one in found[:SHOWN]:
        keys = ((one.name, one.language), (one.name, ""))
        used_by = sorted({user for key in keys for user in users.get(key, ())})
        rows.append(view(one, used_by))
    values = {
        "rows": rows,
        "more": len(found) - len(rows),
        "known": len(known),
        "search": search,
        "status": status,
        "states": sorted({one.status for one in known}),
    }
    return page(request, "templates/list.html", values)


async def _users(
    tx: AsyncConnection, company_id: int
) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """`{(template, language): [(automation id, name)]}`, of drafts and what is live."""
    query = (
        sa.select(automations.c.id, automations.c.name, automations.c.draft, revisions.c.flow)
        .select_from(
            automations.outerjoin(revisions, revisions.c.id == automations.c.live_revision_id)
        )
        .where(automations.c.company_id == company_id, automations.c.status != "archived")
    )
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for row in await tx.execute(query):
        for key in names_used((row.draft, row.flow)):
            found.setdefault(key, []).append((row.id, row.name))
    return found


HANDLERS = (show_templates,)
