"""Revisions: what publishing would change and for whom, the history, comparing, going back.

Rule: every page tells before it does; the sentences are those of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get, put
from litestar.params import FromPath

from flows.diff import in_short
from store import revisions
from store.publishing import Planned
from web.automations import compare, levers, reads
from web.automations.publish_page import chosen, in_dialog, publish_page
from web.automations.published import published
from web.automations.view import automation_page
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

EDITOR = {"role": "viewer", "change_role": "editor"}
LISTED = 50
CHOICES = 200  # revisions offered for comparing; older ones can be named in the address


@get("/automations/{automation_id:int}/publish", opt={"role": "editor"})
async def show_publish(
    request: Request[Any, Any, Any], automation_id: FromPath[int]
) -> Response[Any]:
    """What publishing the draft would change, its problems, and who is inside."""
    return await publish_page(request, automation_id, None)


@put("/automations/{automation_id:int}/published", opt=EDITOR)
async def publish(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Make the draft live, with a plan for those who are inside."""
    form = await request.form()
    try:
        async with web.database.write() as tx:
            made = await levers.publish(
                *(tx, who, automation_id, web.clock()),
                comment=_comment(form),
                plan=_plan(form),
                expected=str(form.get("expected", "")),
                anyway=form.get("anyway") == "yes",
            )
    except RefusedError as refused:
        return await publish_page(request, automation_id, None, refused, form)
    return await published(request, automation_id, made, in_builder=in_dialog(request, form))


@get("/automations/{automation_id:int}/revisions/{number:int}/publish", opt={"role": "editor"})
async def show_go_back(
    request: Request[Any, Any, Any], automation_id: FromPath[int], number: FromPath[int]
) -> Response[Any]:
    """The same for an older revision that is to be live again."""
    return await publish_page(request, automation_id, number)


@put("/automations/{automation_id:int}/revisions/{number:int}/published", opt=EDITOR)
async def go_back(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    number: FromPath[int],
) -> Response[Any]:
    """Make what an older revision says live again."""
    form = await request.form()
    try:
        async with web.database.write() as tx:
            made = await levers.go_back(
                *(tx, who, automation_id, number, web.clock()),
                comment=_comment(form),
                plan=_plan(form),
                anyway=form.get("anyway") == "yes",
            )
    except RefusedError as refused:
        return await publish_page(request, automation_id, number, refused, form)
    return await published(request, automation_id, made, in_builder=in_dialog(request, form))


@get("/automations/{automation_id:int}/revisions", opt=EDITOR)
async def show_revisions(
    request: Request[Any, Any, Any], automation_id: FromPath[int]
) -> Response[Any]:
    """All that was published, newest first."""
    return await _revisions_page(request, automation_id)


@put("/automations/{automation_id:int}/revisions/{number:int}/restored", opt=EDITOR)
async def restore(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    number: FromPath[int],
) -> Response[Any]:
    """Make an older revision the draft."""
    force = request.query_params.get("force") == "true"
    async with web.database.write() as tx:
        await levers.restore(tx, who, automation_id, number, web.clock(), force=force)
    said = Notice(f"The draft is revision {number} again. Nothing changes live until you publish.")
    answer = await automation_page(request, automation_id, [said])
    answer.headers["HX-Push-Url"] = f"/automations/{automation_id}/more"
    return answer


@get("/automations/{automation_id:int}/compare", opt=EDITOR)
async def show_compare(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Any two versions in words; without a choice what is live and the draft."""
    asked = request.query_params
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        listed = await revisions.page(tx, who.company_id, automation_id, limit=CHOICES)
        newest = str(listed[0].number) if listed else compare.DRAFT
        sides = [
            await compare.side(tx, who.company_id, automation_id, asked.get(name) or usual)
            for name, usual in (("before", newest), ("after", compare.DRAFT))
        ]
    trouble, found = "", []
    try:
        found = compare.between(*sides)
    except RefusedError as refused:
        trouble = refused.detail
    choices = [(compare.DRAFT, "The draft")]
    choices += [(str(one.number), _choice(one)) for one in listed]
    choices += [
        (one.key, f"Revision {one.key}")
        for one in sides
        if one.key not in {key for key, _ in choices}
    ]
    values = {
        "automation": automation,
        "base": f"/automations/{automation_id}",
        "before": sides[0],
        "after": sides[1],
        "choices": choices,
        "summary": "These cannot be compared" if trouble else in_short(found),
        "changes": found,
        "trouble": trouble,
    }
    return page(request, "automations/compare.html", values)


async def _revisions_page(request: Request[Any, Any, Any], automation_id: int) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        rows = await revisions.page(
            *(tx, who.company_id, automation_id), before=before_of(request), limit=LISTED + 1
        )
        kept = await revisions.holds(tx, who.company_id, automation_id, automation.draft)
    values = {
        "automation": automation,
        "base": f"/automations/{automation_id}",
        "rows": rows[:LISTED],
        "next": rows[LISTED - 1].number if len(rows) > LISTED else "",
        "unsaved": not kept,
        "older": sum(one.inside for one in rows if one.id != automation.live_revision_id),
    }
    return page(request, "automations/revisions.html", values)


def _plan(form: Mapping[str, Any]) -> dict[str, Planned]:
    """What the table says; who stays needs no plan."""
    plan: dict[str, Planned] = {}
    for step, wish in chosen(form).items():
        do, _, to = wish.partition(":")
        if do == "move":
            plan[step] = Planned("move", to)
        elif do == "leave":
            plan[step] = Planned("leave")
    return plan


def _comment(form: Mapping[str, Any]) -> str:
    return str(form.get("comment", "")).strip()[:500]


def _choice(one: revisions.Listed) -> str:
    said = f"Revision {one.number}"
    return f"{said}: {one.comment[:40]}" if one.comment else said


HANDLERS = (*(show_publish, publish, show_go_back, go_back, show_revisions, restore, show_compare),)
