"""Events of the company's own by API: “booking.made” happened to a contact."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import post
from litestar.params import JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.events import Happened
from store import contact_list, events
from web.api.contacts import resolve_all
from web.api.shapes import ContactIn, Id
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

EventName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$",
        description="Your own name for it, such as booking.made",
    ),
]


class TellEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """What happened to whom. With an `id` it counts once, however often it is told."""

    contact: ContactIn
    name: EventName
    data: dict[str, Any] = {}
    id: Annotated[str, Meta(max_length=200, description="Your own id of it")] = ""


class EventTold(Struct, frozen=True):
    """`repeated`: it was told before, so nothing was done."""

    event_id: Id | None
    contact_id: Id
    repeated: bool


@post(
    "/events",
    summary="Tell an event",
    tags=["Events"],
    opt={"body": TellEvent, "change_role": "editor"},
    status_code=202,
)
async def tell_event(data: JSONBody[TellEvent], who: Asker, web: Web) -> EventTold:
    """Runs that wait for it go on, and exit rules that name it end theirs. The contact is found by
    id or any address; an unknown number makes a new one, an unknown e-mail address does not.
    """
    now = web.clock()
    async with web.database.write() as tx:
        contact_id = await _contact(tx, who, data.contact, now)
        made = await events.insert_many(
            tx,
            [
                {
                    "company_id": who.company_id,
                    "contact_id": contact_id,
                    "kind": "happened",
                    "data": msgspec.to_builtins(Happened(data.name, data.data)),
                    "source_id": f"told:{data.id}" if data.id else None,
                    "at": now,
                    "created_at": now,
                }
            ],
        )
    if made:
        await web.bell.ring_engine()
    return EventTold(str(made[0]) if made else None, str(contact_id), repeated=not made)


async def _contact(tx: AsyncConnection, who: Who, person: ContactIn, now: Any) -> int:
    by_email = person.email is not None and not any(
        (person.id, person.phone, person.wa_id, person.user_id)
    )
    if by_email and person.email is not None:
        known = await contact_list.find_by_email(tx, who.company_id, person.email)
        if known:
            return known[0]
        said = f"Nobody has the e-mail address {person.email}; give a phone to make a contact."
        details = [Detail("/contact/email", said)]
        raise RefusedError(422, "This contact cannot be used.", details=details)
    try:
        [(contact_id, _)] = await resolve_all(tx, who, [person], now)
    except RefusedError as refused:
        details = [
            Detail(one.pointer.replace("/contacts/0", "/contact"), one.message)
            for one in refused.details
        ]
        raise RefusedError(422, "This contact cannot be used.", details=details) from refused
    return contact_id


HANDLERS = (tell_event,)
