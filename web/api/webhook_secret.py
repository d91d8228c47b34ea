"""The secret that signs outgoing webhook calls, by API. Rule: only admins see it."""

from __future__ import annotations

from litestar import get, post
from msgspec import Struct

from store import companies
from web.given import Asker, Web

TAGS = ["Webhooks"]
ADMIN = {"role": "admin"}


class SigningSecret(Struct, frozen=True):
    """Calls carry `Tiptoe-Signature: t=<unix seconds>,v1=<hex>`: the HMAC-SHA256, with this
    secret, of the seconds, a full stop and the body as it was sent.
    """

    secret: str


@get("/company/webhook-secret", summary="Read the webhook secret", tags=TAGS, opt=ADMIN)
async def get_webhook_secret(who: Asker, web: Web) -> SigningSecret:
    """The secret of outgoing webhook calls. It is made when it is first asked for."""
    async with web.database.write() as tx:
        found = await companies.webhook_secrets(tx, [who.company_id])
    return SigningSecret(found[who.company_id])


@post("/company/webhook-secret", summary="Make a new webhook secret", tags=TAGS, opt=ADMIN)
async def rotate_webhook_secret(who: Asker, web: Web) -> SigningSecret:
    """Signs from the next call on; the old secret is forgotten at once."""
    async with web.database.write() as tx:
        return SigningSecret(await companies.rotate_webhook_secret(tx, who.company_id))


HANDLERS = (get_webhook_secret, rotate_webhook_secret)
