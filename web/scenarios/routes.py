"""Saved tests: the list with what each says of the draft, one as JSON, a past run as a new one.

Rule: tests run while the page is made; nothing of what they do is sent or stored.
"""

from __future__ import annotations

import json
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct, structs

from engine import saved
from engine.scenarios import Result
from flows.events import ApiCalled
from flows.scenario import Expected, Scenario, Scripted, read_scenario
from store import scenarios
from store.errors import InvalidError
from web.automations import reads
from web.automations.check import DOCUMENT_LIMIT, read_document
from web.config import WebConfig
from web.given import Asker, Web
from web.scenarios.copying import save_copy
from web.security.who import Who
from web.shell.render import Notice, page

EDITOR = {"role": "viewer", "change_role": "editor"}
SAID = {
    "saved": Notice("The test is saved."),
    "copied": Notice(
        "The run is a test now: its events, and what came of them as what is expected. Change "
        "both as you like."
    ),
    "deleted": Notice("The test is deleted."),
}
EXAMPLE = Scenario(
    name="Says yes",
    first=ApiCalled(0),
    script=[Scripted(on_message=1, after="5m", say="Yes")],
    expect=Expected(messages=["Thank you"], status="done"),
)
"""What a new test looks like before somebody has changed it."""


class Row(Struct, frozen=True):
    """One test of the list."""

    id: int
    name: str
    result: Result
    updated_at: Any


@get("/automations/{automation_id:int}/tests", opt=EDITOR)
async def show_tests(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """All saved tests of an automation, run against the draft, or what is live."""
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
        found = await scenarios.of_automation(tx, who.company_id, automation_id)
    live = request.query_params.get("against") == "live" and automation.live_flow is not None
    document = automation.live_flow if live and automation.live_flow else automation.draft
    results = await saved.run_saved(found, document)
    rows = [
        Row(one.id, one.name, result, one.updated_at)
        for one, result in zip(found, results, strict=True)
    ]
    values = {
        "automation": automation,
        "rows": rows,
        "failed": sum(not row.result.passed for row in rows),
        "against": "live" if live else "draft",
        "full": len(rows) >= scenarios.MOST,
    }
    said = SAID.get(request.query_params.get("said", ""))
    return page(request, "scenarios/list.html", values, notices=[said] if said else [])


@get("/automations/{automation_id:int}/tests/new", opt={"role": "editor"})
async def show_new(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """A form with an example in it."""
    here = ApiCalled(automation_id, {"order": "1001"})
    example = saved.plain(structs.replace(EXAMPLE, first=here))
    return await _form(request, who, web, automation_id, text=_pretty(example))


@post("/automations/{automation_id:int}/tests", opt=EDITOR, request_max_body_size=DOCUMENT_LIMIT)
async def create(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Keep a new test; what is wrong with it is said above the form."""
    text, scenario, wrong = await _given(request)
    if scenario is not None:
        try:
            async with web.database.write() as tx:
                await reads.get_automation(tx, who.company_id, automation_id)
                made = await scenarios.create(
                    tx, who.company_id, automation_id, saved.plain(scenario), web.clock()
                )
            return Redirect(f"/tests/{made}?said=saved", status_code=303)
        except InvalidError as error:
            wrong = [_sentence(error)]
    return await _form(request, who, web, automation_id, text=text, wrong=wrong)


@get("/tests/{scenario_id:int}", opt=EDITOR)
async def show_test(
    request: Request[Any, Any, Any], who: Asker, web: Web, scenario_id: FromPath[int]
) -> Response[Any]:
    """One test: its document, and what happens when it runs against the draft."""
    async with web.database.read() as tx:
        found = await scenarios.get(tx, who.company_id, scenario_id)
    text = _pretty(found.document)
    return await _form(request, who, web, found.automation_id, text=text, test=found)


@post("/tests/{scenario_id:int}", opt=EDITOR, request_max_body_size=DOCUMENT_LIMIT)
async def change(
    request: Request[Any, Any, Any], who: Asker, web: Web, scenario_id: FromPath[int]
) -> Response[Any]:
    """Keep the changed test."""
    text, scenario, wrong = await _given(request)
    async with web.database.read() as tx:
        found = await scenarios.get(tx, who.company_id, scenario_id)
    if scenario is not None:
        try:
            async with web.database.write() as tx:
                await scenarios.change(
                    tx, who.company_id, scenario_id, saved.plain(scenario), web.clock()
                )
            return Redirect(f"/tests/{scenario_id}?said=saved", status_code=303)
        except InvalidError as error:
            wrong = [_sentence(error)]
    return await _form(request, who, web, found.automation_id, text=text, test=found, wrong=wrong)


@delete("/tests/{scenario_id:int}", opt=EDITOR, status_code=200)
async def remove(who: Asker, web: Web, scenario_id: FromPath[int]) -> Response[Any]:
    """Forget a test and go back to the others."""
    async with web.database.write() as tx:
        automation_id = await scenarios.delete(tx, who.company_id, scenario_id)
    address = f"/automations/{automation_id}/tests?said=deleted"
    return Response("", headers={"HX-Redirect": address})


@post("/runs/{run_id:int}/test", opt=EDITOR)
async def copy_run(who: Asker, web: Web, run_id: FromPath[int]) -> Response[Any]:
    """Make a test of a past run, and show it."""
    made = await save_copy(who, web, run_id)
    return Redirect(f"/tests/{made.id}?said=copied", status_code=303)


async def _form(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    automation_id: int,
    *,
    text: str,
    test: scenarios.Saved | None = None,
    wrong: list[str] | None = None,
) -> Response[Any]:
    async with web.database.read() as tx:
        automation = await reads.get_automation(tx, who.company_id, automation_id)
    result = None
    if test is not None and not wrong:
        [result] = await saved.run_saved([test], automation.draft)
    values = {
        "automation": automation,
        "test": test,
        "text": text,
        "wrong": wrong or [],
        "result": result,
    }
    said = SAID.get(request.query_params.get("said", "")) if request.method == "GET" else None
    notices = [said] if said else []
    status = 422 if wrong else 200
    return page(request, "scenarios/edit.html", values, status=status, notices=notices)


async def _given(request: Request[Any, Any, Any]) -> tuple[str, Scenario | None, list[str]]:
    """What was typed, the scenario in it, and what is wrong when there is none."""
    form = await request.form()
    text = str(form.get("document", "")).replace("\r\n", "\n")
    raw, problems = read_document(text)
    if raw is None:
        return text, None, [one.sentence for one in problems]
    scenario, wrong = read_scenario(raw)
    return text, scenario, wrong


def _sentence(error: InvalidError) -> str:
    said = str(error)
    return said[:1].upper() + said[1:] + "."


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


HANDLERS = (show_tests, show_new, create, show_test, change, remove, copy_run)
