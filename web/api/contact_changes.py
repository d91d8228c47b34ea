"""What is changed about one contact by API: tags, lists, fields, consent, block, who has the chat.

Rule: thin: decode, one verb of the store, answer with the contact as it is then. The engine is
rung after the commit, because automations may wait for just this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from store import changes, contact_list, contacts, fields, notes, users
from web.api.contact_shapes import (
    AssignIn,
    ConsentIn,
    FieldsIn,
    ListsIn,
    NoteIn,
    NoteOut,
    TagsIn,
)
from web.api.contacts import LISTED, PEOPLE, After, contact_out, fitting, trimmed
from web.api.shapes import ContactOut, Page
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

TAGS = ["Contacts"]
CHAT = {"role": "agent", "change_role": "agent"}  # whoever answers customers may do this
Verb = Callable[[AsyncConnection, datetime], Awaitable[object]]


@patch(
    "/contacts/{contact_id:int}/tags",
    summary="Put tags on and off",
    tags=TAGS,
    opt={"body": TagsIn, **CHAT},
)
async def change_tags(
    data: JSONBody[TagsIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> ContactOut:
    """What is on already, or not there, stays as it is and starts nothing."""
    add, remove = {contact_id: trimmed(data.add)}, {contact_id: trimmed(data.remove)}
    return await _changed(
        who,
        web,
        contact_id,
        lambda tx, now: changes.tags(tx, who.company_id, now, add=add, remove=remove),
    )


@patch(
    "/contacts/{contact_id:int}/lists",
    summary="Join and leave lists",
    tags=TAGS,
    opt={"body": ListsIn, **CHAT},
)
async def change_lists(
    data: JSONBody[ListsIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> ContactOut:
    """Lists are found by name, whatever its case."""
    join, leave = {contact_id: data.join}, {contact_id: data.leave}
    return await _changed(
        who,
        web,
        contact_id,
        lambda tx, now: changes.on_lists(tx, who.company_id, now, join=join, leave=leave),
    )


@patch(
    "/contacts/{contact_id:int}/fields",
    summary="Set fields",
    tags=TAGS,
    opt={"body": FieldsIn, **CHAT},
)
async def change_fields(
    data: JSONBody[FieldsIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> ContactOut:
    """Fields with a kind take what fits it: a number, a day, yes or no."""
    async with web.database.read() as tx:
        kinds = (await fields.kinds_of(tx, [who.company_id])).get(who.company_id, {})
    values, wrong = fitting(kinds, who, data.fields, "")
    if wrong:
        raise RefusedError(422, "Some fields cannot hold this.", details=wrong)
    return await _changed(
        who,
        web,
        contact_id,
        lambda tx, now: changes.fields(tx, who.company_id, {contact_id: values}, now),
    )


@put(
    "/contacts/{contact_id:int}/consent",
    summary="Note consent to marketing",
    tags=TAGS,
    opt={"body": ConsentIn, **CHAT},
)
async def set_consent(
    data: JSONBody[ConsentIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> ContactOut:
    """Said again, it stays what it was, with its first proof."""
    by = "api" if who.user_id is None else "person"
    return await _changed(
        who,
        web,
        contact_id,
        lambda tx, now: changes.consent(
            tx, who.company_id, [contact_id], data.consent, now, source=data.source, by=by
        ),
    )


@put("/contacts/{contact_id:int}/block", summary="Block", tags=TAGS, opt=CHAT)
async def block(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """Nothing at all is sent to them any more."""
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.block(tx, [contact_id], now)
    )


@delete("/contacts/{contact_id:int}/block", summary="Unblock", tags=TAGS, opt=CHAT, status_code=200)
async def unblock(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """They may be written to again."""
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.unblock(tx, [contact_id], now)
    )


@put("/contacts/{contact_id:int}/hand-over", summary="Take over the chat", tags=TAGS, opt=CHAT)
async def hand_over(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """A person has the chat: automations keep silent; news about orders still goes."""
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.hand_over(tx, [contact_id], now)
    )


@delete(
    "/contacts/{contact_id:int}/hand-over",
    summary="Give the chat back to automations",
    tags=TAGS,
    opt=CHAT,
    status_code=200,
)
async def give_back(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """Automations may speak again."""
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.give_back(tx, [contact_id], now)
    )


@put(
    "/contacts/{contact_id:int}/assigned",
    summary="Assign the chat",
    tags=TAGS,
    opt={"body": AssignIn, **CHAT},
)
async def assign(
    data: JSONBody[AssignIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> ContactOut:
    """To a colleague, by e-mail; automations go on."""
    async with web.database.read() as tx:
        user_id = await colleague(tx, who, data.to)
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.assign(tx, [contact_id], user_id, now)
    )


@delete(
    "/contacts/{contact_id:int}/assigned",
    summary="Assign to nobody",
    tags=TAGS,
    opt=CHAT,
    status_code=200,
)
async def unassign(who: Asker, web: Web, contact_id: FromPath[int]) -> ContactOut:
    """Nobody in particular looks after the chat."""
    return await _changed(
        who, web, contact_id, lambda tx, now: contacts.assign(tx, [contact_id], None, now)
    )


@get("/contacts/{contact_id:int}/notes", summary="List notes", tags=TAGS, opt=PEOPLE)
async def list_notes(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    contact_id: FromPath[int],
    after: After = None,
) -> Page[NoteOut]:
    """Newest first."""
    del after
    async with web.database.read() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        found = await notes.page(
            tx,
            who.company_id,
            contact_id,
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([note_out(one) for one in shown], following or None)


@post(
    "/contacts/{contact_id:int}/notes",
    summary="Write a note",
    tags=TAGS,
    opt={"body": NoteIn, **CHAT},
)
async def add_note(
    data: JSONBody[NoteIn], who: Asker, web: Web, contact_id: FromPath[int]
) -> NoteOut:
    """For colleagues; customers never see it."""
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        text, now = data.text.strip(), web.clock()
        await notes.add(tx, who.company_id, contact_id, text, who.user_id, now)
        [written] = await notes.page(tx, who.company_id, contact_id, limit=1)
    return note_out(written)


async def colleague(tx: AsyncConnection, who: Who, email: str) -> int:
    """The user with this e-mail. Raises RefusedError when nobody here has it."""
    found = await users.find_by_email(tx, email)
    if found is None or found.company_id != who.company_id or found.disabled_at is not None:
        said = f"Nobody of {who.company} has the e-mail {email}."
        raise RefusedError(422, said, details=[Detail("/to", said)])
    return found.id


def note_out(one: notes.Note) -> NoteOut:
    """A note as the API shows it."""
    run_id = None if one.run_id is None else str(one.run_id)
    return NoteOut(str(one.id), one.text, one.author, run_id, one.created_at)


async def _changed(who: Who, web: WebConfig, contact_id: int, verb: Verb) -> ContactOut:
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await verb(tx, web.clock())
        card = await contact_list.get(tx, who.company_id, contact_id)
    await web.bell.ring_engine()
    return contact_out(card)


HANDLERS = (
    *(change_tags, change_lists, change_fields, set_consent, block, unblock, hand_over, give_back),
    *(assign, unassign, list_notes, add_note),
)
