"""Automations: the list, one as an outline, importing and editing its draft.

Rule: every change is a resource that is put or deleted; the answer is the page as it is then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from flows.duration import parse_duration
from flows.problems import Problem
from flows.trigger import Trigger
from store import automations
from web.automations import levers, reads
from web.automations.check import (
    DOCUMENT_LIMIT,
    by_step,
    check,
    errors_in,
    known_of,
    read_document,
)
from web.automations.view import automation_page, starts_by
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

STATUSES = ("draft", "live", "paused", "archived")
EDITOR = {"role": "viewer", "change_role": "editor"}


class Row(Struct, frozen=True):
    """One line of the list."""

    id: int
    name: str
    status: str
    changed: bool
    starts_by: str
    counts: reads.Counts
    errors: int
    warnings: int
    updated_at: Any


@get("/")
async def show_start() -> Response[Any]:
    """People begin where their work is."""
    return Redirect("/automations", status_code=303)


@get("/automations", opt=EDITOR)
async def show_list(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All automations with their numbers and problems."""
    status = request.query_params.get("status", "")
    status = status if status in STATUSES else ""
    search = request.query_params.get("q", "").strip()[:120]
    now = web.clock()
    async with web.database.read() as tx:
        found = await reads.find_page(
            tx, who.company_id, status=status, search=search, before=before_of(request)
        )
        shown, following = cut(found, reads.LISTED)
        counts = await reads.counts_of(tx, who.company_id, [one.id for one in shown], now)
        totals = await reads.count_by_status(tx, who.company_id)
        known = await known_of(tx, who.company_id)
    rows = []
    for one in shown:
        flow, problems = check(one.draft, known)
        wrong = errors_in(problems)
        rows.append(
            Row(
                id=one.id,
                name=one.name or "Without a name",
                status=one.status,
                changed=one.changed,
                starts_by=starts_by(flow),
                counts=counts[one.id],
                errors=len(wrong),
                warnings=sum(problem.severity == "warning" for problem in problems),
                updated_at=one.updated_at,
            )
        )
    values = {
        "rows": rows,
        "next": following,
        "status": status,
        "search": search,
        "totals": totals,
        "filtered": bool(status or search or sum(totals.values())),
        "address": f"/automations?status={status}" if status else "/automations",
    }
    return page(request, "automations/list.html", values)


@get("/automations/import", opt={"role": "editor"})
async def show_import(request: Request[Any, Any, Any]) -> Response[Any]:
    """A place for a file or pasted text."""
    return page(request, "automations/import.html", _import_values("", checked=False))


