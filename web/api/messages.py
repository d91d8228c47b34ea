"""Messages by API: send one or many, see what became of them and why, take one back.

Rule: what is taken in is a row in the queue like any other; the gateway decides about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.books import LIVE_ANSWER, MARKETING, TRANSACTIONAL
from flows.content import Content, Template, plain
from store import companies, idempotency, media, messages, phones, templates
from store.errors import NotFoundError
from store.ids import new_id
from web.api.contacts import message_out
from web.api.message_content import Outside, content_of, named_files
from web.api.message_shapes import (
    MessageFull,
    MessageIn,
    QueuedMessage,
    QueuedMessages,
    SendMessages,
    Wrong,
)
from web.api.recipients import find_contacts
from web.api.repeated import IdempotencyKey, answer_again
from web.api.shapes import MessageOut, Page
from web.given import Asker, Web
from web.messages.recall import recall
from web.messages.telling import tell
from web.paging import before_of, cut, parse_id
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

LISTED = 100
SEND_LIMIT = 5_000_000  # bytes: a thousand messages of the longest text
AHEAD = timedelta(days=7)  # the gateway looks no further back for the gap between two messages
PRIORITIES = {"answer": LIVE_ANSWER, "transactional": TRANSACTIONAL, "marketing": MARKETING}
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


class Asked(msgspec.Struct, frozen=True):
    """What one message names beside its recipient: a phone of ours, a message to quote."""

    phone_id: int | None = None
    quoted: str | None = None


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
    422; of many, those that are right are taken and the others say what is wrong. Whether and when
    each is sent is decided by the gateway: ask for the message, its `why` tells.
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
        made = await _queue(tx, who, wanted, now, single=many is None)
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


async def _queue(
    tx: AsyncConnection, who: Who, wanted: Sequence[MessageIn], now: datetime, *, single: bool
) -> list[QueuedMessage]:
    """Write down all that are right; what became of each, in order."""
    places = ["" if single else f"/messages/{number}" for number in range(len(wanted))]
    outside = await _outside(tx, who, wanted)
    contents: list[Content | None] = []
    wrong: list[list[Detail]] = []
    for message, where in zip(wanted, places, strict=True):
        content, trouble = content_of(message, where, outside)
        contents.append(content)
        wrong.append([*trouble, *_wrong_times(message, where, now)])
    asked = await _named(tx, who, wanted, places, wrong)
    # Whoever gets nothing is not made a contact of ours.
    right = [number for number, trouble in enumerate(wrong) if not trouble]
    people = await find_contacts(tx, who, [(wanted[n].to, places[n]) for n in right], now)
    contacts = dict(zip(right, people, strict=True))
    for number, person in contacts.items():
        if isinstance(person, Detail):
            wrong[number].append(person)
    await _check_quotes(tx, who, wanted, places, contacts, wrong, asked)
    if single and wrong[0]:
        count = "1 field is" if len(wrong[0]) == 1 else f"{len(wrong[0])} fields are"
        raise RefusedError(422, f"{count} not right.", details=wrong[0])
    rows: list[dict[str, Any]] = []
    told: list[QueuedMessage] = []
    for number, message in enumerate(wanted):
        content, contact_id = contents[number], contacts.get(number)
        if wrong[number] or content is None or not isinstance(contact_id, int):
            errors = [Wrong(one.pointer, one.message) for one in wrong[number]]
            told.append(QueuedMessage(None, reference=message.reference, errors=errors))
            continue
        row = _row(who, message, content, contact_id, asked[number], outside.templates, now)
        rows.append(row)
        told.append(QueuedMessage(str(row["id"]), str(contact_id), message.reference))
    await messages.insert_many(tx, rows)
    return told


async def _outside(tx: AsyncConnection, who: Who, wanted: Sequence[MessageIn]) -> Outside:
    keys = {
        (who.company_id, one.template.name, one.template.language)
        for one in wanted
        if one.template is not None
    }
    known = await templates.find_many(tx, keys)
    return Outside(
        {(one.name, one.language): one for one in known.values()},
        await media.kept(tx, who.company_id, named_files(wanted)),
    )


def _wrong_times(message: MessageIn, where: str, now: datetime) -> list[Detail]:
    wrong: list[Detail] = []
    for name in ("send_at", "expires_at"):
        at: datetime | None = getattr(message, name)
        if at is not None and at.tzinfo is None:
            said = "Say the time with its zone, such as 2026-11-24T09:00:00Z."
            wrong.append(Detail(f"{where}/{name}", said))
    if wrong:
        return wrong
    send_at, expires_at = message.send_at or now, message.expires_at
    if send_at > now + AHEAD:
        said = f"A message can be planned {AHEAD.days} days ahead; use an automation for later."
        wrong.append(Detail(f"{where}/send_at", said))
    if expires_at is not None and expires_at <= max(now, send_at):
        said = "It would expire before it could be sent."
        wrong.append(Detail(f"{where}/expires_at", said))
    return wrong


async def _named(
    tx: AsyncConnection,
    who: Who,
    wanted: Sequence[MessageIn],
    places: Sequence[str],
    wrong: list[list[Detail]],
) -> list[Asked]:
    """The phone of each, checked to be the company's."""
    if not any(one.phone_id for one in wanted):
        return [Asked() for _ in wanted]
    ours = {one.id for one in await phones.of_company(tx, who.company_id)}
    found = []
    for number, message in enumerate(wanted):
        phone_id = parse_id(message.phone_id) if message.phone_id is not None else None
        if message.phone_id is not None and phone_id not in ours:
            said = f"There is no phone {message.phone_id}."
            wrong[number].append(Detail(f"{places[number]}/phone_id", said))
        found.append(Asked(phone_id))
    return found


