"""The operator's door: calls about the whole house, opened by its admin key.

Rule: who guesses is answered slowly, and after some tries not at all for a while.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from store import house
from web.config import WebConfig
from web.security.limits import Limit

ADMIN_KEY_HEADER = "x-admin-key"
TRIES, WITHIN = 10, timedelta(minutes=15)
PAUSE_S = 1.0  # before a wrong key is refused
WANTED = "Send the admin key as “X-Admin-Key”. `tiptoe house admin-key` makes one."
OPERATOR = {"access": "machine"}  # neither a session nor a company's key is asked for

log = structlog.get_logger(__name__)


class OperatorLimit(Limit):
    """Wrong keys per address."""

    def __init__(self) -> None:
        super().__init__(TRIES, WITHIN)


async def operator_only(
    connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
) -> None:
    """Let the request through when it carries the admin key."""
    web: WebConfig = connection.app.state["web"]
    limit: OperatorLimit = connection.app.state["operator_limit"]
    address = connection.client.host if connection.client else ""
    now = web.real_clock()
    wait = limit.wait_s(address, now)
    if wait:
        raise TooManyRequestsException(
            f"Too many wrong admin keys. Try again in {wait} s.", headers={"Retry-After": str(wait)}
        )
    key = connection.headers.get(ADMIN_KEY_HEADER, "")
    if not key:
        raise NotAuthorizedException(WANTED)
    limit.count(address, now)  # before the answer, so that tries in parallel are not free
    async with web.database.read() as tx:
        if await house.opens(tx, key):
            limit.forget(address)
            return
    log.warning("wrong admin key", address=address)
    await asyncio.sleep(PAUSE_S)
    raise NotAuthorizedException(f"This is not the admin key. {WANTED}")
