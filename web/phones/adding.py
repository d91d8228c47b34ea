"""Connecting a number: a form for the Cloud API, a name for a linked device, new credentials.

Rule: WhatsApp is asked before a number is kept; secrets go in and never come out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request, Response, get, post, put
from litestar.params import FromPath
from litestar.response import Redirect

from gateway.channels import paced_kinds
from store import pairing, phone_care, phones
from store.numbers import parse_phone
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.asking import Known, Refused, Silent, ask
from web.phones.limits import LONGEST_NAME
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import page

ADMIN = {"role": "admin"}
FIELDS = ("name", "phone_number_id", "account_id", "token", "app_secret", "unasked")
SECRETS = frozenset({"token", "app_secret"})
LONGEST_ID, LONGEST_TOKEN = 30, 2000
HOOK = "/hooks/cloud-api"
TAKEN = "This number is connected already."
log = structlog.get_logger(__name__)


@get("/phones/new", opt=ADMIN)
async def show_form(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """Both ways to connect a number."""
    return _form(request, web, {})


@post("/phones", opt=ADMIN)
async def add_number(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Connect a number of the Cloud API, once WhatsApp knows it."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in FIELDS}
    made, wrong = await connect(web, who, typed)
    if made is None:
        return _form(request, web, typed, wrong, status=422)
    return go_to(request, f"/phones/{made}")


@post("/phones/linked", opt=ADMIN)
async def add_linked(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Begin with a linked device: it has a name, and is paired on its own page."""
    form = await request.form()
    name = str(form.get("linked_name", "")).strip()
    wrong = {}
    if not 1 <= len(name) <= LONGEST_NAME:
        wrong["linked_name"] = f"A name has 1 to {LONGEST_NAME} characters."
    if form.get("knowing") != "yes":
        wrong["knowing"] = "Tick that you know the risk."
    if wrong:
        return _form(request, web, {"linked_name": name}, wrong, status=422)
    async with web.database.write() as tx:
        made = await phones.create(
            tx, who.company_id, "neonize", web.clock(), name=name, status="pairing"
        )
        await pairing.wish(tx, made, "pair")
    await web.bell.ring_gateway()
    return go_to(request, f"/phones/{made}/pair")


@put("/phones/{phone_id:int}/credentials", opt=ADMIN)
async def set_credentials(
    request: Request[Any, Any, Any], who: Asker, web: Web, phone_id: FromPath[int]
) -> Response[Any]:
    """Keep a new token for a number of the Cloud API, once WhatsApp takes it."""
    form = await request.form()
    token, app_secret = (str(form.get(name, "")).strip() for name in ("token", "app_secret"))
    async with web.database.read() as tx:
        card = await phone_care.get(tx, who.company_id, phone_id)
    if card.kind in paced_kinds() or not card.remote_id:
        raise RefusedError(409, "A linked device has no token; pair it again instead.")
    if not 1 <= len(token) <= LONGEST_TOKEN or len(app_secret) > LONGEST_TOKEN:
        raise RefusedError(422, "Paste the token that Meta shows.")
    known = await ask(
        card.base_url or web.cloud_api_url,
        card.version or web.cloud_api_version,
        card.remote_id,
        token,
    )
    if not isinstance(known, Known):
        raise RefusedError(422, f"{known.words} The old token is kept.")
    async with web.database.write() as tx:
        await phone_care.set_credentials(tx, who.company_id, phone_id, token, app_secret)
    await web.bell.ring_gateway()
    return go_to(request, f"/phones/{phone_id}")


async def connect(
    web: WebConfig, who: Who, typed: Mapping[str, str]
) -> tuple[int | None, dict[str, str]]:
    """Connect a number of the Cloud API, once WhatsApp knows it: its id, or by field what is wrong
    with what was typed (FIELDS).
    """
    wrong = _check(typed)
    if wrong:
        return None, wrong
    async with web.database.read() as tx:
        taken = await phones.find_by_remote_id(tx, typed["phone_number_id"]) is not None
    if taken:
        return None, {"phone_number_id": TAKEN}
    known = await ask(
        web.cloud_api_url, web.cloud_api_version, typed["phone_number_id"], typed["token"]
    )
    if isinstance(known, Refused):
        return None, {"token": known.words}
    if isinstance(known, Silent) and typed["unasked"] != "yes":
        return None, {"unasked": known.words}
    made = await _keep(who, web, typed, known if isinstance(known, Known) else None)
    return (None, {"phone_number_id": TAKEN}) if made is None else (made, {})


def go_to(request: Request[Any, Any, Any], address: str) -> Response[Any]:
    """Send the browser on: htmx by its own header, because it follows a redirect by itself."""
    if request.headers.get("hx-request") == "true":
        return Response("", status_code=200, headers={"HX-Redirect": address})
    return Redirect(address, status_code=303)


async def _keep(
    who: Who, web: WebConfig, typed: Mapping[str, str], known: Known | None
) -> int | None:
    number = (parse_phone(known.number) or known.number) if known else ""
    async with web.database.write() as tx:
        if await phones.find_by_remote_id(tx, typed["phone_number_id"]) is not None:
            return None  # somebody was quicker
        made = await phones.create(
            tx,
            who.company_id,
            "cloud_api",
            web.clock(),
            name=typed["name"],
            number=number,
            remote_id=typed["phone_number_id"],
            account_id=typed["account_id"],
            credentials={"token": typed["token"], "app_secret": typed["app_secret"]},
            quality=known.quality if known else "UNKNOWN",
        )
    await web.bell.ring_gateway()
    log.info("phone_connected", company=who.company_id, phone=made, user=who.user_id)
    return made


def _check(typed: Mapping[str, str]) -> dict[str, str]:
    wrong = {}
    if not 1 <= len(typed["name"]) <= LONGEST_NAME:
        wrong["name"] = f"A name has 1 to {LONGEST_NAME} characters."
    for field in ("phone_number_id", "account_id"):
        text = typed[field]
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
            wrong[field] = "The digits that Meta shows, without spaces."
    for field, words in (("token", "access token"), ("app_secret", "app secret")):
        if not 1 <= len(typed[field]) <= LONGEST_TOKEN or not typed[field].isascii():
            wrong[field] = f"Paste the {words} that Meta shows."
    return wrong


def _form(
    request: Request[Any, Any, Any],
    web: WebConfig,
    typed: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response[Any]:
    values = {
        "typed": {name: value for name, value in typed.items() if name not in SECRETS},
        "wrong": wrong or {},
        "hook": web.base_url + HOOK,
    }
    return page(request, "phones/add.html", values, status=status)


HANDLERS = (show_form, add_number, add_linked, set_credentials)
