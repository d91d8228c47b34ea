"""What a lever answers that was pulled in the builder: the bar, the line below it, the menu.

Rule: the canvas stays as it is; only what may be edited at all makes the page load anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response

from store import drafts
from web.automations import reads
from web.automations.check import known_of
from web.automations.view import automation_page
from web.builder.drawing import draw
from web.builder.status import bar_of
from web.config import WebConfig
from web.security.who import Who
from web.shell.render import Notice, page


def in_builder(request: Request[Any, Any, Any], automation_id: int) -> bool:
    """Whether the page that asks is the builder of this automation."""
    asked_on = urlsplit(request.headers.get("hx-current-url", "")).path
    return asked_on == f"/automations/{automation_id}"


async def lever_answer(
    request: Request[Any, Any, Any], automation_id: int, notices: Sequence[Notice]
) -> Response[Any]:
    """The page of the settings, or in the builder the parts of it that may have changed."""
    if not in_builder(request, automation_id):
        return await automation_page(request, automation_id, notices)
    return await changed_parts(request, automation_id, notices)


async def changed_parts(
    request: Request[Any, Any, Any], automation_id: int, notices: Sequence[Notice] = ()
) -> Response[str]:
    """The parts of the builder that a lever may have changed, as they are now."""
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
        standing = await drafts.standing(tx, who.company_id, automation_id)
    problems = draw(found.draft, known).problems
    values = {
        "automation": found,
        "base": f"/automations/{automation_id}",
        "bar": bar_of(*(found, problems, who, web.clock()), undo=standing.undo, redo=standing.redo),
    }
    return page(request, "builder/levers.html", values, notices=notices)


def opened_anew(request: Request[Any, Any, Any], automation_id: int) -> Response[Any] | None:
    """The answer that loads the builder again, None anywhere else."""
    if not in_builder(request, automation_id):
        return None
    return Response("", headers={"HX-Refresh": "true"})
