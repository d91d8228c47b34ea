"""Messages by API: send one or many, see what became of them and why, take one back.

Rule: what is taken in is a row in the queue like any other; the gateway decides about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from store import companies, idempotency, messages
from store.errors import NotFoundError
from web.api.contacts import message_out
from web.api.message_shapes import (
    MessageFull,
    MessageIn,
    QueuedMessages,
    SendMessages,
)
from web.api.repeated import IdempotencyKey, answer_again
from web.api.sending import queue_all
from web.api.shapes import MessageOut, Page
from web.given import Asker, Web
from web.messages.recall import recall
from web.messages.telling import tell
from web.paging import before_of, cut, parse_id
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

LISTED = 100
SEND_LIMIT = 5_000_000  # bytes: a thousand messages of the longest text
TAGS = ["Messages"]
PEOPLE = {"role": "agent", "change_role": "editor"}
State = Literal[
    "queued", "sending", "unconfirmed", "sent", "delivered", "read",
    "failed", "suppressed", "cancelled", "expired", "received",
]  # fmt: skip
STATES = {
    "sending": "It is being sent right now",
    "unconfirmed": "It was handed to WhatsApp, which did not answer yet",
    "sent": "It was sent already",
    "delivered": "It was delivered already",
    "read": "It was read already",
    "failed": "It failed already",
    "suppressed": "It was not sent",
    "expired": "It expired already",
    "received": "It came from the customer",
}


@post(
    "/messages",
    summary="Send messages",
    tags=TAGS,
    opt={"body": SendMessages, **PEOPLE},
    request_max_body_size=SEND_LIMIT,
    status_code=202,
)
async def send_messages(
    request: Request[Any, Any, Any],
    data: JSONBody[SendMessages],
    who: Asker,
    web: Web,
    idempotency_key: IdempotencyKey = None,
) -> Response[QueuedMessages]:
    """One message, or up to 1,000 as `messages`. A single one that is not right is refused with
    422; of many, those that are right are taken and the others say what is wrong, unless a field
    does not fit its schema (too long, of another type, unknown): then none is taken. Whether and
    when each is sent is decided by the gateway: ask for the message, its `why` tells.
    """
    now = web.clock()
    many = data.messages
    if many is not None and msgspec.to_builtins(data).keys() != {"messages"}:
        said = "Beside “messages” there is nothing else; each of them has its own fields."
        raise RefusedError(422, "1 field is not right.", details=[Detail("/messages", said)])
    async with web.database.write() as tx:
        again = await answer_again(request, tx, who, idempotency_key, now)
        if again is not None:
            return again
        company = await companies.get(tx, who.company_id)
        wanted: list[MessageIn] = [data] if many is None else many
        made = await queue_all(tx, who, wanted, now, single=many is None)
        accepted = sum(one.id is not None for one in made)
        answer = QueuedMessages(
            id=made[0].id if many is None else None,
            accepted=accepted,
            refused=len(made) - accepted,
            held=_hold(company, now),
            messages=made,
        )
        if idempotency_key:
            plain_answer = msgspec.to_builtins(answer)
            await idempotency.finish(tx, who.company_id, idempotency_key, 202, plain_answer)
    if accepted:
        await web.bell.ring_gateway()
    return Response(answer, status_code=202)


@get("/messages", summary="List messages", tags=TAGS, opt=PEOPLE)
async def list_all_messages(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    in_state: Annotated[
        State | None, QueryParameter(name="state", description="Only those in this state")
    ] = None,
    contact: Annotated[str | None, QueryParameter(description="Only with this contact")] = None,
    phone: Annotated[str | None, QueryParameter(description="Only by this phone")] = None,
    automation: Annotated[str | None, QueryParameter(description="Only of this automation")] = None,
    reference: Annotated[
        str | None, QueryParameter(max_length=200, description="Only with this reference of yours")
    ] = None,
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[MessageOut]:
    """In and out, newest first."""
    del after
    async with web.database.read() as tx:
        company = await companies.get(tx, who.company_id)
        found = await messages.listed(
            tx,
            who.company_id,
            state=in_state or "",
            reference=reference or "",
            contact_id=_id_of("contact", contact),
            phone_id=_id_of("phone", phone),
            automation_id=_id_of("automation", automation),
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    hold = _hold(company, web.clock())
    return Page([message_out(one, hold) for one in shown], following or None)


@get("/messages/{message_id:int}", summary="Read a message", tags=TAGS, opt=PEOPLE)
async def get_message(who: Asker, web: Web, message_id: FromPath[int]) -> MessageFull:
    """Its state, its times, and every reason for when and how it went or did not: under `why` as
    the gateway noted it, under `story` as its page tells it.
    """
    async with web.database.read() as tx:
        company = await companies.get(tx, who.company_id)
        found = await _message(tx, who, message_id)
        story = await tell(tx, who.company_id, found, web.clock(), web.prices)
    shown = message_out(found, _hold(company, web.clock()))
    return MessageFull(**msgspec.structs.asdict(shown), story=story)


@delete(
    "/messages/{message_id:int}",
    summary="Recall a message",
    tags=TAGS,
    opt=PEOPLE,
    status_code=200,
)
async def recall_message(who: Asker, web: Web, message_id: FromPath[int]) -> MessageOut:
    """Takes a message out of the queue; 409 when it has left. A run that waits for it goes on by
    “Not sent”.
    """
    now = web.clock()
    async with web.database.write() as tx:
        recalled = await recall(tx, who.company_id, message_id, now)
        found = await _message(tx, who, message_id)
        if found.state != "cancelled":
            said = STATES.get(found.state, f"It is {found.state}")
            raise RefusedError(409, f"{said}, so it cannot be recalled.", code="not_queued")
    if recalled and found.run_id is not None:
        await web.bell.ring_engine()
    return message_out(found)


async def _message(tx: AsyncConnection, who: Who, message_id: int) -> messages.Shown:
    found = await messages.find(tx, who.company_id, message_id)
    if found is None:
        raise NotFoundError(f"message {message_id} does not exist")
    return found


def _hold(company: companies.Company, now: datetime) -> str:
    why = company.on_hold(now)
    return f"Sending is on hold: {why}. The message is kept." if why else ""


def _id_of(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    found = parse_id(text)
    if found is None:
        details = [Detail(f"/{name}", "Not an id.")]
        raise RefusedError(400, "An id is a string of digits.", details=details)
    return found


HANDLERS = (send_messages, list_all_messages, get_message, recall_message)
