"""The alerts of a company: look, resolve, snooze.

Rule: an alert that is resolved by hand comes back when its cause is noticed again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, put
from litestar.params import FromPath

from store import alerts, phones
from web.alerts.kinds import about
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell import frame
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

LISTED = 50
WORST_FIRST = ("critical", "warning", "info")
EDITOR = {"role": "editor"}
SNOOZES = {"1": "1 hour", "24": "1 day", "168": "7 days"}


@get("/alerts", opt=EDITOR)
async def show_alerts(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open ones, or all there ever were, newest first."""
    return await _alerts_page(request)


@put("/alerts/{alert_id:int}/resolved", opt=EDITOR)
async def resolve(
    request: Request[Any, Any, Any], who: Asker, web: Web, alert_id: FromPath[int]
) -> Response[Any]:
    """Close it by hand."""
    async with web.database.write() as tx:
        await alerts.get(tx, who.company_id, alert_id)
        await alerts.dismiss(tx, who.company_id, alert_id, web.clock())
    said = Notice("Resolved. If its cause is still there, it comes back.")
    return await _alerts_page(request, said)


@put("/alerts/{alert_id:int}/snoozed", opt=EDITOR)
async def snooze(
    request: Request[Any, Any, Any], who: Asker, web: Web, alert_id: FromPath[int]
) -> Response[Any]:
    """Be reminded of it later."""
    form = await request.form()
    hours = str(form.get("hours", ""))
    if hours not in SNOOZES:
        raise RefusedError(422, "Choose for how long: 1 hour, 1 day or 7 days.")
    async with web.database.write() as tx:
        await alerts.get(tx, who.company_id, alert_id)
        until = web.clock() + timedelta(hours=int(hours))
        await alerts.snooze(tx, who.company_id, alert_id, until)
    return await _alerts_page(request, Notice(f"Snoozed for {SNOOZES[hours]}."))


async def _alerts_page(request: Request[Any, Any, Any], *notices: Notice) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    everything = request.query_params.get("status") == "all"
    now = web.clock()
    async with web.database.read() as tx:
        found = await alerts.page(
            tx,
            who.company_id,
            open_only=not everything,
            before=before_of(request),
            limit=LISTED + 1,
        )
        called = {
            one.id: one.name or one.number for one in await phones.of_company(tx, who.company_id)
        }
        request.scope["state"]["frame"] = await frame.load(tx, who, now)
    shown, following = cut(found, LISTED)
    if not everything:  # what is open is read from the worst down
        shown.sort(key=lambda one: WORST_FIRST.index(one.severity))
    values = {
        "rows": [(one, about(one, admin=who.may("admin"))) for one in shown],
        "phones": called,
        "everything": everything,
        "snoozes": SNOOZES,
        "next": following,
        "address": "/alerts" + ("?status=all" if everything else ""),
    }
    return page(request, "alerts/list.html", values, notices=notices)


HANDLERS = (show_alerts, resolve, snooze)
