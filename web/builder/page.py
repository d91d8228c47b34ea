"""The builder's page: one automation to edit, to simulate or to read results on.

Rule: it only reads. What changes a draft lies in `draft/`, what fills the panel beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from store import drafts
from web.automations import reads
from web.automations.check import known_of
from web.automations.view import SAID
from web.builder.counters import counters_of
from web.builder.draft.drawings import draw_draft
from web.builder.kinds import groups
from web.builder.listing import listed
from web.builder.status import bar_of
from web.builder.versions.looking import look_at
from web.config import WebConfig
from web.security.who import Who
from web.shell.render import Notice, page, script_addresses, style_addresses

EDITOR = {"role": "viewer", "change_role": "editor"}
MODES = ("edit", "simulate", "results")
STEP = re.compile(r"@start|[A-Za-z0-9_-]{1,64}")
VIEWS = ("canvas", "outline")
STYLES = (
    *("reset", "tokens", "base", "shell", "controls", "chips", "cards", "problems", "bubbles"),
    *("dialogs", "menus", "toasts", "changes", "versions", "publish"),
    *("builder", "card", "canvas", "forms"),
)
MODE_STYLES = {"simulate": ("simulator",), "results": ("results",)}
SCRIPTS = (
    *("narrow", "theme", "dialogs", "menus", "panel", "fresh", "stage", "rename"),
    *("canvas/element", "live", "results", "simulate", "forms"),
)
INSTEAD = {"card": "outline", "canvas": "", "canvas/element": "outline"}
"""What the outline needs in place of these."""


@get("/automations/{automation_id:int}", opt=EDITOR)
async def show_builder(
    request: Request[Any, Any, Any], automation_id: FromPath[int]
) -> Response[Any]:
    """The automation on the canvas, with its problems and numbers."""
    return await builder_page(request, automation_id)


async def builder_page(
    request: Request[Any, Any, Any], automation_id: int, notices: Sequence[Notice] = ()
) -> Response[Any]:
    """The page as things are now, for whoever asks."""
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    mode = request.query_params.get("mode", "edit")
    mode = mode if mode in MODES else "edit"
    view = request.query_params.get("view", "canvas")
    view = view if view in VIEWS else "canvas"
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
        counters = await counters_of(tx, found)
        counts = await reads.counts_of(tx, who.company_id, [automation_id], web.clock())
        standing = await drafts.standing(tx, who.company_id, automation_id)
        looking = await look_at(tx, who, found, request.query_params, web.clock(), mode)
    drawing = draw_draft(request, found, known, counters)
    bar = bar_of(
        *(found, drawing.problems, who, web.clock()),
        undo=standing.undo,
        redo=standing.redo,
        mode="looking" if looking and looking.words else mode,
    )
    opens, opens_as = _opens(request, automation_id, mode)
    if looking is not None:
        drawing, counters = looking.drawing, looking.counters
        opens, opens_as = looking.opens, looking.opens_as
    said = SAID.get(request.query_params.get("said", ""))
    values = {
        "automation": found,
        "base": f"/automations/{automation_id}",
        "drawing": drawing,
        "version": found.draft_version,
        "stands": found.draft_seq,
        "inside": counts[automation_id].inside,
        "bar": bar,
        "view": view,
        "editing": bar.editable and looking is None,
        "looking": looking,
        **(listed(drawing, counters) if view == "outline" else {}),
        "kinds": groups(),
        "opens": opens,
        "opens_as": opens_as,
        "styles": style_addresses(_for(view, (*STYLES, *MODE_STYLES.get(mode, ())))),
        "scripts": script_addresses(_for(view, SCRIPTS)),
    }
    shown = [*notices, said] if said else notices
    return page(request, "builder/builder.html", values, notices=shown)


def _opens(request: Request[Any, Any, Any], automation_id: int, mode: str) -> tuple[str, str]:
    """What the panel shows at first, and what it is called until that is there."""
    base = f"/automations/{automation_id}/panel"
    step = request.query_params.get("step", "")
    if mode != "edit":
        return f"{base}/{mode}", {"simulate": "Simulator", "results": "Results"}[mode]
    if STEP.fullmatch(step):
        return f"{base}/step/{step}", "Settings"
    return "", ""


def _for(view: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """These style sheets or modules, or what the outline needs in their place."""
    if view == "canvas":
        return names
    return tuple(one for one in (INSTEAD.get(name, name) for name in names) if one)


HANDLERS = (show_builder,)
