"""The one place every request passes: who is it, may they, and does the form come from us.

Rule: a handler is for signed-in people unless its `opt["access"]` says "open" (anybody), "api"
(keys and people) or "machine" (no session at all). `opt["role"]` is the least role,
`opt["change_role"]` the one for changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import RequestEncodingType, ScopeType
from litestar.exceptions import (
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from store import api_keys, companies, sessions
from web.config import WebConfig
from web.security import tokens
from web.security.limits import Limit
from web.security.who import Role, Who
from web.shell.frame import Frame, load

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
LARGEST_ID = 2**63 - 1  # what a database can look for
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
KEY_WANTED = "Send the API key as “Authorization: Bearer tt_…”."
KEY_ROLE: Role = "editor"  # what a machine may do: all but users, phones and money


class Gate(ASGIMiddleware):
    """Puts a Who into `scope["user"]`, form token and frame into the scope's state."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request through, or raise what the error page puts in words."""
        given: Collection[object] = scope["path_params"].values()
        nowhere = any(isinstance(one, int) and one > LARGEST_ID for one in given)
        opt: Mapping[str, Any] = scope["route_handler"].opt
        access = opt.get("access", "people")
        if access == "machine":  # signed by its sender or of no consequence: it needs no session
            if nowhere:
                raise NotFoundException
            await next_app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive)
        web: WebConfig = request.app.state["web"]
        key = request.headers.get("authorization", "") if access == "api" else ""
        if key:
            scope["user"] = who = await self._by_key(web, key)
            self._slow_down(request, who, access)
        else:
            token, fresh = self._token(web, request)
            found, around = await self._by_session(web, token, framed=access == "people")
            scope["user"], scope["state"]["frame"] = found, around
            scope["state"]["csrf"] = tokens.csrf_token(web.secret, token)
            if fresh:
                send = self._keeps(send, fresh)
            if access != "open":
                who = self._signed_in(found, access)
                self._slow_down(request, who, access)
            await self._refuse_forged(web, request, token)
        if access != "open":
            self._check_role(who, request.method, opt)
        if nowhere:  # said only now, so that the page keeps the navigation of who asks
            raise NotFoundException
        await next_app(scope, receive, send)

    @staticmethod
    def _token(web: WebConfig, request: Request[Any, Any, Any]) -> tuple[str, str]:
        """The session's token, else the visit's; a new visit also gives the cookie to set."""
        for name in (tokens.SESSION_COOKIE, tokens.VISIT_COOKIE):
            token = tokens.unsign(web.secret, request.cookies.get(name))
            if token:
                return token, ""
        token = tokens.new_token()
        signed = tokens.sign(web.secret, token)
        return token, tokens.set_cookie(tokens.VISIT_COOKIE, signed, max_age=None, https=web.https)

    @staticmethod
    async def _by_session(web: WebConfig, token: str, *, framed: bool) -> tuple[Who | None, Frame]:
        now = web.clock()
        async with web.database.read() as tx:
            user = await sessions.find_user(tx, token, now)
            if user is None:
                return None, Frame()
            company = await companies.get(tx, user.company_id)
            who = Who(
                company_id=company.id,
                company=company.name,
                zone=ZoneInfo(company.zone),
                language=company.language,
                country=company.country,
                role=user.role,
                name=user.name or user.email,
                email=user.email,
                user_id=user.id,
                on_hold=company.on_hold(now),
            )
            return who, await load(tx, who, now) if framed else Frame()

    @staticmethod
    async def _by_key(web: WebConfig, header: str) -> Who:
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthorizedException(KEY_WANTED)
        async with web.database.read() as tx:
            found = await api_keys.find_company(tx, key.strip())
            if found is None:
                raise NotAuthorizedException("This API key is not known or was revoked.")
            company = await companies.get(tx, found.company_id)
        now = web.clock()
        if api_keys.use_is_worth_noting(found, now):
            async with web.database.write() as tx:
                await api_keys.note_use(tx, found.id, now)
        return Who(
            company_id=company.id,
            company=company.name,
            zone=ZoneInfo(company.zone),
            language=company.language,
            country=company.country,
            role=KEY_ROLE,
            name=found.name,
            key_id=found.id,
        )

    @staticmethod
    def _signed_in(found: Who | None, access: str) -> Who:
        if found is None:
            raise NotAuthorizedException(KEY_WANTED if access == "api" else "Sign in first.")
        return found

    @staticmethod
    def _slow_down(request: Request[Any, Any, Any], who: Who, access: str) -> None:
        if access != "api":
            return
        limit: Limit = request.app.state["api_limit"]
        now = request.app.state["web"].real_clock()
        caller = (who.key_id, who.user_id)
        wait = limit.wait_s(caller, now)
        if wait:
            raise TooManyRequestsException(
                f"More than {limit.tries} calls a minute. Try again in {wait} s.",
                headers={"Retry-After": str(wait)},
            )
        limit.count(caller, now)

    @staticmethod
    async def _refuse_forged(web: WebConfig, request: Request[Any, Any, Any], token: str) -> None:
        if request.method in SAFE:
            return
        given = request.headers.get(CSRF_HEADER)
        if given is None and request.content_type[0] in (
            RequestEncodingType.URL_ENCODED,
            RequestEncodingType.MULTI_PART,
        ):
            form = await request.form()
            field = form.get(CSRF_FIELD)
            given = field if isinstance(field, str) else None
        if not tokens.csrf_fits(web.secret, token, given):
            raise PermissionDeniedException(
                "This form is too old or did not come from Tiptoe. Go back, load the page again "
                "and send it once more.",
                extra={"code": "forged"},
            )

    @staticmethod
    def _check_role(who: Who, method: str, opt: Mapping[str, Any]) -> None:
        role = opt.get("role", "viewer")
        if method not in SAFE:
            role = opt.get("change_role", role)
        if not who.may(role):
            raise PermissionDeniedException(
                f"This needs the role {role}; yours is {who.role}. Ask an admin of {who.company}."
            )

    @staticmethod
    def _keeps(send: Send, cookie: str) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message).add("set-cookie", cookie)
            await send(message)

        return wrapped