@post("/automations/import", opt=EDITOR, request_max_body_size=2 * DOCUMENT_LIMIT)
async def import_document(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Check a document; make a draft of it when that was asked and its form is right."""
    form = await request.form()
    text = await _document_of(form)
    if len(text) > DOCUMENT_LIMIT:
        raise RefusedError(413, f"A document may have {DOCUMENT_LIMIT:,} characters at most.")
    raw, problems = read_document(text)
    flow = None
    if raw is not None:
        async with web.database.read() as tx:
            known = await known_of(tx, who.company_id)
        flow, problems = check(raw, known)
    if flow is None or form.get("do") != "import":
        values = _import_values(text, checked=True, problems=problems, flow=flow)
        return page(request, "automations/import.html", values, status=422 if not flow else 200)
    async with web.database.write() as tx:
        made = await automations.create(tx, who.company_id, raw or {}, web.clock())
    return Redirect(f"/automations/{made}?said=imported", status_code=303)


@get("/automations/{automation_id:int}/more", opt=EDITOR)
async def show_more(request: Request[Any, Any, Any], automation_id: FromPath[int]) -> Response[Any]:
    """What the builder does not show: test mode, priority, starting by hand, the JSON."""
    return await automation_page(request, automation_id)


@get("/automations/{automation_id:int}/export", opt=EDITOR)
async def export(who: Asker, web: Web, automation_id: FromPath[int]) -> Response[str]:
    """The draft as a file: layout and all, no secrets, no contacts."""
    async with web.database.read() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
    letters = [char.lower() if char.isascii() and char.isalnum() else "-" for char in found.name]
    name = "-".join(part for part in "".join(letters).split("-") if part) or "automation"
    return Response(
        json.dumps(found.draft, indent=2, ensure_ascii=False) + "\n",
        media_type=MediaType.JSON,
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


@post(
    "/automations/{automation_id:int}/draft", opt=EDITOR, request_max_body_size=2 * DOCUMENT_LIMIT
)
async def save_draft(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Keep an edited document; only what is no JSON object at all is refused."""
    form = await request.form()
    text = str(form.get("document", ""))
    raw, problems = read_document(text)
    if raw is None:
        said = [Notice(f"Not saved. {problem.sentence}", "danger") for problem in problems]
        return await automation_page(request, automation_id, said, status=422, document=text)
    async with web.database.write() as tx:
        await _get_editable(tx, who, automation_id)
        await automations.save_draft(tx, who.company_id, automation_id, raw, web.clock())
    return Redirect(f"/automations/{automation_id}/more?said=saved", status_code=303)


@put("/automations/{automation_id:int}/draft/triggers/{trigger_id:str}/wait", opt=EDITOR)
async def set_wait(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    trigger_id: FromPath[str],
) -> Response[Any]:
    """Change how long a cart must rest, in the draft and, when asked, live."""
    form = await request.form()
    wait = "".join(str(form.get("wait", "")).lower().split())
    async with web.database.write() as tx:
        found = await _get_editable(tx, who, automation_id)
        known = await known_of(tx, who.company_id)
        trouble, draft = _with_wait(found.draft, trigger_id, wait, known)
        if not trouble:
            await automations.save_draft(tx, who.company_id, automation_id, draft, web.clock())
    if trouble:
        return await automation_page(
            request, automation_id, status=422, wait_error={trigger_id: (wait, trouble)}
        )
    said = Notice("The wait is saved in the draft.")
    if form.get("then") == "publish":
        said = await _publish(who, web, automation_id)
    return await automation_page(request, automation_id, [said])


async def _publish(who: Who, web: WebConfig, automation_id: int) -> Notice:
    """Publish what was just saved; whoever is inside stays in their revision."""
    try:
        async with web.database.write() as tx:
            made = await levers.publish(tx, who, automation_id, web.clock())
    except RefusedError as refused:
        count = len(refused.details)
        if refused.code == "tests_failed":
            return Notice(f"Saved, but not published: {count} saved test(s) fail.", "warn")
        return Notice(f"Saved, but not published: {count} error(s) are left.", "warn")
    await web.bell.ring_engine()
    return Notice(f"The wait is saved; revision {made.number} is live.")


async def _get_editable(tx: Any, who: Who, automation_id: int) -> automations.Automation:
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, levers.ARCHIVED)
    return found


def _with_wait(
    draft: dict[str, Any], trigger_id: str, wait: str, known: Any
) -> tuple[str, dict[str, Any]]:
    """What is wrong with `wait` for this trigger ("" when nothing), and the changed document."""
    flow, _ = check(draft, known)
    trigger: Trigger | None = flow.triggers.get(trigger_id) if flow else None
    if trigger is None or not hasattr(trigger, "wait"):
        raise RefusedError(409, "This trigger is not there any more, or has no wait.")
    try:
        parse_duration(wait)
    except ValueError as error:
        said = str(error)
        return said[:1].upper() + said[1:] + ".", draft
    changed = json.loads(json.dumps(draft))
    changed["triggers"][trigger_id]["wait"] = wait
    again, problems = check(changed, known)
    field = f"/triggers/{trigger_id}/wait"
    wrong = [one.sentence for one in errors_in(problems) if again is None or one.field == field]
    return " ".join(wrong), changed


async def _document_of(form: Any) -> str:
    upload = form.get("file")
    if isinstance(upload, UploadFile):
        content = await upload.read()
        if content:
            return content.decode("utf-8-sig", errors="replace")
    return str(form.get("document") or "").replace("\r\n", "\n")


def _import_values(
    text: str,
    *,
    checked: bool,
    problems: Sequence[Problem] = (),
    flow: Any = None,
) -> dict[str, Any]:
    return {
        "document": text,
        "checked": checked,
        "problems": problems,
        "errors": errors_in(problems),
        "groups": by_step(problems),
        "importable": flow is not None,
        "flow_name": flow.name if flow is not None else "",
        "step_count": len(flow.steps) if flow is not None else 0,
    }


HANDLERS = (
    *(show_start, show_list, show_import, import_document),
    *(show_more, export, save_draft, set_wait),
)
