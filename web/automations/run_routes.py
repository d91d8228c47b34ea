"""Runs: starting one by hand, the list, one run's trace, and the levers on it.

Rule: whoever pulls a lever is told that it was asked for; the engine does it a moment later.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath
from litestar.response import Redirect

from engine.past import replay_run
from flows.document import AnyFlow
from flows.events import ApiCalled
from store import automations, contact_list, events, visits
from store.addresses import Address
from store.numbers import parse_phone
from store.resolve import resolve
from web.automations import levers, reads
from web.automations.compare import choices, decoded
from web.automations.trace import step_title, tell
from web.automations.view import automation_page
from web.config import WebConfig
from web.given import Asker, Web
from web.messages import bubbles
from web.paging import before_of, cut, parse_id
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

SOON = "Reload in a moment."
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
    return Redirect(f"/automations/{automation_id}/more?said={said}", status_code=303)


@get("/automations/{automation_id:int}/runs", opt=EDITOR)
async def show_runs(request: Request[Any, Any, Any], automation_id: FromPath[int]) -> Response[Any]:
    """Everybody who is or was inside, newest first."""
    return await _runs_page(request, automation_id)


@put("/automations/{automation_id:int}/runs/stopped", opt=EDITOR)
async def stop_all(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Ask the engine to end everybody's run, or theirs who wait at one step."""
    step = request.query_params.get("step", "")[:64]
    async with web.database.write() as tx:
        count = await levers.end_of_automation(tx, who, automation_id, step, web.clock())
    await web.bell.ring_engine()
    return await _runs_page(request, automation_id, Notice(_ending(count), "info"))


@put("/contacts/{contact_id:int}/runs/stopped", opt=EDITOR)
async def stop_all_of_contact(who: Asker, web: Web, contact_id: FromPath[int]) -> Response[str]:
    """Ask the engine to end all runs of a contact; their page is loaded anew."""
    async with web.database.write() as tx:
        await levers.end_of_contact(tx, who, contact_id, web.clock())
    await web.bell.ring_engine()
    return Response("", headers={"HX-Redirect": f"/contacts/{contact_id}"})


@get("/runs/{run_id:int}", opt=EDITOR)
async def show_run(request: Request[Any, Any, Any], run_id: FromPath[int]) -> Response[Any]:
    """One run in words."""
    return await _run_page(request, run_id)


@put("/runs/{run_id:int}/stopped", opt=EDITOR)
async def stop(
    request: Request[Any, Any, Any], who: Asker, web: Web, run_id: FromPath[int]
) -> Response[Any]:
    """Ask the engine to end this run; asking twice is asking once."""
    async with web.database.write() as tx:
        going = await levers.end_run(tx, who, run_id, web.clock())
    await web.bell.ring_engine()
    said = f"The run is being ended. {SOON}" if going else "This run was over already."
    return await _run_page(request, run_id, Notice(said, "info"))


@put("/runs/{run_id:int}/step", opt=EDITOR)
async def move(
    request: Request[Any, Any, Any], who: Asker, web: Web, run_id: FromPath[int]
) -> Response[Any]:
    """Ask the engine to put this run on another step; `to` is “revision/step”."""
    form = await request.form()
    revision, _, to = str(form.get("to", "")).partition("/")
    try:
        async with web.database.write() as tx:
            await levers.move_run(
                *(tx, who, run_id, to, web.clock()),
                seen_at=str(form.get("seen_at", "")),
                revision=parse_id(revision),
                again=form.get("again") == "yes",
            )
    except RefusedError as refused:
        return await _refused(request, run_id, refused)
    await web.bell.ring_engine()
    return await _run_page(request, run_id, Notice(f"The contact is being moved. {SOON}", "info"))


@put("/runs/{run_id:int}/retried", opt=EDITOR)
async def retry(
    request: Request[Any, Any, Any], who: Asker, web: Web, run_id: FromPath[int]
) -> Response[Any]:
    """Let a failed run try its step again."""
    try:
        async with web.database.write() as tx:
            woken = await levers.retry_run(tx, who, run_id, web.clock())
    except RefusedError as refused:
        return await _refused(request, run_id, refused)
    await web.bell.ring_engine()
    said = f"The step is being tried again. {SOON}" if woken else "This run is going on already."
    return await _run_page(request, run_id, Notice(said, "info"))


