"""Contacts for people: find one, see who they are, what was said and where they are inside; take
a chat over or give it back, assign it, write notes.

Rule: every change is a resource that is put, posted or deleted; the answer is the page as it is
then.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from litestar.response import Redirect

from flows.contact import SERVICE_WINDOW
from store import contact_list, contacts, notes, users
from web.automations import reads
from web.config import WebConfig
from web.given import Asker, Web
from web.messages import bubbles
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import RefusedError
from web.shell.render import Notice, page

LISTED = 50
RUNS_SHOWN = 10
NOTES_SHOWN = 20
LONGEST_NOTE = 5_000  # characters
AGENT = {"role": "agent"}


@get("/contacts", opt=AGENT)
async def show_list(request: Request[Any, Any, Any], who: Asker, web: Web) -> Response[Any]:
    """A page of contacts, by part of a name or number, or by tag."""
    search = request.query_params.get("q", "").strip()[:120]
    tag = request.query_params.get("tag", "").strip()[:120]
    async with web.database.read() as tx:
        found = await contact_list.page(
            tx,
            who.company_id,
            search=search,
            tag=tag,
            before=before_of(request),
            limit=LISTED + 1,
        )
        tags = await contact_list.tags_of_company(tx, who.company_id)
    rows, following = cut(found, LISTED)
    asked = {name: value for name, value in (("q", search), ("tag", tag)) if value}
    values = {
        "rows": rows,
        "next": following,
        "search": search,
        "tag": tag,
        "tags": tags,
        "address": "/contacts" + (f"?{urlencode(asked)}" if asked else ""),
    }
    return page(request, "contacts/list.html", values)


@get("/contacts/{contact_id:int}", opt=AGENT)
async def show_contact(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """One person: data, messages as bubbles, notes, runs."""
    return await _contact_page(request, who, web, contact_id)


@put("/contacts/{contact_id:int}/hand-over", opt=AGENT)
async def take_over(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """A person has the chat from now on."""
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await contacts.hand_over(tx, [contact_id], web.clock())
    said = Notice("The chat is yours. Automations keep silent; news about orders still goes.")
    return await _contact_page(request, who, web, contact_id, said)


@delete("/contacts/{contact_id:int}/hand-over", opt=AGENT, status_code=200)
async def give_back(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """Automations may speak again."""
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await contacts.give_back(tx, [contact_id], web.clock())
    said = Notice("Given back: automations may write to this contact again.")
    return await _contact_page(request, who, web, contact_id, said)


@put("/contacts/{contact_id:int}/assigned", opt=AGENT)
async def assign(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """Give the chat to a colleague, or to nobody in particular."""
    form = await request.form()
    wanted = str(form.get("to", ""))
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        known = {str(one.id): one for one in await users.of_company(tx, who.company_id)}
        if wanted and (wanted not in known or known[wanted].disabled_at is not None):
            raise RefusedError(422, "This colleague is not here any more. Load the page again.")
        user_id = known[wanted].id if wanted else None
        await contacts.assign(tx, [contact_id], user_id, web.clock())
    said = f"Assigned to {called(known[wanted])}." if wanted else "Assigned to nobody."
    return await _contact_page(request, who, web, contact_id, Notice(said))


@post("/contacts/{contact_id:int}/notes", opt=AGENT)
async def add_note(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """Keep a note for colleagues."""
    form = await request.form()
    text = str(form.get("text", "")).strip()
    if not text or len(text) > LONGEST_NOTE:
        said = f"A note has 1 to {LONGEST_NOTE:,} characters."
        return await _contact_page(
            request, who, web, contact_id, Notice(said, "danger"), status=422, typed=text
        )
    async with web.database.write() as tx:
        await contact_list.get(tx, who.company_id, contact_id)
        await notes.add(tx, who.company_id, contact_id, text, who.user_id, web.clock())
    return Redirect(f"/contacts/{contact_id}#notes", status_code=303)


async def _contact_page(
    request: Request[Any, Any, Any],
    who: Who,
    web: WebConfig,
    contact_id: int,
    said: Notice | None = None,
    *,
    status: int = 200,
    typed: str = "",
) -> Response[Any]:
    async with web.database.read() as tx:
        contact = await contact_list.get(tx, who.company_id, contact_id)
        found = await bubbles.of_contact(tx, who.company_id, contact_id, before=before_of(request))
        runs = await reads.find_runs(tx, who.company_id, contact_id=contact_id, limit=RUNS_SHOWN)
        written = await notes.page(tx, who.company_id, contact_id, limit=NOTES_SHOWN)
        team = await users.of_company(tx, who.company_id)
    shown, following = cut(found, bubbles.LISTED)
    number = contact.number.lstrip("+")
    assigned = contact.assigned_to.id if contact.assigned_to else None
    values = {
        "contact": contact,
        "title": name_of(contact),
        "bubbles": list(reversed(shown)),
        "next": following,
        "runs": runs[:RUNS_SHOWN],
        "notes": written,
        "typed": typed,
        "colleagues": [
            (one.id, called(one)) for one in team if one.disabled_at is None or one.id == assigned
        ],
        "assigned": assigned,
        "window_until": window_until(contact, web),
        "phone_page": f"{web.sandbox_url.rstrip('/')}/chats/{number}"
        if web.sandbox_url and number
        else "",
    }
    notices = [said] if said else []
    return page(request, "contacts/show.html", values, status=status, notices=notices)


def called(user: users.User) -> str:
    """What colleagues call a user."""
    return user.name or user.email


def name_of(contact: contact_list.ContactCard) -> str:
    """What to call them: name, first and last name, number, else their id."""
    both = f"{contact.first_name} {contact.last_name}".strip()
    return contact.name or both or contact.number or f"Contact {contact.id}"


def window_until(contact: contact_list.ContactCard, web: WebConfig) -> Any:
    """When the 24 hours for free messages end; None when they are over."""
    if contact.last_inbound_at is None:
        return None
    end = contact.last_inbound_at + SERVICE_WINDOW
    return end if end > web.clock() else None


HANDLERS = (show_list, show_contact, take_over, give_back, assign, add_note)
