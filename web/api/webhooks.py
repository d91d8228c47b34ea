"""The addresses of webhook triggers by API: where to post, what came last, signatures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import delete, get, put
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import automations, inbound_hooks
from web.api.shapes import Page
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import RefusedError

TAGS = ["Webhooks"]
EDITOR = {"role": "editor"}
AT = "/automations/{automation_id:int}/webhooks"


class WebhookOut(Struct, frozen=True):
    """One webhook trigger. `live`: it starts contacts now; until then deliveries are only kept, the
    last one as `last_payload`. `signed`: deliveries need the header X-Tiptoe-Signature.
    """

    trigger: str
    address: str
    live: bool
    signed: bool
    last_at: datetime | None
    last_payload: Any


class SecretOut(Struct, frozen=True):
    """Shown this once. Send `X-Tiptoe-Signature: sha256=` and the HMAC-SHA256 of the body with
    this secret, in hex.
    """

    secret: str


@get(AT, summary="List webhook addresses", tags=TAGS, opt=EDITOR)
async def list_webhooks(who: Asker, web: Web, automation_id: FromPath[int]) -> Page[WebhookOut]:
    """Of the draft and of the live revision. An address that is missing is made."""
    async with web.database.write() as tx:
        return Page(await _webhooks(tx, web, who, automation_id), None)


@put(AT + "/{trigger:str}/secret", summary="Ask for signatures", tags=TAGS, opt=EDITOR)
async def put_secret(
    who: Asker, web: Web, automation_id: FromPath[int], trigger: FromPath[str]
) -> SecretOut:
    """Makes a new secret; deliveries without a signature of it are refused from now on."""
    async with web.database.write() as tx:
        await _webhook(tx, web, who, automation_id, trigger)
        made = await inbound_hooks.make_secret(tx, who.company_id, automation_id, trigger)
    return SecretOut(made)


@delete(AT + "/{trigger:str}/secret", summary="Take deliveries unsigned", tags=TAGS, opt=EDITOR)
async def delete_secret(
    who: Asker, web: Web, automation_id: FromPath[int], trigger: FromPath[str]
) -> None:
    """The address alone is then the secret."""
    async with web.database.write() as tx:
        await inbound_hooks.drop_secret(tx, who.company_id, automation_id, trigger)


@put(AT + "/{trigger:str}/key", summary="Make a new address", tags=TAGS, opt=EDITOR)
async def put_key(
    who: Asker, web: Web, automation_id: FromPath[int], trigger: FromPath[str]
) -> WebhookOut:
    """The old address is unknown from now on."""
    async with web.database.write() as tx:
        await inbound_hooks.renew_key(tx, who.company_id, automation_id, trigger)
        return await _webhook(tx, web, who, automation_id, trigger)


async def _webhook(
    tx: AsyncConnection, web: WebConfig, who: Who, automation_id: int, trigger: str
) -> WebhookOut:
    found = await _webhooks(tx, web, who, automation_id)
    one = next((one for one in found if one.trigger == trigger), None)
    if one is None:
        names = ", ".join(one.trigger for one in found) or "none yet"
        raise RefusedError(404, f"There is no webhook trigger “{trigger}”. There are: {names}.")
    return one


async def _webhooks(
    tx: AsyncConnection, web: WebConfig, who: Who, automation_id: int
) -> list[WebhookOut]:
    found = await automations.get(tx, who.company_id, automation_id)
    live_id = found.live_revision_id
    documents = await automations.documents(tx, [live_id] if live_id is not None else [])
    live = _names(documents.get(live_id or 0, {})) if found.status == "live" else []
    names = list(dict.fromkeys([*_names(found.draft), *live]))
    hooks = await inbound_hooks.ensure(tx, who.company_id, automation_id, names, web.clock())
    return [
        WebhookOut(
            trigger=one.trigger,
            address=f"{web.base_url.rstrip('/')}/hooks/in/{one.key}",
            live=one.trigger in live,
            signed=bool(one.secret),
            last_at=one.last_at,
            last_payload=one.last_payload,
        )
        for one in hooks
    ]


def _names(document: dict[str, Any]) -> list[str]:
    """The webhook triggers of a document, which may be a draft of any shape."""
    triggers = document.get("triggers")
    return [
        name
        for name, one in (triggers if isinstance(triggers, dict) else {}).items()
        if isinstance(one, dict) and one.get("type") == "webhook"
    ]


HANDLERS = (list_webhooks, put_secret, delete_secret, put_key)
