"""Revisions in the panel: the history, one of them step by step, comparing two, restoring one.

Rule: what is restored is a change of the draft like any other, so that it can be undone.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, put
from litestar.params import FromPath

from flows.changed import settings_in_words
from flows.diff import in_short
from flows.diff_steps import Change
from store import drafts, revisions
from web.automations import compare, levers, reads
from web.builder.versions.looking import pair_of
from web.given import Asker, Web
from web.paging import before_of, parse_id
from web.shell.errors import RefusedError
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}
LISTED = 30
CHOICES = 100  # offered for comparing; older ones can be named in the address
_OWN = ("name", "next", "at", "note", "type")


@get("/automations/{automation_id:int}/panel/revisions", opt=EDITOR)
async def show_revisions(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """All that was published, newest first."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        listed = await revisions.page(
            *(tx, who.company_id, automation_id), before=before_of(request), limit=LISTED + 1
        )
    values = {
        "automation": found,
        "base": f"/automations/{automation_id}",
        "rows": listed[:LISTED],
        "next": listed[LISTED - 1].number if len(listed) > LISTED else "",
        "looking_at": parse_id(request.query_params.get("revision", "")),
        "query": "",
        "older": before_of(request) is not None,
    }
    template = "older" if values["older"] else "panel"
    return page(request, f"builder/versions/{template}.html", values)


@get("/automations/{automation_id:int}/panel/compare", opt=EDITOR)
async def show_comparison(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """What turns one version into another, in words; each sentence leads to its card."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        listed = await revisions.page(tx, who.company_id, automation_id, limit=CHOICES)
        newest = str(listed[0].number) if listed else compare.DRAFT
        pair = pair_of(request.query_params) or (newest, compare.DRAFT)
        sides = [await compare.side(tx, who.company_id, automation_id, key) for key in pair]
    trouble, told = "", list[Change]()
    try:
        told = compare.between(*sides)
    except RefusedError as refused:
        trouble = refused.detail
    choices = [(compare.DRAFT, "The draft")]
    choices += [(str(one.number), f"Revision {one.number}") for one in listed]
    known = {key for key, _ in choices}
    choices += [(one.key, f"Revision {one.key}") for one in sides if one.key not in known]
    values = {
        "automation": found,
        "base": f"/automations/{automation_id}",
        "before": sides[0],
        "after": sides[1],
        "choices": dict(choices),
        "changes": told,
        "trouble": trouble,
        "summary": in_short(told),
    }
    return page(request, "builder/versions/compare.html", values)


@get("/automations/{automation_id:int}/panel/versions/{key:str}/step/{step:str}", opt=EDITOR)
async def show_step(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    key: FromPath[str],
    step: FromPath[str],
) -> Response[Any]:
    """The settings of a step as they are in that version, else in the one named by `or`."""
    keys = [key, *filter(None, [request.query_params.get("or", "")])]
    async with web.database.read() as tx:
        sides = [await compare.side(tx, who.company_id, automation_id, one) for one in keys]
    for side in sides:
        flow = side.flow
        if flow is None or (step not in flow.steps and step != "@start"):
            continue
        known = flow.steps.get(step)
        values = {
            "words": side.words,
            "step": known,
            "step_id": step,
            "flow": flow,
            "triggers": [one.summary() or one.label for one in flow.triggers.values()],
            "settings": list(settings_in_words(known, _OWN)) if known is not None else [],
            "ways": [
                (one.label, flow.steps.get(known.next.get(one.name, ""))) for one in known.exits()
            ]
            if known is not None
            else [],
        }
        return page(request, "builder/versions/step.html", values)
    if all(side.flow is None for side in sides):
        raise RefusedError(409, "This version cannot be read any more.", code="unreadable")
    raise RefusedError(404, "This version has no such step.")


@put("/automations/{automation_id:int}/draft/restored/{number:int}", opt=EDITOR)
async def restore(
    who: Asker, web: Web, automation_id: FromPath[int], number: FromPath[int]
) -> Response[str]:
    """Make a revision the draft again, as one change that can be undone."""
    async with web.database.write() as tx:
        held = await drafts.hold(tx, who.company_id, automation_id)
        if held.status == "archived":
            raise RefusedError(409, levers.ARCHIVED)
        one = await revisions.get(tx, who.company_id, automation_id, number)
        label = f"Restore revision {number}"
        await drafts.record(tx, held, one.flow, web.clock(), label=label, by=who.user_id)
    return Response("", headers={"HX-Redirect": f"/automations/{automation_id}?said=restored"})


HANDLERS = (show_revisions, show_comparison, show_step, restore)
