"""The sign-in page. Rule: who guesses learns nothing, and learns it slowly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from litestar import Request, Response, get, post
from litestar.response import Redirect

from store import first_run, sessions, users
from web.config import WebConfig
from web.given import Web
from web.security import tokens
from web.security.limits import Limit
from web.shell.render import Notice, page

log = structlog.get_logger(__name__)

TRIES_WITHIN = timedelta(minutes=15)
ADDRESS_TRIES = 10  # times as many per address: an office shares one
WRONG = "E-mail or password is wrong."


class SignInLimits:
    """Wrong tries per address and e-mail, and per address alone."""

    def __init__(self, tries: int) -> None:
        self.pair = Limit(tries, TRIES_WITHIN)
        self.address = Limit(tries * ADDRESS_TRIES, TRIES_WITHIN)


@get("/signin", opt={"access": "open"})
async def show_sign_in(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """The form; whoever is signed in goes on at once. Where nobody ever was, it is set up first."""
    goal = _inside(request.query_params.get("next", ""))
    if request.scope.get("user") is not None:
        return Redirect(goal, status_code=303)
    async with web.database.read() as tx:
        fresh = await first_run.nobody_yet(tx)
    if fresh:
        return Redirect("/setup", status_code=303)
    return page(request, "signin/signin.html", {"goal": goal, "email": ""})


@post("/signin", opt={"access": "open"}, status_code=303)
async def sign_in(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """Open a session, or say no without saying why."""
    form = await request.form()
    email = str(form.get("email", "")).strip().lower()[:320]
    goal = _inside(str(form.get("next", "")))
    limits: SignInLimits = request.app.state["sign_in_limits"]
    now, real_now = web.clock(), web.real_clock()
    address = request.client.host if request.client else ""
    wait = max(
        limits.pair.wait_s((address, email), real_now), limits.address.wait_s(address, real_now)
    )
    shown = {"goal": goal, "email": email}
    if wait:
        minutes = -(-wait // 60)
        said = Notice(f"Too many tries. Wait {minutes} min and try again.", "warn")
        answer = page(request, "signin/signin.html", shown, status=429, notices=[said])
        answer.headers["Retry-After"] = str(wait)
        return answer
    # Counted before the slow check, so that tries in parallel are not free.
    limits.pair.count((address, email), real_now)
    limits.address.count(address, real_now)
    password = str(form.get("password", ""))[:1024]
    async with web.database.read() as tx:
        user = await users.verify(tx, email, password)
    if user is None:
        log.info("sign_in_refused")
        said = Notice(WRONG, "danger")
        return page(request, "signin/signin.html", shown, status=401, notices=[said])
    async with web.database.write() as tx:
        await users.renew(tx, user.id, password)
        token = await sessions.open_for(tx, user.id, now, web.session_lasts)
    limits.pair.forget((address, email))
    log.info("signed_in", company=user.company_id, user=user.id)
    return Redirect(goal, status_code=303, headers={"Set-Cookie": session_cookie(web, token)})


@post("/signout", opt={"access": "open"}, status_code=303)
async def sign_out(request: Request[Any, Any, Any], web: Web) -> Response[Any]:
    """End this browser's session on the server, and take its cookie."""
    token = tokens.unsign(web.secret, request.cookies.get(tokens.SESSION_COOKIE))
    if token:
        async with web.database.write() as tx:
            await sessions.revoke(tx, token, web.clock())
    gone = tokens.set_cookie(tokens.SESSION_COOKIE, "", max_age=0, https=web.https)
    return Redirect("/signin", status_code=303, headers={"Set-Cookie": gone})


def session_cookie(web: WebConfig, token: str) -> str:
    """The Set-Cookie header that lets a browser in with a session's token."""
    return tokens.set_cookie(
        tokens.SESSION_COOKIE,
        tokens.sign(web.secret, token),
        max_age=int(web.session_lasts.total_seconds()),
        https=web.https,
    )


def _inside(address: str) -> str:
    """`address` when it is a path of ours, else the start: nobody is sent elsewhere."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
