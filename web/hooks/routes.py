"""Webhooks of WhatsApp and of shops.

Rule: raw bytes → signature → rows in one transaction → bell → 200. Nothing is answered 200 before
it is stored, so an error of ours makes the sender try again; the work itself happens elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

import structlog
from litestar import Request, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath

from engine import intake
from gateway import inbound
from gateway.channels.cloud_api.shapes import decode
from gateway.channels.cloud_api.webhooks import challenge, parse, verify
from store import phone_use, shops
from triggers.shops.base import NotJson, ShopEvent
from web.given import Web
from web.shell.errors import RefusedError

log = structlog.get_logger(__name__)

BODY_LIMIT = 3_000_000  # bytes; Meta batches up to a thousand changes, 3 MB by its own reference
OPEN: dict[str, Any] = {"access": "machine"}
WRONG_SIGNATURE = "The signature is missing or wrong."
NOT_JSON = "The body is not JSON."


class Platform(Protocol):
    """What a module of `triggers/shops` offers."""

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
        """Whether the delivery is genuine."""

    def read(
        self, raw: bytes, headers: Mapping[str, str], *, country: str = ""
    ) -> Sequence[ShopEvent]:
        """What it says; raises NotJson."""


@get("/hooks/cloud-api", opt=OPEN)
async def subscribe(request: Request[Any, Any, Any], web: Web) -> Response[str]:
    """Meta asks whether this address is ours."""
    answer = challenge(dict(request.query_params), web.verify_token)
    if answer is None:
        raise RefusedError(403, "The verify token is wrong.")
    return Response(answer, media_type=MediaType.TEXT)


@post("/hooks/cloud-api", opt=OPEN, request_max_body_size=BODY_LIMIT, status_code=200)
async def cloud_api(request: Request[Any, Any, Any], web: Web) -> dict[str, str]:
    """Messages, receipts and news of accounts and templates."""
    raw = await request.body()
    header = request.headers.get("x-hub-signature-256", "")
    async with web.database.read() as tx:
        secrets = await phone_use.app_secrets(tx, "cloud_api")
    signed_by = verify(raw, header, secrets)
    if signed_by is None:
        log.warning("hook_refused", hook="cloud_api", why="signature")
        raise RefusedError(401, WRONG_SIGNATURE)
    if decode(raw) is None:
        raise RefusedError(400, NOT_JSON)
    news = parse(raw)
    if news:
        async with web.database.write("web.whatsapp") as tx:
            taken = await inbound.take_in(tx, news, app_secret=signed_by, now=web.clock())
        await web.bell.ring_engine()
        await web.bell.ring_gateway()
        for company_id in taken.companies:
            await web.bell.ring_live(company_id)
    return {"status": "ok"}


@post("/hooks/shops/{key:str}", opt=OPEN, request_max_body_size=BODY_LIMIT, status_code=200)
async def shop(request: Request[Any, Any, Any], web: Web, key: FromPath[str]) -> dict[str, str]:
    """Carts, orders and customers of one shop."""
    async with web.database.read() as tx:
        connection = await shops.find_by_key(tx, key)
    platform = _platform(connection.platform) if connection else None
    if connection is None or platform is None or connection.status != "active":
        raise RefusedError(404, "There is no such shop connection.")
    raw = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not platform.verify(raw, headers, connection.secrets):
        log.warning("hook_refused", hook="shop", shop=connection.id, why="signature")
        raise RefusedError(401, WRONG_SIGNATURE)
    try:
        told = platform.read(raw, headers, country=connection.country)
    except NotJson as error:
        raise RefusedError(400, NOT_JSON) from error
    async with web.database.write("web.shop") as tx:
        written = await intake.take_in(tx, connection, told, web.clock())
    if written:
        await web.bell.ring_engine()
    return {"status": "ok" if told else "ignored"}


@cache
def _platform(name: str) -> Platform | None:
    """The module of a platform; None for one that this installation does not have."""
    full = f"triggers.shops.{name}"
    if not name.isidentifier() or importlib.util.find_spec(full) is None:
        return None
    return cast("Platform", importlib.import_module(full))


HANDLERS = (subscribe, cloud_api, shop)
