"""What opens in the panel beside the canvas: problems, the history of the draft, search.

Rule: panels only read; what their buttons change goes the way of every change of a draft.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct

from flows.fixes import fix_of
from flows.problems import Problem
from store import drafts
from web.automations import reads
from web.automations.check import known_of
from web.builder.cards import START_STEP
from web.builder.drawing import Drawing, draw
from web.builder.searching import LEAST, Found, search
from web.given import Asker, Web
from web.shell.render import page

EDITOR = {"role": "viewer", "change_role": "editor"}
SEVERITIES = (("error", "Errors"), ("warning", "Warnings"), ("hint", "Hints"))
LONGEST_SEARCH = 120


class Row(Struct, frozen=True):
    """One problem in the list; `changes` is the JSON that solves it, "" when people must."""

    severity: str
    step: str
    where: str
    field: str
    sentence: str
    todo: str
    fresh: bool
    fix: str
    changes: str


@get("/automations/{automation_id:int}/panel/problems", opt=EDITOR)
async def show_problems(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """All problems by weight, each with a way there and, where it is safe, a way out."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
    drawing = draw(found.draft, known)
    editable = who.may("editor") and found.status != "archived"
    rows = [_row(drawing, one, editable=editable) for one in drawing.problems]
    groups = [
        (severity, title, [one for one in rows if one.severity == severity])
        for severity, title in SEVERITIES
    ]
    values = {
        "base": f"/automations/{automation_id}",
        "groups": [one for one in groups if one[2]],
    }
    return page(request, "builder/panel_problems.html", values)


@get("/automations/{automation_id:int}/panel/history", opt=EDITOR)
async def show_history(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """What was done to the draft, newest first, and the way back to any moment of it."""
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        entries = await drafts.history(tx, who.company_id, automation_id)
        standing = await drafts.standing(tx, who.company_id, automation_id)
    values = {
        "base": f"/automations/{automation_id}",
        "entries": entries,
        "seq": standing.seq,
        "oldest": entries[-1].seq - 1 if entries else 0,
        "editable": who.may("editor") and found.status != "archived",
        "kept": drafts.KEPT,
    }
    return page(request, "builder/panel_history.html", values)


@get("/automations/{automation_id:int}/panel/search", opt=EDITOR)
async def show_search(
    request: Request[Any, Any, Any], who: Asker, web: Web, automation_id: FromPath[int]
) -> Response[Any]:
    """Steps by what they are called, say or name: texts, tags, templates, lists, fields."""
    typed = request.query_params.get("q", "").strip()[:LONGEST_SEARCH]
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
    results: list[Found] = []
    if len(typed) >= LEAST:
        results = search(draw(found.draft, None), typed)
    values = {
        "base": f"/automations/{automation_id}",
        "typed": typed,
        "asked": len(typed) >= LEAST,
        "results": results,
    }
    return page(request, "builder/panel_search.html", values)


def _row(drawing: Drawing, problem: Problem, *, editable: bool) -> Row:
    card = drawing.card_of(problem)
    inside = f"/steps/{card.step}"
    field = problem.field.removeprefix(inside) if card.step != START_STEP else problem.field
    fix = fix_of(drawing.document, problem) if editable else None
    return Row(
        severity=problem.severity,
        step=card.step,
        where=card.title,
        field=field,
        sentence=problem.sentence,
        todo=problem.todo,
        fresh=card.fresh,
        fix=fix.label if fix else "",
        changes=msgspec.json.encode(fix.changes).decode() if fix else "",
    )


HANDLERS = (show_problems, show_history, show_search)
