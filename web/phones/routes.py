"""The connected numbers: how they fare, and the levers on each.

Rule: credentials never show; every lever is a resource that is put or deleted, and the answer is
the page as it is then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, delete, get, put
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import guard
from gateway.channels import paced_kinds
from store import alerts, companies, house, pairing, phone_care, phone_use
from store.phone_care import PhoneCard
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.limits import Limits, read_limits
from web.phones.view import PhoneView, view
from web.security.who import Who
from web.shell import frame
from web.shell.render import Notice, page

ADMIN = {"role": "admin"}
UNKNOWING = (
    "Nothing was changed: tick that you know the risk, or leave the campaigns resting a while."
)


@get("/phones", opt=ADMIN)
async def show_list(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """All numbers with what they sent today, by the company's midnight."""
    async with web.database.read() as tx:
        cards = await phone_care.cards(tx, who.company_id)
        rows = await views(tx, who, web, cards)
    return page(request, "phones/list.html", {"rows": rows})


@get("/phones/{phone_id:int}", opt=ADMIN)
async def show_phone(request: Request[Any, Any, Any], phone_id: FromPath[int]) -> Response[Any]:
    """One number in full."""
    return await _phone_page(request, phone_id)


@put("/phones/{phone_id:int}/paused", opt=ADMIN)
async def pause(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Send nothing more through it."""
    async with web.database.write() as tx:
        card = await phone_care.pause(tx, who.company_id, phone_id, f"paused by {who.name}")
    done = card.status == "paused"
    said = Notice("Paused. Its queue waits, or leaves through your other phones.")
    return await _phone_page(request, phone_id, said if done else _as_it_is(card))


@delete("/phones/{phone_id:int}/paused", opt=ADMIN, status_code=200)
async def resume(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Let it send as usual again."""
    return await _resumed(request, who, web, phone_id)


@put("/phones/{phone_id:int}/draining", opt=ADMIN)
async def drain(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Let it finish its chats and take no new ones."""
    async with web.database.write() as tx:
        card = await phone_care.drain(tx, who.company_id, phone_id, f"drained by {who.name}")
    done = card.status == "draining"
    said = Notice("It goes on with its chats and takes no new ones.")
    await web.bell.ring_gateway()
    return await _phone_page(request, phone_id, said if done else _as_it_is(card))


@delete("/phones/{phone_id:int}/draining", opt=ADMIN, status_code=200)
async def stop_draining(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Let it take new chats again."""
    return await _resumed(request, who, web, phone_id)


@put("/phones/{phone_id:int}/limits", opt=ADMIN)
async def set_limits(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Its name and limits; an empty field is the usual limit."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in Limits.__struct_fields__}
    found = read_limits(typed)
    if isinstance(found, dict):
        return await _phone_page(request, phone_id, status=422, typed=typed, wrong=found)
    async with web.database.write() as tx:
        await phone_care.change(
            tx,
            who.company_id,
            phone_id,
            name=found.name,
            daily_limit=found.daily_limit,
            hourly_limit=found.hourly_limit,
        )
    await web.bell.ring_gateway()
    return await _phone_page(request, phone_id, Notice("Saved."))


@put("/phones/{phone_id:int}/campaigns-rest", opt=ADMIN)
async def rest_campaigns(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Send no campaigns through it for as long as a number of low quality rests."""
    async with web.database.write() as tx:
        days = (await house.settings(tx)).quality_rest_days
        until = web.clock() + timedelta(days=days)
        why = f"{who.name} decided so"
        await phone_care.rest_campaigns(tx, who.company_id, phone_id, until, why)
    said = Notice(f"Its campaigns rest for {days} days. Everything else goes on.")
    return await _phone_page(request, phone_id, said)


@delete("/phones/{phone_id:int}/campaigns-rest", opt=ADMIN, status_code=200)
async def end_rest(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Send campaigns again, by somebody who knows what that risks."""
    form = await request.form()
    if "yes" not in (form.get("knowing"), request.query_params.get("knowing")):
        return await _phone_page(request, phone_id, Notice(UNKNOWING, "danger"), status=422)
    async with web.database.write() as tx:
        await lift_rest(tx, who, phone_id, web.clock())
    await web.bell.ring_gateway()
    said = Notice("Campaigns go through this phone again. Keep an eye on its quality.", "warn")
    return await _phone_page(request, phone_id, said)


@put("/phones/{phone_id:int}/reconnected", opt=ADMIN)
async def reconnect(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Let it try again: somebody has put right what stopped it."""
    async with web.database.write() as tx:
        card = await phone_care.get(tx, who.company_id, phone_id)
        if card.kind in paced_kinds():
            await pairing.wish(tx, card.id, "reconnect")
        else:
            await phone_care.trust(tx, who.company_id, phone_id)
    await web.bell.ring_gateway()
    asked = Notice("It is being connected again. Reload in a moment.", "info")
    said = (
        asked
        if card.kind in paced_kinds()
        else Notice("It sends again. If it fails, you are told.")
    )
    return await _phone_page(request, phone_id, said)


@put("/phones/{phone_id:int}/logged-out", opt=ADMIN)
async def log_out(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Unpair a linked device; a Cloud API number knows no such thing."""
    async with web.database.write() as tx:
        card = await phone_care.get(tx, who.company_id, phone_id)
        if card.kind in paced_kinds():
            await pairing.wish(tx, card.id, "log_out")
    await web.bell.ring_gateway()
    said = Notice("It is being logged out. Reload in a moment.", "info")
    never = Notice("Only linked devices can be logged out; pause this one instead.", "warn")
    return await _phone_page(request, phone_id, said if card.kind in paced_kinds() else never)


async def lift_rest(tx: AsyncConnection, who: Who, phone_id: int, now: datetime) -> PhoneCard:
    """Send campaigns again; that its quality is low stays an alert, that they rest does not."""
    await alerts.resolve(tx, who.company_id, guard.ENDED, now, phone_id=phone_id)
    return await phone_care.end_rest(tx, who.company_id, phone_id)


async def views(
    tx: AsyncConnection, who: Who, web: WebConfig, cards: list[PhoneCard]
) -> list[PhoneView]:
    """These phones of a company in words."""
    now = web.clock()
    company = await companies.get(tx, who.company_id)
    rules = house.rules_for(company.settings, await house.settings(tx))
    today = now.astimezone(who.zone).date()
    fared = await phone_care.fared(tx, [card.id for card in cards], today, now)
    accounts = {card.account_id for card in cards if card.account_id}
    turned_to = await phone_use.people(tx, accounts, now - phone_care.DAY)
    return [
        view(card, fared[card.id], rules, now, people=turned_to.get(card.account_id or "", (0,))[0])
        for card in cards
    ]


async def _resumed(
    request: Request[Any, Any, Any], who: Who, web: WebConfig, phone_id: int
) -> Response[Any]:
    async with web.database.write() as tx:
        card = await phone_care.resume(tx, who.company_id, phone_id)
    await web.bell.ring_gateway()
    said = Notice("It sends as usual again.")
    done = card.status == "connected"
    return await _phone_page(request, phone_id, said if done else _as_it_is(card))


def _as_it_is(card: PhoneCard) -> Notice:
    status = card.status.replace("_", " ")
    return Notice(f"Nothing was changed, because the phone is {status}.", "warn")


async def _phone_page(
    request: Request[Any, Any, Any],
    phone_id: int,
    *notices: Notice,
    status: int = 200,
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> Response[Any]:
    who: Who = request.scope["user"]
    web: WebConfig = request.app.state["web"]
    async with web.database.read() as tx:
        card = await phone_care.get(tx, who.company_id, phone_id)
        [shown] = await views(tx, who, web, [card])
        rest_days = (await house.settings(tx)).quality_rest_days
        open_alerts = await alerts.page(tx, who.company_id)
        # What was changed a moment ago shows on the page's top as well.
        request.scope["state"]["frame"] = await frame.load(tx, who, web.clock())
    known = {
        "name": card.name,
        "daily_limit": "" if card.daily_limit is None else str(card.daily_limit),
        "hourly_limit": "" if card.hourly_limit is None else str(card.hourly_limit),
    }
    values = {
        "one": shown,
        "card": card,
        "paired": card.kind in paced_kinds(),
        "rest_days": rest_days,
        "alerts": [alert for alert in open_alerts if alert.phone_id == card.id],
        "typed": typed or known,
        "wrong": wrong or {},
    }
    return page(request, "phones/show.html", values, status=status, notices=notices)


HANDLERS = (
    *(show_list, show_phone, pause, resume, drain, stop_draining),
    *(set_limits, rest_campaigns, end_rest, reconnect, log_out),
)
