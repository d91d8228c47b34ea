"""Alerts by API: what is or was wrong, where to go because of it, resolving and snoozing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from store import alerts
from store.alerts import Alert, Severity
from web.alerts.kinds import about
from web.api.shapes import Id, Moment, Page
from web.given import Asker, Web
from web.paging import before_of, cut
from web.shell.errors import Detail, RefusedError

TAGS = ["Alerts"]
EDITOR = {"role": "editor"}
LISTED = 100


class AlertOut(Struct, frozen=True):
    """An alert: `kind` is its stable name, `details` are for people, `action` is where it is put
    right. An open one has no `resolved_at`.
    """

    id: Id
    severity: Severity
    kind: str
    title: str
    details: str
    phone_id: Id | None
    action: str
    created_at: datetime
    resolved_at: datetime | None
    snoozed_until: datetime | None


class Snooze(Struct, frozen=True, forbid_unknown_fields=True):
    """Until when nobody shall be reminded."""

    until: Moment


@get("/alerts", summary="List alerts", tags=TAGS, opt=EDITOR)
async def list_alerts(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    status: FromQuery[Literal["open", "all"] | None] = None,
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[AlertOut]:
    """Newest first; the open ones unless all are asked for."""
    del after
    async with web.database.read() as tx:
        found = await alerts.page(
            tx,
            who.company_id,
            open_only=status != "all",
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([_out(one, web) for one in shown], following or None)


@put("/alerts/{alert_id:int}/resolved", summary="Resolve an alert", tags=TAGS, opt=EDITOR)
async def resolve_alert(who: Asker, web: Web, alert_id: FromPath[int]) -> AlertOut:
    """It comes back when its cause is noticed again."""
    async with web.database.write() as tx:
        await alerts.get(tx, who.company_id, alert_id)
        await alerts.dismiss(tx, who.company_id, alert_id, web.clock())
        return _out(await alerts.get(tx, who.company_id, alert_id), web)


@put(
    "/alerts/{alert_id:int}/snoozed",
    summary="Snooze an alert",
    tags=TAGS,
    opt={"body": Snooze, **EDITOR},
)
async def snooze_alert(
    data: JSONBody[Snooze], who: Asker, web: Web, alert_id: FromPath[int]
) -> AlertOut:
    """It stays open, and nobody is reminded of it before then."""
    if data.until <= web.clock():
        said = "Say a moment to come."
        raise RefusedError(422, "1 field is not right.", details=[Detail("/until", said)])
    async with web.database.write() as tx:
        await alerts.get(tx, who.company_id, alert_id)
        await alerts.snooze(tx, who.company_id, alert_id, data.until)
        return _out(await alerts.get(tx, who.company_id, alert_id), web)


def _out(one: Alert, web: Web) -> AlertOut:
    known = about(one, admin=True)
    return AlertOut(
        id=str(one.id),
        severity=one.severity,
        kind=one.kind,
        title=known.title,
        details=one.details,
        phone_id=None if one.phone_id is None else str(one.phone_id),
        action=web.base_url.rstrip("/") + (known.address or "/alerts"),
        created_at=one.created_at,
        resolved_at=one.resolved_at,
        snoozed_until=one.snoozed_until,
    )


HANDLERS = (list_alerts, resolve_alert, snooze_alert)
