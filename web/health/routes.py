"""`/health`: 200 when all is well, else 503 naming what is not.

Rule: it says what, never why; details are for the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa
import structlog
from litestar import Response, get
from msgspec import Struct

from store import heartbeats
from web.config import WebConfig
from web.given import Web

log = structlog.get_logger(__name__)

PATIENCE_S = 2.0
FRESH = timedelta(seconds=15)  # processes beat every few seconds of real time
Verdict = Literal["ok", "away"]


class Health(Struct, frozen=True):
    """`status` is ok when everything in `checks` is."""

    status: Literal["ok", "not_well"]
    checks: dict[str, Verdict]
    not_well: list[str]


@get("/health", opt={"access": "machine"})
async def health(web: Web) -> Response[Health]:
    """Database, Redis and the other processes."""
    checks: dict[str, Verdict] = dict.fromkeys(("database", *web.heartbeat_names), "away")
    if await _answers(_ask_database(web, checks)):
        checks["database"] = "ok"
    if web.redis_answers is not None:
        checks["redis"] = "ok" if await _answers(web.redis_answers()) else "away"
    not_well = [name for name, verdict in checks.items() if verdict != "ok"]
    found = Health("not_well" if not_well else "ok", checks, not_well)
    return Response(found, status_code=503 if not_well else 200)


async def _ask_database(web: WebConfig, checks: dict[str, Verdict]) -> bool:
    async with web.database.read() as tx:
        await tx.execute(sa.select(1))
        seen = {one.name: one.at for one in await heartbeats.everybody(tx)}
    oldest = web.real_clock() - FRESH
    for name in web.heartbeat_names:
        # Several workers of one kind beat as engine:1, engine:2 …; one that lives is enough.
        alive = [at for beat, at in seen.items() if beat == name or beat.startswith(f"{name}:")]
        if alive and max(alive) >= oldest:
            checks[name] = "ok"
    return True


async def _answers(question: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question
    except Exception as error:  # noqa: BLE001  whatever is wrong, the answer is the same
        log.warning("health_check_failed", error=repr(error))
        return False
