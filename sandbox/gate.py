"""What every call of the Graph API passes: version, token, the object it is about, its JSON.

One rule: nothing here decides what is allowed; a refusal is remembered where it is answered.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import State

from sandbox import refused
from sandbox.memory import Json, Row
from sandbox.refusals import Refusal, no_such_object, unknown_path, wrong_token
from sandbox.world import World, find_phone, has_account

VERSION = re.compile(r"v\d+\.\d+")

GraphRequest = Request[Any, Any, State]
Answer = Response[Any]


def world_of(request: GraphRequest) -> World:
    """Return the world behind a request."""
    world: World = request.app.state.world
    return world


def refuse(world: World, refusal: Refusal, method: str, path: str) -> Json:
    """Remember a refused call, and return the body that says no."""
    body = refusal.body(world.ids.trace())
    refused.remember(
        world.memory,
        refusal,
        method=method,
        path=path,
        message=body["error"]["message"],
        at=world.now(),
    )
    world.live.ring("")
    return body


def answer(request: GraphRequest, outcome: Json | Refusal) -> Answer:
    """Answer with an outcome."""
    if not isinstance(outcome, Refusal):
        return Response(outcome)
    body = refuse(world_of(request), outcome, request.method, request.url.path)
    return Response(body, status_code=outcome.http_status)


def check(world: World, version: str, authorization: str, path: str) -> Refusal | None:
    """Check the version and the token of a call; uploads call their token OAuth."""
    if not VERSION.fullmatch(version):
        return unknown_path(path)
    scheme, _, token = authorization.partition(" ")
    given, wanted = token.encode(), world.config.access_token.encode()
    if scheme in {"Bearer", "OAuth"} and hmac.compare_digest(given, wanted):
        return None
    return wrong_token()


def passes(request: GraphRequest, version: str) -> Refusal | None:
    """Check the version and the token of a request."""
    authorization = request.headers.get("authorization", "")
    return check(world_of(request), version, authorization, request.url.path)


def phone_of(request: GraphRequest, version: str, object_id: str) -> Row | Refusal:
    """Return the number that a call is about."""
    if refusal := passes(request, version):
        return refusal
    found = find_phone(world_of(request), object_id)
    return found or no_such_object(request.method, object_id)


def account_of(request: GraphRequest, version: str, object_id: str) -> str | Refusal:
    """Return the id of the account that a call is about."""
    if refusal := passes(request, version):
        return refusal
    if has_account(world_of(request).memory, object_id):
        return object_id
    return no_such_object(request.method, object_id)


def decoded(raw: bytes) -> Json | Refusal:
    """Return the JSON object of a body."""
    try:
        body = msgspec.json.decode(raw or b"{}")
    except (msgspec.DecodeError, RecursionError):
        return Refusal(100, "The body is not valid JSON.")
    return body if isinstance(body, dict) else Refusal(100, "The body must be a JSON object.")


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Say whether another site's page tries this through the developer's browser."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
