"""What goes wrong, in words: a page with the navigation, a toast for htmx, JSON for machines.

Rule: what a person did not cause gets an id to quote, which the log has too; no detail leaves us.
"""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import ParameterKwarg
from litestar.response import Redirect
from msgspec import Struct

from store.errors import InvalidError, NotFoundError
from web.shell.render import environment, page

log = structlog.get_logger(__name__)

HEADINGS = {
    400: "This could not be understood",
    401: "Sign in first",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This does not fit any more",
    413: "This is too large",
    415: "This kind of content is not taken here",
    422: "Some of this is not right",
    429: "Too many tries",
}
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
}
TOO_LARGE = "The content sent is larger than this address takes."
NOTHING_HERE = "The address is wrong, or what was here belongs to somebody else or is gone."


class Detail(Struct, omit_defaults=True):
    """One field that is wrong: `pointer` is a JSON pointer (RFC 6901) into the body."""

    pointer: str
    message: str


class RefusedError(HTTPException):
    """An answer other than yes, with its status, a word for machines and a sentence for people."""

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        code: str = "",
        details: list[Detail] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail=sentence, status_code=status, headers=headers)
        self.code = code or CODES.get(status, "error")
        self.details = details or []


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """A refusal of ours or of the framework's."""
    sentence = error.detail or HEADINGS.get(error.status_code, "")
    if not isinstance(error, RefusedError):
        sentence = _in_words(request, error) or sentence
    if error.status_code >= 500:  # noqa: PLR2004
        return on_crash(request, error)
    code = getattr(error, "code", "") or CODES.get(error.status_code, "error")
    details = getattr(error, "details", [])
    return _answer(request, error.status_code, code, sentence, details, error.headers)


def _in_words(request: Request[Any, Any, Any], error: HTTPException) -> str:
    """What the framework's own refusals mean for the one who asked; "" when it said so itself."""
    match error.status_code:
        case 404:
            return NOTHING_HERE
        case 405:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            allowed = ", ".join(sorted(headers["allow"].split(", ")))
            return f"This address does not take {request.method}; it takes {allowed}."
        case 413:
            return TOO_LARGE
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        wrong = [one for one in error.extra if isinstance(one, dict)]
        return " ".join(_parameter_in_words(request, one) for one in wrong)
    return ""


def _parameter_in_words(request: Request[Any, Any, Any], wrong: dict[str, Any]) -> str:
    name = str(wrong.get("key", "A parameter"))
    ours = request.route_handler.parsed_fn_signature.parameters.get(name)
    if ours is not None and isinstance(ours.kwarg_definition, ParameterKwarg):
        name = ours.kwarg_definition.name or name  # “from” is no name in Python
    return f"“{name}” is not right: {wrong.get('message', '')}."


def on_not_found(request: Request[Any, Any, Any], error: NotFoundError) -> Response[Any]:
    """The store has no such thing for this company."""
    del error
    return _answer(request, 404, "not_found", NOTHING_HERE)


def on_invalid(request: Request[Any, Any, Any], error: InvalidError) -> Response[Any]:
    """The store refuses a value; its message is made for people."""
    sentence = str(error)
    return _answer(request, 422, "invalid", sentence[:1].upper() + sentence[1:])


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A bug, or the database away: logged with an id, told without its details."""
    error_id = secrets.token_hex(4)
    log.error("request_failed", error_id=error_id, path=request.url.path, exc_info=error)
    sentence = "Something went wrong on our side. Nothing was changed; please try again."
    return _answer(request, 500, "internal", sentence, error_id=error_id)


def _answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    sentence: str,
    details: list[Detail] | None = None,
    headers: dict[str, str] | None = None,
    error_id: str = "",
) -> Response[Any]:
    headers = dict(headers or {})
    path = request.url.path
    if path.startswith(("/api/", "/hooks/", "/health")):
        error: dict[str, Any] = {"code": code, "message": sentence}
        if details:
            error["details"] = details
        if error_id:
            error["id"] = error_id
        if status == 401:  # noqa: PLR2004
            headers.setdefault("WWW-Authenticate", "Bearer")
        return Response(
            {"error": error}, status_code=status, headers=headers, media_type=MediaType.JSON
        )
    by_htmx = request.headers.get("hx-request") == "true"
    if status == 401 and path != "/signin":  # noqa: PLR2004
        address = f"/signin?next={path}" if request.method == "GET" and path != "/" else "/signin"
        if by_htmx:
            return Response("", status_code=status, headers={"HX-Redirect": "/signin"})
        return Redirect(address, status_code=303)
    values = {
        "heading": HEADINGS.get(status, "Something went wrong"),
        "sentence": sentence,
        "error_id": error_id,
    }
    if by_htmx:
        body = environment().get_template("shell/toast.html").render(values)
        return Response(body, status_code=status, headers=headers, media_type=MediaType.HTML)
    answer = page(request, "shell/lost.html", values, status=status)
    answer.headers.update(headers)
    return answer
