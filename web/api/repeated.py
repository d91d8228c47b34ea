"""Requests that may come twice: the second is answered like the first, and does nothing."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from litestar import Request, Response
from litestar.params import HeaderParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from store import idempotency
from web.security.who import Who
from web.shell.errors import RefusedError

IdempotencyKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Repeating a request with the same key does nothing twice",
    ),
]


async def answer_again(
    request: Request[Any, Any, Any], tx: AsyncConnection, who: Who, key: str | None, now: datetime
) -> Response[Any] | None:
    """The answer that this request got before; None when it is new. Raises RefusedError when the
    key came with another request, or the first one is still being worked on.
    """
    if not key:
        return None
    asked = hashlib.sha256(f"{request.url.path}\n".encode() + await request.body()).hexdigest()
    match await idempotency.begin(tx, who.company_id, key, asked, now):
        case idempotency.Mismatch():
            said = "This Idempotency-Key was used with another request. Use a new one."
            raise RefusedError(409, said, code="idempotency_mismatch")
        case idempotency.Unfinished():
            raise RefusedError(409, "The same request is being worked on. Try again soon.")
        case idempotency.Answered(status=status, response=response):
            return Response(response, status_code=status, headers={"Idempotent-Replay": "true"})
        case _:
            return None
