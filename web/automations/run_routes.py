"""Runs: starting one by hand, the list, one run's trace, ending it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath
from litestar.response import Redirect

from engine.kinds import catalog
from flows.document import AnyFlow
from flows.events import ApiCalled, Stopped
from store import automations, contact_list, events, visits
from store.addresses import Address
from store.numbers import parse_phone
from store.resolve import resolve
from web.automations import reads
from web.automations.trace import step_title, tell
from web.automations.view import automation_page
from web.config import WebConfig
from web.given import Asker, Web
from web.messages import bubbles
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

STATES = ("waiting", "done", "failed", "stopped")
EDITOR = {"role": "viewer", "change_role": "editor"}
NO_NUMBER = "This is not a phone number. Write it with the country, such as +39 333 1234567."


@post("/automations/{automation_id:int}/runs", opt=EDITOR)
async def start(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Start one contact by hand; an unknown number becomes a contact."""
    form = await request.form()
    typed = str(form.get("phone", ""))[:40]
    phone = parse_phone(typed, who.country)
    if phone is None:
        return await automation_page(
            request, automation_id, status=422, start_error=NO_NUMBER, start_phone=typed
        )
    now = web.clock()
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        if found.status != "live":
            raise RefusedError(409, "Only live automations can be started. Publish it first.")
        name = str(form.get("name", "")).strip()[:120]
        address = Address("phone", phone)
        contact_id = await resolve(tx, who.company_id, [address], now=now, name=name)
        card = await contact_list.get(tx, who.company_id, contact_id)
        asked = ApiCalled(automation_id, by="person")
        await events.insert_many(
            tx,
            [
                {
                    "company_id": who.company_id,
                    "contact_id": contact_id,
                    "kind": "api",
                    "data": msgspec.to_builtins(asked),
                    "at": now,
                    "created_at": now,
                }
            ],
        )
    await web.bell.ring_engine()
    said = "unwanted" if card.blocked_at or card.consent == "no" else "started"
    return Redirect(f"/automations/{automation_id}?said={said}", status_code=303)


@get("/automations/{automation_id:int}/runs", opt=EDITOR)
async def show_runs(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Everybody who is or was inside, newest first."""
    status = request.query_params.get("status", "")
    status = status if status in STATES else ""
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        found = await reads.find_runs(
            tx,
            who.company_id,
            automation_id=automation_id,
            status=status,
            before=before_of(request),
        )
    rows, following = cut(found, reads.RUNS_LISTED)
    flow = decoded(automation.live_flow or automation.draft)
    values = {
        "automation": automation,
        "rows": rows,
        "titles": {row.step: step_title(flow, row.step) for row in rows if row.step},
        "next": following,
        "status": status,
        "address": f"/automations/{automation_id}/runs" + (f"?status={status}" if status else ""),
    }
    return page(request, "automations/runs.html", values)


@get("/runs/{run_id:int}", opt=EDITOR)
async def show_run(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[Any]:
    """One run in words."""
    return await _run_page(request, run_id)


@put("/runs/{run_id:int}/stopped", opt=EDITOR)
async def stop(
    request: Request[Any, Any, Any], who: Asker, web: Web, run_id: FromPath[int]
) -> Response[Any]:
    """Ask the engine to end this run; asking twice is asking once."""
    now = web.clock()
    async with web.database.write() as tx:
        run = await reads.get_run(tx, who.company_id, run_id)
        if run.status == "waiting":
            await events.insert_many(
                tx,
                [
                    {
                        "company_id": who.company_id,
                        "contact_id": run.contact_id,
                        "kind": "stopped",
                        "data": msgspec.to_builtins(Stopped(f"ended by {who.name}")),
                        "run_id": run_id,
                        "source_id": f"stopped:{run_id}",
                        "at": now,
                        "created_at": now,
                    }
                ],
            )
    await web.bell.ring_engine()
    over = run.status != "waiting"
    said = "This run was over already." if over else "The run is being ended. Reload in a moment."
    return await _run_page(request, run_id, Notice(said, "info"))


async def _run_page(
    request: Request[Any, Any, Any], run_id: int, *notices: Notice
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        run = await reads.get_run(tx, who.company_id, run_id)
        flow = decoded(await reads.flow_of_run(tx, run_id))
        lines = await visits.of_run(tx, run_id)
        sent = await bubbles.of_run(tx, who.company_id, run_id)
    trigger = flow.triggers.get(run.trigger) if flow else None
    values = {
        "run": run,
        "told": tell(flow, lines, sent),
        "steps": flow.steps if flow else {},
        "step": step_title(flow, run.step) if run.step else "",
        "trigger": f"“{trigger.summary() or trigger.label}”" if trigger else run.trigger,
    }
    return page(request, "automations/run.html", values, notices=notices)


def decoded(document: Any) -> AnyFlow | None:
    """A stored document as a flow; None for one whose kinds are gone."""
    try:
        return catalog().decode(document)
    except (msgspec.ValidationError, TypeError):
        return None


HANDLERS = (start, show_runs, show_run, stop)
