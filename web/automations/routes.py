"""One automation: its page, its file, and its draft as a document.

Rule: every change is a resource that is put or deleted; the answer is the page as it is then.
"""

from __future__ import annotations

import json
from typing import Any

from litestar import Request, Response, get, post, put
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Redirect

from flows.duration import parse_duration
from flows.trigger import Trigger
from store import automations
from web.automations import levers
from web.automations.check import (
    DOCUMENT_LIMIT,
    check,
    errors_in,
    known_of,
    read_document,
)
from web.automations.exported import without_secrets
from web.automations.view import automation_page
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice

EDITOR = {"role": "viewer", "change_role": "editor"}


@get("/")
async def show_start() -> Response[Any]:
    """People begin where their work is."""
    return Redirect("/automations", status_code=303)


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
        json.dumps(without_secrets(found.draft), indent=2, ensure_ascii=False) + "\n",
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
        await automations.save_draft(
            *(tx, who.company_id, automation_id, raw, web.clock()),
            by=who.user_id,
            label="Edit the document",
        )
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
            await automations.save_draft(
                *(tx, who.company_id, automation_id, draft, web.clock()),
                by=who.user_id,
                label="Edit how long a cart must rest",
            )
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


HANDLERS = (*(show_start, show_more, export, save_draft, set_wait),)
