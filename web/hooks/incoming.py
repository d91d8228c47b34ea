"""Webhooks of webhook triggers: any JSON, or a form, to an address of its own.

Rule: raw bytes → signature where a secret is set → rows in one transaction → bell → 202.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl

import structlog
from litestar import Request, post
from litestar.params import FromPath, HeaderParameter

from engine.inbound_hooks import Accepted, Ignored, take_in
from gateway.channels.cloud_api.shapes import decode
from store import inbound_hooks
from web.given import Web
from web.shell.errors import Detail, RefusedError

log = structlog.get_logger(__name__)

BODY_LIMIT = 256_000  # bytes; the whole of it becomes the run's variables
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000  # of a form
PREFIX = "sha256="


@post(
    "/hooks/in/{key:str}",
    opt={"access": "machine"},
    request_max_body_size=BODY_LIMIT,
    status_code=202,
)
async def incoming(
    request: Request[Any, Any, Any],
    web: Web,
    key: FromPath[str],
    delivery: Annotated[
        str | None, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=200)
    ] = None,
) -> dict[str, str]:
    """Start the automation for whom the body is about."""
    async with web.database.read() as tx:
        hook = await inbound_hooks.find_by_key(tx, key)
    if hook is None:
        said = "There is no such webhook. Copy the address from the automation's webhook trigger."
        raise RefusedError(404, said)
    raw = await request.body()
    if hook.secret and not signed(raw, hook.secret, request.headers.get("x-tiptoe-signature", "")):
        log.warning("hook_refused", hook="in", automation=hook.automation_id, why="signature")
        said = "Sign the body with this webhook's secret: X-Tiptoe-Signature: sha256=<hex>."
        raise RefusedError(401, said)
    payload = _payload(raw, request.content_type[0])
    async with web.database.write() as tx:
        done = await take_in(tx, hook, payload, delivery or "", web.clock())
    match done:
        case Accepted(event_id=event_id, contact_id=contact_id, repeated=repeated):
            if not repeated:
                await web.bell.ring_engine()
            status = "repeated" if repeated else "accepted"
            return {"status": status, "event_id": str(event_id), "contact_id": str(contact_id)}
        case Ignored(why=why):
            return {"status": "ignored", "why": why}
        case refused:
            pointer = "/" + refused.path.replace("~", "~0").replace("/", "~1").replace(".", "/")
            detail = Detail(pointer, refused.why)
            raise RefusedError(422, f"Nobody was started. {refused.why}", details=[detail])


def signed(raw: bytes, secret: str, header: str) -> bool:
    """Whether `header` is the HMAC-SHA256 of exactly these bytes, in hex, in constant time."""
    ours = hmac.new(secret.encode(), raw, sha256).hexdigest()
    given = header.strip().removeprefix(PREFIX).lower().encode("utf-8", "replace")
    return hmac.compare_digest(ours.encode(), given)


def _payload(raw: bytes, content_type: str) -> Any:
    if content_type == FORM:
        try:
            return _form(raw)
        except ValueError as error:
            raise RefusedError(400, f"The form cannot be read: {error}.") from error
    payload = decode(raw)
    if not isinstance(payload, dict | list):
        said = "The body is neither a JSON object, nor a JSON list, nor a form."
        raise RefusedError(400, said)
    return payload


def _form(raw: bytes) -> dict[str, str | list[str]]:
    """A form as an object; what stands there several times is a list."""
    found: dict[str, str | list[str]] = {}
    pairs = parse_qsl(
        raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
    )
    for name, value in pairs:
        before = found.get(name)
        if before is None:
            found[name] = value
        else:
            found[name] = [*(before if isinstance(before, list) else [before]), value]
    return found


HANDLERS = (incoming,)
