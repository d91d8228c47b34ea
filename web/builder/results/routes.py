"""Results in the panel: all steps, one step, the contacts behind a number; and all of it as a file.

Rule: numbers are for everybody who may look at automations, people for those who may see contacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from litestar import Request, Response, get, post, put
from litestar.params import FromPath
from msgspec import Struct

from flows.document import AnyFlow
from store import contact_list, passages, revisions
from store.passages import NUMBERS, Asked, Of
from store.results import Results, results
from web.automations import reads
from web.automations.check import known_of
from web.builder.drawing import Drawing, draw
from web.builder.results import deeds, wording
from web.builder.results.files import as_csv
from web.builder.results.numbers import counters, rows
from web.builder.results.view import PERIODS, View, document_of, view_of
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

NUMBERS_FOR = {"role": "viewer"}
PEOPLE_FOR = {"role": "agent", "change_role": "editor"}
LISTED = 50
CHOICES = 100  # revisions offered; older ones can be named in the address


class Shown(Struct, frozen=True):
    """Everything about one look at results."""

    automation: reads.Automation
    view: View
    found: Results
    drawing: Drawing
    base: str

    @property
    def flow(self) -> AnyFlow | None:
        """The flow of the revision (or draft) on the canvas."""
        return self.drawing.flow


async def look(request: Request[Any, Any, Any], automation_id: int) -> Shown:
    """What the address asks for. Raises NotFoundError."""
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        view = await view_of(tx, who, found, request.query_params, web.clock())
        known = await known_of(tx, who.company_id)
        numbers = await results(tx, automation_id, view.span)
        document = await document_of(tx, who, found, view)
    drawing = draw(document, known, counters=counters(numbers))
    return Shown(found, view, numbers, drawing, f"/automations/{automation_id}")


@get("/automations/{automation_id:int}/panel/results", opt=NUMBERS_FOR)
async def show_results(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """All numbers of one period and revision."""
    shown = await look(request, automation_id)
    async with web.database.read() as tx:
        listed = await revisions.page(tx, who.company_id, automation_id, limit=CHOICES)
    values = {
        **_common(shown),
        "rows": rows(shown.found, shown.drawing),
        "periods": PERIODS,
        "revisions": [one.number for one in listed],
    }
    return page(request, "builder/results/panel.html", values)


@get("/automations/{automation_id:int}/panel/results/step/{step:str}", opt=NUMBERS_FOR)
async def show_step(
    request: Request[Any, Any, Any], automation_id: FromPath[int], step: FromPath[str]
) -> Response[Any]:
    """One step: where people went from it, and what became of its messages."""
    shown = await look(request, automation_id)
    row = next((one for one in rows(shown.found, shown.drawing) if one.step == step), None)
    if row is None and step == "@start":
        return page(request, "builder/results/start.html", _common(shown))
    if row is None:
        raise RefusedError(404, "This step is not there, and nobody was ever at it.")
    steps = shown.automation.draft.get("steps")
    in_draft = isinstance(steps, dict) and step in steps
    values = {**_common(shown), "row": row, "in_draft": in_draft}
    return page(request, "builder/results/step.html", values)


@get("/automations/{automation_id:int}/panel/results/contacts", opt=PEOPLE_FOR)
async def show_contacts(
    request: Request[Any, Any, Any], automation_id: FromPath[int]
) -> Response[Any]:
    """The contacts behind one number, newest first."""
    return await _contacts(request, automation_id, request.query_params)


@post("/automations/{automation_id:int}/results/list", opt=PEOPLE_FOR, status_code=200)
async def make_list(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Put all of them on a list, a new one or one that is there."""
    form = await request.form()
    shown = await look(request, automation_id)
    asked = _asked(shown, request.query_params)
    try:
        name = deeds.list_name(str(form.get("name", "")))
        people, new = await deeds.put_on_list(web, who, asked, name)
    except RefusedError as refused:
        return await _contacts(
            request, automation_id, request.query_params, list_error=refused.detail, status=422
        )
    said = f"{wording.contacts(people)} on the list “{name}” now, {new:,} of them new."
    return await _contacts(request, automation_id, request.query_params, Notice(said))


@put("/automations/{automation_id:int}/results/ended", opt=PEOPLE_FOR)
async def end_runs(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Ask the engine to end what goes on of their runs."""
    shown = await look(request, automation_id)
    count = await deeds.end_runs(web, who, _asked(shown, request.query_params))
    said = Notice(wording.ending(count), "info")
    return await _contacts(request, automation_id, request.query_params, said)


@get("/automations/{automation_id:int}/results.csv", opt=NUMBERS_FOR)
async def download(request: Request[Any, Any, Any], automation_id: FromPath[int]) -> Response[Any]:
    """The table as a file for spreadsheets."""
    shown = await look(request, automation_id)
    text = as_csv(rows(shown.found, shown.drawing))
    name = f"results-{automation_id}-{shown.view.period}.csv"
    return Response(
        text.encode("utf-8-sig"),  # spreadsheets take it for another encoding without the mark
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _contacts(
    request: Request[Any, Any, Any],
    automation_id: int,
    given: Mapping[str, Any],
    *notices: Notice,
    list_error: str = "",
    status: int = 200,
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    shown = await look(request, automation_id)
    asked = _asked(shown, given)
    before = before_of(request)
    async with web.database.read() as tx:
        found = await passages.page(tx, who.company_id, asked, before=before, limit=LISTED + 1)
        people, following = cut(found, LISTED)
        cards = await contact_list.find_many(tx, who.company_id, {one.contact_id for one in people})
        inside = await passages.still_inside(tx, who.company_id, asked)
    same = {"step": asked.step, "what": asked.of, "exit": asked.exit, "q": asked.search}
    row = next((one for one in rows(shown.found, shown.drawing) if one.step == asked.step), None)
    values = {
        **_common(shown),
        "asked": asked,
        "title": wording.title(asked, row),
        "step_title": row.title if row else asked.step,
        "count": wording.counted(asked, row),
        "rows": [
            (one, cards[one.contact_id], wording.how(one, asked, shown.flow))
            for one in people
            if one.contact_id in cards
        ],
        "next": following,
        "older": before is not None,
        "inside": inside,
        "same": urlencode({**{k: v for k, v in same.items() if v}, **shown.view.parts}),
        "said": notices,
        "list_error": list_error,
        "traces_days": wording.TRACED.get(asked.of, True),
    }
    if before is not None:
        return page(request, "builder/results/older.html", values)
    return page(request, "builder/results/contacts.html", values, status=status)


def _asked(shown: Shown, given: Mapping[str, Any]) -> Asked:
    step = str(given.get("step", ""))[:64]
    what = str(given.get("what", ""))
    if what not in NUMBERS or not step:
        raise RefusedError(400, "This number is not known; open it from the results again.")
    search = str(given.get("q", "")).strip()[:120]
    exit_name = str(given.get("exit", ""))[:64]
    return shown.view.asked(shown.automation.id, step, cast("Of", what), exit_name, search)


def _common(shown: Shown) -> dict[str, Any]:
    return {
        "automation": shown.automation,
        "base": shown.base,
        "view": shown.view,
        "query": shown.view.query,
        "found": shown.found,
        "when_words": wording.period(shown.view),
    }


HANDLERS = (show_results, show_step, show_contacts, make_list, end_runs, download)