async def _check_quotes(
    tx: AsyncConnection,
    who: Who,
    wanted: Sequence[MessageIn],
    places: Sequence[str],
    contacts: Mapping[int, int | Detail],
    wrong: list[list[Detail]],
    asked: list[Asked],
) -> None:
    """A quoted message belongs to the same chat, and to the phone that it went through."""
    ids = {parse_id(one.quote) for one in wanted if one.quote is not None}
    known = await messages.find_many(tx, who.company_id, {one for one in ids if one is not None})
    for number, message in enumerate(wanted):
        if message.quote is None:
            continue
        quoted = known.get(parse_id(message.quote) or 0)
        if quoted is None or quoted.contact_id != contacts.get(number):
            said = f"There is no message {message.quote} in this chat."
            wrong[number].append(Detail(f"{places[number]}/quote", said))
        elif quoted.channel_id is None:
            said = "That message has not reached WhatsApp, so it cannot be quoted."
            wrong[number].append(Detail(f"{places[number]}/quote", said))
        else:
            phone_id = asked[number].phone_id or quoted.phone_id
            asked[number] = Asked(phone_id, quoted.channel_id)


def _row(
    who: Who,
    message: MessageIn,
    content: Content,
    contact_id: int,
    asked: Asked,
    known: Mapping[tuple[str, str], templates.Template],
    now: datetime,
) -> dict[str, Any]:
    category, preview = message.category or "service", plain(content)
    if isinstance(content, Template):
        template = known.get((content.name, content.language))
        if template is not None:  # its category and words are its own
            category = template.category.lower()  # type: ignore[assignment]
            preview = template.filled(content.body, content.named)
    usual = MARKETING if category == "marketing" else TRANSACTIONAL
    return {
        "id": new_id(now),
        "company_id": who.company_id,
        "contact_id": contact_id,
        "direction": "out",
        "state": "queued",
        "kind": str(content.__struct_config__.tag),
        "content": content,
        "preview": preview,
        "template": content.name if isinstance(content, Template) else None,
        "category": category,
        "priority": PRIORITIES[message.priority] if message.priority else usual,
        "source": "api",
        "over_budget": message.over_budget if message.over_budget != "defer" else None,
        "phone_id": asked.phone_id,
        "quoted_channel_id": asked.quoted,
        "reference": message.reference or None,
        "due_at": max(now, message.send_at or now),
        "expires_at": message.expires_at,
        "created_at": now,
    }


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
