"""Contacts by API: find, make or change, read; and what was said with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from store import contact_list, contacts, messages
from store.addresses import Address
from store.numbers import parse_phone
from store.resolve import upsert
from web.api.shapes import (
    AddressOut,
    ContactIn,
    ContactOut,
    ContactUpsert,
    MessageOut,
    Page,
)
from web.given import Asker, Web
from web.paging import before_of, cut, parse_id
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

LISTED = 100
After = Annotated[str | None, QueryParameter(description="The “next” of the page before")]
PEOPLE = {"role": "agent", "change_role": "editor"}
NAMES = ("name", "first_name", "last_name", "language", "country")


@get("/contacts", summary="List contacts", tags=["Contacts"], opt=PEOPLE)
async def list_contacts(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    search: Annotated[
        str | None, QueryParameter(max_length=120, description="Part of a name or number")
    ] = None,
    tag: Annotated[str | None, QueryParameter(max_length=100)] = None,
    after: After = None,
) -> Page[ContactOut]:
    """Newest first, by part of a name or number, or by tag."""
    del after  # read as a cursor, which is checked
    async with web.database.read() as tx:
        found = await contact_list.page(
            tx,
            who.company_id,
            search=search or "",
            tag=tag or "",
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([contact_out(one) for one in shown], following or None)


@post(
    "/contacts",
    summary="Make or change a contact",
    tags=["Contacts"],
    opt={"body": ContactUpsert, **PEOPLE},
    status_code=200,
)
async def upsert_contact(data: JSONBody[ContactUpsert], who: Asker, web: Web) -> ContactOut:
    """Found by id or any address; an unknown address makes a new contact."""
    now = web.clock()
    async with web.database.write() as tx:
        [(contact_id, _)] = await resolve_all(tx, who, [data], now)
        if data.consent is not None:
            change = contacts.opt_in if data.consent == "yes" else contacts.opt_out
            await change(tx, [contact_id], now, data.consent_source)
        card = await contact_list.get(tx, who.company_id, contact_id)
    return contact_out(card)


@get("/contacts/{contact_id:int}", summary="Read a contact", tags=["Contacts"], opt=PEOPLE)
async def get_contact(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """One contact in full."""
    async with web.database.read() as tx:
        return contact_out(await contact_list.get(tx, who.company_id, contact_id))


@get("/contacts/{contact_id:int}/messages", summary="List messages", tags=["Messages"], opt=PEOPLE)
async def list_messages(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    contact_id: FromPath[int],
    after: After = None,
) -> Page[MessageOut]:
    """What was said with a contact, newest first."""
    del after
    async with web.database.read() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        found = await messages.page(
            tx,
            who.company_id,
            contact_id,
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([message_out(one) for one in shown], following or None)


async def resolve_all(
    tx: AsyncConnection, who: Who, people: Sequence[ContactIn], now: Any
) -> list[tuple[int, bool]]:
    """The contact of each, and whether it is new. Raises RefusedError naming all that are wrong."""
    prefix = "/contacts/{}" if len(people) > 1 or not isinstance(people[0], ContactUpsert) else ""
    wrong: list[Detail] = []
    known = await _known(tx, who, people)
    reach: list[list[Address]] = []
    for place, person in enumerate(people):
        where = prefix.format(place)
        addresses, trouble = _addresses(person, who.country, where)
        reach.append(addresses)
        wrong += trouble
        if person.id is not None:
            if parse_id(person.id) not in known:
                wrong.append(Detail(f"{where}/id", f"There is no contact {person.id}."))
        elif not trouble and not any(one.kind != "email" for one in addresses):
            wrong.append(
                Detail(where or "/", "Give an id, a phone, a wa_id or a user_id to find it by.")
            )
    if wrong:
        raise RefusedError(422, "Some contacts cannot be used.", details=wrong[:100])
    found: list[tuple[int, bool]] = []
    for person, addresses in zip(people, reach, strict=True):
        contact_id = parse_id(person.id) if person.id is not None else None
        if contact_id is not None:
            addresses = [*_own_address(known[contact_id]), *addresses]  # noqa: PLW2901
            if not any(one.kind != "email" for one in addresses):
                found.append((contact_id, False))
                continue
        values = {name: getattr(person, name) for name in NAMES}
        fields: dict[str, Any] = dict(person.fields)
        if person.email is not None:
            fields["email"] = person.email
        resolved = await upsert(
            tx,
            who.company_id,
            addresses,
            now=now,
            values={name: value for name, value in values.items() if value is not None},
            fields=fields,
            tags=person.tags,
        )
        found.append((resolved.id, resolved.created))
    return found


async def _known(
    tx: AsyncConnection, who: Who, people: Sequence[ContactIn]
) -> dict[int, contact_list.ContactCard]:
    ids = {parse_id(one.id) for one in people if one.id is not None}
    return await contact_list.find_many(tx, who.company_id, {one for one in ids if one is not None})


def _own_address(card: contact_list.ContactCard) -> list[Address]:
    return [one for one in card.addresses if one.kind != "email"][:1]


def _addresses(person: ContactIn, country: str, where: str) -> tuple[list[Address], list[Detail]]:
    found: list[Address] = []
    wrong: list[Detail] = []
    if person.wa_id is not None:
        found.append(Address("wa_id", person.wa_id))
    if person.phone is not None:
        phone = parse_phone(person.phone, country)
        if phone is None:
            said = f"“{person.phone}” is not a phone number; write it as +391234567890."
            wrong.append(Detail(f"{where}/phone", said))
        else:
            found.append(Address("phone", phone))
    if person.user_id is not None:
        found.append(Address("user_id", person.user_id))
    return found, wrong


def contact_out(card: contact_list.ContactCard) -> ContactOut:
    """A contact as the API shows it."""
    return ContactOut(
        id=str(card.id),
        name=card.name,
        first_name=card.first_name,
        last_name=card.last_name,
        language=card.language,
        country=card.country,
        consent=card.consent,
        consent_at=card.consent_at,
        consent_source=card.consent_source,
        blocked=card.blocked_at is not None,
        handed_over=card.handed_over_at is not None,
        last_inbound_at=card.last_inbound_at,
        addresses=[AddressOut(one.kind, one.value) for one in card.addresses],
        tags=list(card.tags),
        fields=card.fields,
        created_at=card.created_at,
        updated_at=card.updated_at,
    )


def message_out(one: messages.Shown) -> MessageOut:
    """A message as the API shows it."""
    return MessageOut(
        id=str(one.id),
        contact_id=str(one.contact_id),
        run_id=None if one.run_id is None else str(one.run_id),
        step=one.step,
        direction=one.direction,
        state=one.state,
        kind=one.kind,
        preview=one.preview,
        content=one.content,
        template=one.template,
        phone_id=None if one.phone_id is None else str(one.phone_id),
        due_at=one.due_at,
        sent_at=one.sent_at,
        delivered_at=one.delivered_at,
        read_at=one.read_at,
        failed_at=one.failed_at,
        error_code=one.error_code,
        error=one.error,
        why=list(one.why),
        created_at=one.created_at,
    )


HANDLERS = (list_contacts, upsert_contact, get_contact, list_messages)
