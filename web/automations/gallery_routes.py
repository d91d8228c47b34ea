"""The gallery: ready-made flows to look at, and to begin with.

Rule: using one makes a draft of the company's own; the library stays as it is.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from flows import library
from gateway.templates import KIND
from store import automations, folders, phone_use, scenarios, templates
from store.errors import NotFoundError
from web.api.templates import TemplateIn, make_template
from web.automations.beginning import free_name
from web.automations.gallery import Ready, find, flow_of, shelves, shipped, templates_of
from web.automations.outline import outline
from web.automations.stories import stories
from web.builder.pieces import in_pieces
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.adding import go_to
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

EDITOR = {"role": "viewer", "change_role": "editor"}
HERE = "/automations/gallery"


@get(HERE, opt=EDITOR)
async def show_gallery(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All ready-made flows, or those of one goal."""
    goal = request.query_params.get("goal", "")
    goal = goal if goal in library.GOALS else ""
    async with web.database.read() as tx:
        known = await templates.of_company(tx, who.company_id)
    shown = [one for one in shelves() if goal in ("", one.goal)]
    missing = {
        one.key: sum(not wanted.there for wanted in templates_of(one, known)) for one in shown
    }
    values = {"shown": shown, "goal": goal, "goals": library.GOALS, "missing": missing}
    return page(request, "automations/gallery.html", values)


@get("/automations/gallery/{key:str}", opt=EDITOR)
async def show_ready(
    request: Request[Any, Any, Any], who: Asker, web: Web, key: FromPath[str]
) -> Response[Any]:
    """One of them before it is used: picture, steps in words, templates as customers read them."""
    return await _ready_page(request, who, web, _get(key))


@post("/automations/gallery/{key:str}", opt=EDITOR)
async def use(
    request: Request[Any, Any, Any], who: Asker, web: Web, key: FromPath[str]
) -> Response[Any]:
    """Make a draft of it, with its saved tests, and open it."""
    ready = _get(key)
    form = await request.form()
    async with web.database.write() as tx:
        known = await templates.of_company(tx, who.company_id)
        made = await take(tx, who.company_id, key, web)
    asked = {}
    if form.get("then") == "simulate":
        asked["mode"] = "simulate"
    if any(not one.there for one in templates_of(ready, known)):
        asked["said"] = "templates"
    query = f"?{urlencode(asked)}" if asked else ""
    return go_to(request, f"/automations/{made}{query}")


@post("/automations/gallery/{key:str}/templates", opt=EDITOR)
async def ask_for_templates(
    request: Request[Any, Any, Any], who: Asker, web: Web, key: FromPath[str]
) -> Response[Any]:
    """Hand in at WhatsApp what it sends and is not there yet; those that worked are kept."""
    ready = _get(key)
    async with web.database.read() as tx:
        known = await templates.of_company(tx, who.company_id)
    done, trouble = 0, ""
    for wanted in templates_of(ready, known):
        if wanted.there:
            continue
        body = shipped()[wanted.name]
        told = TemplateIn(
            wanted.name, body["language"], body["category"], components=body["components"]
        )
        try:
            await make_template(web, who, told)
            done += 1
        except RefusedError as refused:
            trouble = f"“{wanted.name}”: {refused.detail}"
            break
    said = [Notice(f"{_count(done)} handed in. WhatsApp looks at each, mostly within minutes.")]
    notices = (said if done else []) + ([Notice(trouble, "danger")] if trouble else [])
    return await _ready_page(request, who, web, ready, notices, 422 if trouble else 200)


async def take(tx: AsyncConnection, company_id: int, key: str, web: WebConfig) -> int:
    """A draft of a ready-made flow and its saved tests; the automation's id."""
    now, document = web.clock(), library.document(key)
    taken = await folders.names_taken(tx, company_id, document["name"])
    document["name"] = free_name(document["name"], taken)
    made = await automations.create(tx, company_id, document, now)
    for one in library.scenarios(key, words=False):
        await scenarios.create(tx, company_id, made, one, now)
    return made


async def _ready_page(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    ready: Ready,
    notices: list[Notice] | None = None,
    status: int = 200,
) -> Response[Any]:
    async with web.database.read() as tx:
        known = await templates.of_company(tx, who.company_id)
        phones = await phone_use.of_companies(tx, [who.company_id])
    wanted = templates_of(ready, known)
    values = {
        "ready": ready,
        "steps": outline(flow_of(ready.key), [], {}, {}),
        "stories": stories(ready.key),
        "in_pieces": in_pieces,
        "templates": wanted,
        "missing": sum(not one.there for one in wanted),
        "can_ask": any(phone.kind == KIND and phone.account_id for phone in phones),
    }
    return page(
        request, "automations/gallery_one.html", values, status=status, notices=notices or []
    )


def _get(key: str) -> Ready:
    found = find(key)
    if found is None:
        message = f"there is no ready-made flow “{key}”"
        raise NotFoundError(message)
    return found


def _count(number: int) -> str:
    return "1 template" if number == 1 else f"{number} templates"


HANDLERS = (show_gallery, show_ready, use, ask_for_templates)
