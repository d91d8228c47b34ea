"""Whether a session that opened something long still goes on.

Rule: asked of the database, as the gate does for each request; a cookie alone proves nothing.
"""

from __future__ import annotations

from typing import Any

from litestar import Request

from store import sessions
from web.config import WebConfig
from web.security import tokens
from web.security.who import Who


async def is_still_signed_in(request: Request[Any, Any, Any], web: WebConfig) -> bool:
    """Whether whoever sent this request has not signed out, been disabled or moved since."""
    who: Who = request.scope["user"]
    token = tokens.unsign(web.secret, request.cookies.get(tokens.SESSION_COOKIE))
    if not token:
        return False
    async with web.database.read() as tx:
        user = await sessions.find_user(tx, token, web.clock())
    return user is not None and (user.id, user.company_id) == (who.user_id, who.company_id)
