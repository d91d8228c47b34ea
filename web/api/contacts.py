"""Contacts by API: find, make or change, read, delete; and what was said with them.

Rule: what changes goes through `store.changes`, so that automations hear of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.contact import BUILT_IN_FIELDS, FieldKind
from flows.fields import Unfit, fit
from store import changes, contact_list, contacts, fields, messages
from store.addresses import Address
from store.erasure import erase
from store.numbers import parse_phone
from store.resolve import Person, resolve_many
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
PRIORITY_NAMES = {0: "answer", 1: "transactional", 2: "marketing"}
NAMES = ("name", "first_name", "last_name", "language", "email")


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
            await changes.consent(
                tx,
                who.company_id,
                [contact_id],
                data.consent,
                now,
                source=data.consent_source,
                by="api",
            )
        card = await contact_list.get(tx, who.company_id, contact_id)
    await web.bell.ring_engine()
    return contact_out(card)


@get("/contacts/{contact_id:int}", summary="Read a contact", tags=["Contacts"], opt=PEOPLE)
async def get_contact(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """One contact in full."""
    async with web.database.read() as tx:
        return contact_out(await contact_list.get(tx, who.company_id, contact_id))


@delete("/contacts/{contact_id:int}", summary="Delete a contact", tags=["Contacts"], opt=PEOPLE)
async def delete_contact(who: Asker, web: Web, contact_id: FromPath[int]) -> None:
    """Forget who they are: addresses, fields, tags, lists, notes and what was said. Their runs end,
    messages that wait are recalled. Who writes from the same number again is a new contact.
    """
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await erase(tx, [contact_id], web.clock())
    await web.bell.ring_engine()


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
    tx: AsyncConnection, who: Who, people: Sequence[ContactIn], now: datetime
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
    values: list[dict[str, Any]] = []
    kinds = (await fields.kinds_of(tx, [who.company_id])).get(who.company_id, {})
    for place, person in enumerate(people):
        mine, trouble = fitting(kinds, who, _values(person), prefix.format(place))
        values.append(mine)
        wrong += trouble
    if wrong:
        raise RefusedError(422, "Some contacts cannot be used.", details=wrong[:100])
    found = await _find(tx, who, people, reach, known, now)
    ids = [contact_id for contact_id, _ in found]
    told: dict[int, dict[str, Any]] = {}
    tags: dict[int, set[str]] = {}
    countries: dict[int, dict[str, Any]] = {}
    for contact_id, person, mine in zip(ids, people, values, strict=True):
        told.setdefault(contact_id, {}).update(mine)
        tags.setdefault(contact_id, set()).update(trimmed(person.tags))
        if person.country is not None:
            countries[contact_id] = {"country": person.country}
    await contacts.update_rows(tx, countries, now)
    # What somebody new is called is no change that anybody waits for.
    new = {contact_id for contact_id, created in found if created}
    await contacts.set_fields(tx, {one: _of_a_person(told[one]) for one in new}, now)
    await changes.fields(tx, who.company_id, told, now)
    await changes.tags(tx, who.company_id, now, add=tags)
    return found


def trimmed(tags: Sequence[str]) -> list[str]:
    """Tags as they are kept: without the spaces around them, which nobody sees."""
    return [tag.strip() for tag in tags]


def fitting(
    kinds: Mapping[str, FieldKind], who: Who, told: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[Detail]]:
    """Values as their fields keep them, and what is wrong with those that do not fit."""
    fitted: dict[str, Any] = {}
    wrong: list[Detail] = []
    for name, value in told.items():
        kind = None if name in BUILT_IN_FIELDS else kinds.get(name)
        kept = value if kind is None else fit(kind, value, who.zone.key)
        if isinstance(kept, Unfit):
            wrong.append(Detail(f"{where}/fields/{name}", f"{kept.why}."))
        else:
            fitted[name] = kept
    return fitted, wrong


def _values(person: ContactIn) -> dict[str, Any]:
    named = {name: getattr(person, name) for name in NAMES}
    return dict(person.fields) | {name: v for name, v in named.items() if v is not None}


def _of_a_person(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name in BUILT_IN_FIELDS}


async def _find(
    tx: AsyncConnection,
    who: Who,
    people: Sequence[ContactIn],
    reach: Sequence[list[Address]],
    known: dict[int, contact_list.ContactCard],
    now: datetime,
) -> list[tuple[int, bool]]:
    """Each one's contact; all that have an address are looked up together."""
    found: dict[int, tuple[int, bool]] = {}
    asked: dict[int, Person] = {}
    for place, (person, addresses) in enumerate(zip(people, reach, strict=True)):
        ways = addresses
        contact_id = parse_id(person.id) if person.id is not None else None
        if contact_id is not None:
            ways = [*_own_address(known[contact_id]), *addresses]
        if contact_id is not None and not any(one.kind != "email" for one in ways):
            found[place] = (contact_id, False)
        else:
            asked[place] = Person(ways)
    resolved = await resolve_many(tx, who.company_id, list(asked.values()), now=now)
    found |= {place: (one.id, one.created) for place, one in zip(asked, resolved, strict=True)}
    return [found[place] for place in range(len(people))]


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
        lists=list(card.lists),
        assigned_to=card.assigned_to.email if card.assigned_to else None,
        last_outbound_at=card.last_outbound_at,
        free_until=card.free_until,
    )


def message_out(one: messages.Shown, on_hold: str = "") -> MessageOut:
    """A message as the API shows it; `on_hold` says why its company sends nothing."""
    held = "held: the automation is paused" if one.held else ""
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
        held=on_hold if on_hold and one.state == "queued" else held,
        automation_id=None if one.automation_id is None else str(one.automation_id),
        category=one.category,
        priority=PRIORITY_NAMES.get(one.priority, "transactional"),
        source=one.source,
        expires_at=one.expires_at,
        reference=one.reference or "",
        terms=one.terms,
        billed=one.billed,
    )


HANDLERS = (list_contacts, upsert_contact, get_contact, delete_contact, list_messages)
