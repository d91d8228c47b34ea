"""The first run, in three steps: who you are, which WhatsApp, which automation.

Rule: the first step is open only while there is no user at all, and makes company and owner in one
transaction; the other two are the owner's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request, Response, get, post
from litestar.response import Redirect

from engine import auto_replies
from flows import library
from store import first_run, phone_use, sessions, users
from store.errors import InvalidError
from web.api.templates import read_templates
from web.automations.gallery import for_newcomers, shelves
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.adding import FIELDS, SECRETS, connect
from web.security.who import Who
from web.setup.choices import countries, languages, zones
from web.setup.pretend import add_pretend
from web.shell.render import SCRIPTS, STYLES, page, script_addresses, style_addresses
from web.signin.routes import session_cookie

log = structlog.get_logger(__name__)

OWNER = {"role": "owner"}
ASKED = ("company", "name", "email", "password", "language", "country", "zone")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST = 120
LONGEST_EMAIL, LONGEST_PASSWORD = 320, 1024
DEFAULTS = {"language": "en", "country": "IT", "zone": "Europe/Rome"}


@get("/setup", opt={"access": "open"})
async def show_company(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """Who you are; whoever comes later signs in."""
    async with web.database.read() as tx:
        fresh = await first_run.nobody_yet(tx)
    if not fresh:
        return Redirect("/signin", status_code=303)
    return _company_page(request, DEFAULTS)


@post("/setup", opt={"access": "open"}, status_code=303)
async def make_company(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """Make the company and its owner, and let the owner in."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ASKED}
    typed["password"] = str(form.get("password", ""))  # spaces and all
    async with web.database.read() as tx:
        fresh = await first_run.nobody_yet(tx)
    if not fresh:
        return Redirect("/signin", status_code=303)
    wrong = _wrong_in(typed)
    if wrong:
        return _company_page(request, typed, wrong, status=422)
    now = web.clock()
    try:
        async with web.database.write() as tx:
            made = await first_run.begin(tx, **typed, now=now)
            if made is None:  # somebody was quicker
                return Redirect("/signin", status_code=303)
            company_id, owner = made
            await auto_replies.keep_house_rules(tx, [company_id], now)
            token = await sessions.open_for(tx, owner, now, web.session_lasts)
    except InvalidError as error:
        return _company_page(request, typed, {"zone": f"{error}."}, status=422)
    log.info("set_up", company=company_id, user=owner)
    cookie = session_cookie(web, token)
    return Redirect("/setup/whatsapp", status_code=303, headers={"Set-Cookie": cookie})


@get("/setup/whatsapp", opt=OWNER)
async def show_whatsapp(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """The pretend WhatsApp to try with, or a number of one's own."""
    if await _has_phone(web, who):
        return Redirect("/setup/first", status_code=303)
    return _whatsapp_page(request, web, {})


@post("/setup/whatsapp", opt=OWNER, status_code=303)
async def choose_whatsapp(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Connect what was chosen; "later" is fine too."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in (*FIELDS, "which")}
    wrong: dict[str, str] = {}
    if not await _has_phone(web, who):  # sent twice, it is there already
        if typed["which"] == "pretend":
            trouble = await add_pretend(web, who.company_id)
            wrong = {"which": trouble} if trouble else {}
        elif typed["which"] == "number":
            _, wrong = await connect(web, who, typed)
        elif typed["which"] != "later":
            wrong = {"which": "Choose one of the three."}
    if wrong:
        return _whatsapp_page(request, web, typed, wrong, status=422)
    if typed["which"] != "later":
        await read_templates(web, who.company_id)
    return Redirect("/setup/first", status_code=303)


@get("/setup/first", opt=OWNER)
async def show_first(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """Ready-made automations to begin with; one opens with the simulator running."""
    newcomers = for_newcomers()
    values = {
        "chosen": newcomers,
        "others": [one for one in shelves() if one not in newcomers],
        "goals": library.GOALS,
        "can_send": await _has_phone(web, who),
    }
    return _page(request, "first", values)


async def _has_phone(web: WebConfig, who: Who) -> bool:
    async with web.database.read() as tx:
        return bool(await phone_use.of_companies(tx, [who.company_id]))


def _wrong_in(typed: Mapping[str, str]) -> dict[str, str]:
    wrong = {}
    for name, what in (("company", "company"), ("name", "owner")):
        if not 1 <= len(typed[name]) <= LONGEST:
            wrong[name] = f"The name of the {what} has 1 to {LONGEST} letters."
    if not EMAIL.fullmatch(typed["email"]) or len(typed["email"]) > LONGEST_EMAIL:
        wrong["email"] = "Write an address such as ada@example.com."
    if len(typed["password"]) < users.MIN_PASSWORD:
        wrong["password"] = f"At least {users.MIN_PASSWORD} letters; a few words are easy to keep."
    elif len(typed["password"]) > LONGEST_PASSWORD:
        wrong["password"] = f"At most {LONGEST_PASSWORD} letters."
    choices = {
        "language": {code for code, _ in languages()},
        "country": {code for code, _ in countries()},
        "zone": set(zones()),
    }
    for name, known in choices.items():
        if typed[name] not in known:
            wrong[name] = "Choose one of the list."
    return wrong


def _company_page(
    request: Request[Any, Any, Any],
    typed: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response[Any]:
    values = {
        "typed": {name: value for name, value in typed.items() if name != "password"},
        "wrong": wrong or {},
        "languages": languages(),
        "countries": countries(),
        "zones": zones(),
        "least": users.MIN_PASSWORD,
    }
    return _page(request, "company", values, status=status)


def _whatsapp_page(
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
        "pretend": web.pretend is not None,
        "hook": f"{web.base_url}/hooks/cloud-api",
    }
    return _page(request, "whatsapp", values, status=status)


def _page(
    request: Request[Any, Any, Any], name: str, values: Mapping[str, Any], *, status: int = 200
) -> Response[Any]:
    own = {
        "styles": style_addresses((*STYLES, "setup")),
        "scripts": script_addresses((*SCRIPTS, "zone")),
    }
    return page(request, f"setup/{name}.html", {**own, **values}, status=status)


HANDLERS = (show_company, make_company, show_whatsapp, choose_whatsapp, show_first)
