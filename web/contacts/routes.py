"""Contacts for people: find one, see who they are, what was said and where they are inside.

Rule: nothing here changes a contact; automations and the API do.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath

from flows.contact import SERVICE_WINDOW
from store import contact_list
from web.automations import reads
from web.config import WebConfig
from web.given import Asker, Web
from web.messages import bubbles
from web.paging import before_of, cut
from web.shell.render import page

LISTED = 50
RUNS_SHOWN = 10


@get("/contacts", opt={"role": "agent"})
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


@get("/contacts/{contact_id:int}", opt={"role": "agent"})
async def show_contact(
    request: Request[Any, Any, Any], who: Asker, web: Web, contact_id: FromPath[int]
) -> Response[Any]:
    """One person: data, messages as bubbles, runs."""
    async with web.database.read() as tx:
        contact = await contact_list.get(tx, who.company_id, contact_id)
        found = await bubbles.of_contact(tx, who.company_id, contact_id, before=before_of(request))
        runs = await reads.find_runs(tx, who.company_id, contact_id=contact_id, limit=RUNS_SHOWN)
    shown, following = cut(found, bubbles.LISTED)
    number = contact.number.lstrip("+")
    values = {
        "contact": contact,
        "title": name_of(contact),
        "bubbles": list(reversed(shown)),
        "next": following,
        "runs": runs[:RUNS_SHOWN],
        "window_until": window_until(contact, web),
        "phone_page": f"{web.sandbox_url.rstrip('/')}/chats/{number}"
        if web.sandbox_url and number
        else "",
    }
    return page(request, "contacts/show.html", values)


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


HANDLERS = (show_list, show_contact)
