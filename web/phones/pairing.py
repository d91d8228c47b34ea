"""Pairing a linked device: the code to scan or type, which renews itself.

Rule: the page only wishes (`store.pairing`) and shows what the phone's owner wrote; a code is drawn
here and never fetched from anywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import segno
from litestar import Request, Response, get, put
from litestar.params import FromPath
from markupsafe import Markup
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channels import paced_kinds
from store import pairing, phone_care
from store.numbers import parse_phone
from store.phone_care import PhoneCard
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import page

ADMIN = {"role": "admin"}
LONGEST_QR = 1500  # characters; WhatsApp's have about 250, and segno's largest holds 2,300
NO_NUMBER = "Write the phone’s own number with its country, such as +39 333 1234567."
NOT_LINKED = "Only linked devices are paired; this number uses the Cloud API."


class Pairing(Struct, frozen=True):
    """How far pairing is: `state` is asking, waiting_qr, waiting_code, scanned, connected or
    failed. `left_s`: seconds the code is good for; None where that is not known.
    """

    state: str
    qr: Markup
    code: str
    left_s: int | None
    why: str

    @property
    def over(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.state in ("connected", "failed")


def pairing_of(card: PhoneCard, now: datetime) -> Pairing:
    """What its owner last wrote; a wish that nobody answered yet is `asking`."""
    told = card.pairing if isinstance(card.pairing, dict) else {}
    state, qr = str(told.get("state", "")), str(told.get("qr") or "")
    if (card.wanted or "").startswith("pair") and state in ("", "connected", "failed"):
        state = "asking"  # what is there was about the time before
    elif card.status == "connected":
        state = "connected"
    elif not state:
        state = "failed" if card.status_why else "asking"
    return Pairing(
        state=state,
        qr=draw(qr) if state == "waiting_qr" and qr else Markup(""),
        code=str(told.get("code") or ""),
        left_s=_left(told.get("until"), now),
        why=str(told.get("why") or card.status_why or ""),
    )


def draw(data: str) -> Markup:
    """A QR code as inline SVG, black on white in any theme: cameras do not read it otherwise."""
    if len(data) > LONGEST_QR:
        return Markup("")
    code = segno.make(data, error="l", micro=False)
    svg = code.svg_inline(omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr")
    return Markup(svg)  # noqa: S704  drawn here; the data is dots by now


@get("/phones/{phone_id:int}/pair", opt=ADMIN)
async def show_pairing(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """The code, and how to use it."""
    return await _pair_page(request, who, web, phone_id)


@get("/phones/{phone_id:int}/pair/state", opt=ADMIN)
async def show_state(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """The part of the page that renews itself."""
    async with web.database.read() as tx:
        card = await _linked(tx, who, phone_id)
    values = {"card": card, "pairing": pairing_of(card, web.real_clock())}
    return page(request, "phones/pair_state.html", values)


@put("/phones/{phone_id:int}/pairing", opt=ADMIN)
async def ask_for_code(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Ask for a new code: to scan, or, with the phone's number, to type."""
    form = await request.form()
    typed = str(form.get("number", "")).strip()[:40]
    wanted = "pair"
    if form.get("by") == "code":
        number = parse_phone(typed, who.country)
        if number is None:
            return await _pair_page(request, who, web, phone_id, typed=typed, wrong=NO_NUMBER)
        wanted = f"pair_code:{number.lstrip('+')}"
    async with web.database.write() as tx:
        card = await _linked(tx, who, phone_id)
        if card.status != "connected":
            await pairing.wish(tx, card.id, wanted)
            await pairing.change(tx, card.id, pairing=None, status="pairing", status_why="")
    await web.bell.ring_gateway()
    return await _pair_page(request, who, web, phone_id, typed=typed)


async def _pair_page(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    phone_id: int,
    *,
    typed: str = "",
    wrong: str = "",
) -> Response[Any]:
    async with web.database.read() as tx:
        card = await _linked(tx, who, phone_id)
    shown = pairing_of(card, web.real_clock())
    values = {"card": card, "pairing": shown, "typed": typed, "wrong": wrong}
    return page(request, "phones/pair.html", values, status=422 if wrong else 200)


async def _linked(tx: AsyncConnection, who: Who, phone_id: int) -> PhoneCard:
    card = await phone_care.get(tx, who.company_id, phone_id)
    if card.kind not in paced_kinds():
        raise RefusedError(409, NOT_LINKED)
    return card


def _left(until: Any, now: datetime) -> int | None:
    try:
        at = datetime.fromisoformat(until) if isinstance(until, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None:
        return None
    return max(0, round((at - now).total_seconds()))


HANDLERS = (show_pairing, show_state, ask_for_code)