async def _runs_page(
    request: Request[Any, Any, Any], automation_id: int, *notices: Notice
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    status = request.query_params.get("status", "")
    status = status if status in STATES else ""
    step = request.query_params.get("step", "")[:64]
    if step:
        status = "waiting"
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        here = await reads.waiting_by_step(tx, automation_id)
        found = await reads.find_runs(
            tx,
            who.company_id,
            automation_id=automation_id,
            status=status,
            step=step,
            before=before_of(request),
        )
    rows, following = cut(found, reads.RUNS_LISTED)
    flow = decoded(automation.live_flow or automation.draft)
    asked = {"step": step} if step else {"status": status} if status else {}
    values = {
        "automation": automation,
        "rows": rows,
        "titles": {row.step: step_title(flow, row.step) for row in rows if row.step},
        "next": following,
        "status": status,
        "step": step,
        "step_title": step_title(flow, step) if step else "",
        "inside": here.get(step, 0) if step else sum(here.values()),
        "stop": f"/automations/{automation_id}/runs/stopped"
        + (f"?{urlencode(asked)}" if asked else ""),
        "address": f"/automations/{automation_id}/runs" + (f"?{urlencode(asked)}" if asked else ""),
    }
    return page(request, "automations/runs.html", values, notices=notices)


async def _run_page(
    request: Request[Any, Any, Any], run_id: int, *notices: Notice, status: int = 200
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        run = await reads.get_run(tx, who.company_id, run_id)
        automation = await reads.get_automation(tx, who.company_id, run.automation_id)
        flow = decoded(await reads.flow_of_run(tx, run_id))
        lines = await visits.of_run(tx, run_id)
        replayed = await replay_run(tx, run_id)
        sent = await bubbles.of_run(tx, who.company_id, run_id)
    trigger = flow.triggers.get(run.trigger) if flow else None
    values = {
        "run": run,
        "archived": automation.status == "archived",
        "told": tell(flow, lines, sent),
        "replay": replayed,
        "steps": flow.steps if flow else {},
        "step": step_title(flow, run.step) if run.step else "",
        "trigger": (trigger.summary() or trigger.label) if trigger else run.trigger,
        "goals": _goals(run, flow, automation) if run.status == "waiting" else [],
    }
    return page(request, "automations/run.html", values, status=status, notices=notices)


async def _refused(
    request: Request[Any, Any, Any], run_id: int, refused: RefusedError
) -> Response[Any]:
    said = " ".join([refused.detail, *(one.message for one in refused.details)])
    return await _run_page(request, run_id, Notice(said, "danger"), status=refused.status_code)


def _goals(
    run: reads.RunRow, flow: AnyFlow | None, automation: reads.Automation
) -> list[tuple[str, list[tuple[str, str]]]]:
    """`(which revision, [(value, step)])` of where a run can be put: its own steps, and those that
    are live when they are others.
    """
    goals = []
    if flow is not None and run.revision is not None:
        goals.append((f"Revision {run.revision}, theirs", _choices(run.revision, flow)))
    live = decoded(automation.live_flow)
    if live is not None and automation.revision not in (None, run.revision):
        number = automation.revision or 0
        goals.append((f"Revision {number}, live", _choices(number, live)))
    return goals


def _choices(number: int, flow: AnyFlow) -> list[tuple[str, str]]:
    return [(f"{number}/{step_id}", name) for step_id, name in choices(flow)]


def _ending(count: int) -> str:
    if not count:
        return "Nobody is inside, or all are being ended already."
    said = "1 run is" if count == 1 else f"{count:,} runs are"
    return f"{said} being ended. {SOON}"


HANDLERS = (start, show_runs, stop_all, stop_all_of_contact, show_run, stop, move, retry)
