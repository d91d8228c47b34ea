"""Lists by API: static sets of contacts, and who is on them.

Rule: joining and leaving goes through `store.changes`, so that automations hear of it.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from store import changes, contact_list, lists
from store.addresses import Address
from store.numbers import parse_phone
from store.resolve import Person, resolve_many
from web.api.contact_shapes import ListIn, ListOut, MembersChanged, MembersIn
from web.api.contacts import LISTED, After, contact_out
from web.api.shapes import ContactOut, Page
from web.given import Asker, Web
from web.paging import before_of, cut, parse_id
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

TAGS = ["Lists"]
LISTS = {"role": "agent", "change_role": "editor"}
MEMBERS_LIMIT = 500_000  # bytes: five thousand ids and as many numbers
AT_ONCE = 5_000


@get("/lists", summary="List the lists", tags=TAGS, opt=LISTS)
async def list_lists(
    request: Request[Any, Any, Any], who: Asker, web: Web, after: After = None
) -> Page[ListOut]:
    """Newest first, with how many contacts are on each."""
    del after
    async with web.database.read() as tx:
        before = before_of(request, "after")
        found = await lists.page(tx, who.company_id, before=before, limit=LISTED + 1)
    shown, following = cut(found, LISTED)
    return Page([list_out(one) for one in shown], following or None)


@post("/lists", summary="Make a list", tags=TAGS, opt={"body": ListIn, **LISTS})
async def make_list(data: JSONBody[ListIn], who: Asker, web: Web) -> ListOut:
    """Names are compared without regard to case."""
    async with web.database.write() as tx:
        made = await lists.create(tx, who.company_id, data.name, web.clock())
        if made is None:
            raise RefusedError(409, f"There is a list “{data.name}” already.")
        return list_out(await lists.get(tx, who.company_id, made))


@get("/lists/{list_id:int}", summary="Read a list", tags=TAGS, opt=LISTS)
async def get_list(who: Asker, web: Web, list_id: FromPath[int]) -> ListOut:
    """One list."""
    async with web.database.read() as tx:
        return list_out(await lists.get(tx, who.company_id, list_id))


@delete("/lists/{list_id:int}", summary="Delete a list", tags=TAGS, opt=LISTS)
async def delete_list(who: Asker, web: Web, list_id: FromPath[int]) -> None:
    """Everybody leaves it, which automations hear; the contacts stay."""
    async with web.database.write() as tx:
        card = await lists.get(tx, who.company_id, list_id)
        while members := await lists.members(tx, card.id, limit=AT_ONCE):
            leave = dict.fromkeys(members, (card.name,))
            left = await changes.on_lists(tx, who.company_id, web.clock(), leave=leave)
            if not left.contacts:
                break
        await lists.delete(tx, who.company_id, list_id)
    await web.bell.ring_engine()


@get("/lists/{list_id:int}/members", summary="List members", tags=TAGS, opt=LISTS)
async def list_members(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    list_id: FromPath[int],
    after: After = None,
) -> Page[ContactOut]:
    """The contacts on a list, newest contacts first."""
    del after
    async with web.database.read() as tx:
        await lists.get(tx, who.company_id, list_id)
        found = await contact_list.page(
            tx,
            who.company_id,
            list_id=list_id,
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([contact_out(one) for one in shown], following or None)


@post(
    "/lists/{list_id:int}/members",
    summary="Add members",
    tags=TAGS,
    opt={"body": MembersIn, **LISTS},
    request_max_body_size=MEMBERS_LIMIT,
    status_code=200,
)
async def add_members(
    data: JSONBody[MembersIn], who: Asker, web: Web, list_id: FromPath[int]
) -> MembersChanged:
    """Thousands at a time, by id, by phone number, or both. All are taken or none."""
    async with web.database.write() as tx:
        card = await lists.get(tx, who.company_id, list_id)
        ids = await _ids(tx, who, data.ids)
        numbers = _numbers(data.phones, who)
        people = [Person([Address("phone", number)]) for number in numbers]
        found = await resolve_many(tx, who.company_id, people, now=web.clock())
        everybody = {*ids, *(one.id for one in found)}
        join = dict.fromkeys(everybody, (card.name,))
        done = await changes.on_lists(tx, who.company_id, web.clock(), join=join)
    await web.bell.ring_engine()
    created = {one.id for one in found if one.created}
    return MembersChanged(len(everybody), len(done.contacts), len(created))


@delete(
    "/lists/{list_id:int}/members/{contact_id:int}",
    summary="Remove a member",
    tags=TAGS,
    opt=LISTS,
    status_code=200,
)
async def remove_member(
    who: Asker, web: Web, list_id: FromPath[int], contact_id: FromPath[int]
) -> MembersChanged:
    """The contact leaves the list; not being on it is no mistake."""
    async with web.database.write() as tx:
        card = await lists.get(tx, who.company_id, list_id)
        leave = {contact_id: [card.name]}
        done = await changes.on_lists(tx, who.company_id, web.clock(), leave=leave)
    await web.bell.ring_engine()
    return MembersChanged(1, len(done.contacts))


async def _ids(tx: AsyncConnection, who: Who, told: list[str]) -> set[int]:
    ids = {text: parse_id(text) for text in told}
    known = await contact_list.existing(tx, who.company_id, filter(None, ids.values()))
    wrong = [
        Detail(f"/ids/{place}", f"There is no contact {text}.")
        for place, text in enumerate(told)
        if ids[text] not in known
    ]
    if wrong:
        raise RefusedError(422, "Some contacts do not exist.", details=wrong[:100])
    return known


def _numbers(phones: list[str], who: Who) -> list[str]:
    found = [(place, text, parse_phone(text, who.country)) for place, text in enumerate(phones)]
    wrong = [
        Detail(f"/phones/{place}", f"“{text}” is not a phone number; write it as +391234567890.")
        for place, text, number in found
        if number is None
    ]
    if wrong:
        raise RefusedError(422, "Some numbers cannot be used.", details=wrong[:100])
    return [number for _, _, number in found if number is not None]


def list_out(card: lists.ListCard) -> ListOut:
    """A list as the API shows it."""
    return ListOut(str(card.id), card.name, card.members, card.created_at)


HANDLERS = (
    *(list_lists, make_list, get_list, delete_list, list_members, add_members, remove_member),
)
