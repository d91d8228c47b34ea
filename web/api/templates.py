"""Message templates by API: list, read them anew from WhatsApp, make, edit, delete.

Rule: what is wrong is said here, all at once, before WhatsApp is asked; what WhatsApp then says is
passed on in its own words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from gateway.channel import LocalFile, SendError
from gateway.channels.cloud_api import CloudApi
from gateway.channels.cloud_api.account import Account
from gateway.channels.cloud_api.shapes import obj, objects, text
from gateway.channels.cloud_api.template_rules import (
    FILES,
    content_problems,
    edit_problem,
    problems,
)
from gateway.templates import KIND, Synced, account_of, sync
from store import media, phone_use, templates
from store.errors import NotFoundError
from store.file_types import problem
from store.files import path_of
from store.templates import Template
from web.api.contacts import LISTED, After
from web.api.shapes import Page
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

TAGS = ["Templates"]
EDITOR = {"role": "viewer", "change_role": "editor"}
FAILED_DEPENDENCY = 424
OURS_TO_MEND = ("our_request", "template", "unknown", "media")

Components = Annotated[
    list[dict[str, Any]],
    Meta(
        min_length=1,
        max_length=10,
        description="As in WhatsApp's own API. A header's example may be the `sha256` of an "
        "uploaded file, beside its `format`",
    ),
]


class TemplateIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A new template. `account_id` may be left out where the company has one account only."""

    name: str
    language: str
    category: str
    components: Components
    account_id: str = ""


class TemplateChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    components: Components | None = None
    category: str | None = None


class TemplateOut(Struct, frozen=True):
    """A template as WhatsApp last told us. `status`, `category` and `quality` are its words."""

    id: int
    account_id: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    rejected_because: str
    components: list[dict[str, Any]]
    updated_at: datetime


class SyncedOut(Struct, frozen=True):
    """What reading the accounts gave; `problems` are those that could not be read."""

    accounts: int
    found: int
    gone: int
    problems: list[str]


@get("/templates", summary="List templates", tags=TAGS)
async def list_templates(
    request: Request[Any, Any, Any], who: Asker, web: Web, after: After = None
) -> Page[TemplateOut]:
    """All templates of the company's accounts, the oldest first."""
    del after
    since = before_of(request, "after") or 0
    async with web.database.read() as tx:
        found = await templates.page(tx, who.company_id, after=since, limit=LISTED + 1)
    shown, following = cut(found, LISTED)
    return Page([_out(one) for one in shown], following or None)


@get("/templates/{template_id:int}", summary="Read a template", tags=TAGS)
async def get_template(who: Asker, web: Web, template_id: FromPath[int]) -> TemplateOut:
    """One template."""
    return _out(await _get(web, who, template_id))


@post("/templates/sync", summary="Read templates from WhatsApp", tags=TAGS, opt=EDITOR)
async def sync_templates(who: Asker, web: Web) -> SyncedOut:
    """Reads the templates of all accounts now; it is done every hour anyway."""
    done = await read_templates(web, who.company_id)
    return SyncedOut(done.accounts, done.found, done.gone, list(done.problems))


async def read_templates(web: WebConfig, company_id: int) -> Synced:
    """Ask WhatsApp for the templates of a company's accounts; what cannot be read is told."""
    async with _whatsapp(web) as channel:
        return await sync(web.database, channel, web.clock, company_id)


@post(
    "/templates",
    summary="Make a template",
    tags=TAGS,
    opt=EDITOR | {"body": TemplateIn},
    status_code=201,
)
async def create_template(data: JSONBody[TemplateIn], who: Asker, web: Web) -> TemplateOut:
    """WhatsApp looks at it before it can be sent, mostly within minutes."""
    return _out(await make_template(web, who, data))


async def make_template(web: WebConfig, who: Who, data: TemplateIn) -> Template:
    """Hand a template in at WhatsApp and keep it. Raises RefusedError: 422 for what is wrong with
    it, 424 when WhatsApp cannot be asked.
    """
    told = {"name": data.name, "language": data.language, "category": data.category}
    _refuse(list(problems(told | {"components": data.components})))
    async with _whatsapp(web) as channel:
        account = await _account(web, who, channel, data.account_id)
        components = await _with_examples(web, who, account, data.components)
        made = await account.create(told | {"components": components})
        if isinstance(made, SendError):
            raise _told(made)
    row = told | {
        "account_id": account.account_id,
        "category": made.category,
        "status": made.status,
        "components": components,
        "remote_id": made.remote_id,
    }
    async with web.database.write() as tx:
        await templates.upsert(tx, who.company_id, [row], web.clock())
        found = await templates.find_remote(tx, who.company_id, made.remote_id)
    if found is None:
        raise NotFoundError("The template was made, and deleted at once.")
    return found


@patch(
    "/templates/{template_id:int}",
    summary="Edit a template",
    tags=TAGS,
    opt=EDITOR | {"body": TemplateChange},
)
async def edit_template(
    data: JSONBody[TemplateChange], who: Asker, web: Web, template_id: FromPath[int]
) -> TemplateOut:
    """WhatsApp looks at it again; until then it cannot be sent. An approved template can be edited
    once in 24 hours and 10 times in 30 days.
    """
    known = await _get(web, who, template_id)
    now = web.clock()
    category = data.category or known.category
    given = known.components if data.components is None else data.components
    wrong = list(content_problems(category, given))
    if data.components is None:  # what WhatsApp took once is not ours to judge
        wrong = [one for one in wrong if one[0] == "/category"]
    _refuse(wrong)
    refused = edit_problem(known.status, known.edited_at, now)
    if refused is not None or not known.remote_id:
        raise RefusedError(409, refused or "WhatsApp has not told its id yet: sync first.")
    async with _whatsapp(web) as channel:
        account = await _account(web, who, channel, known.account_id)
        changes: dict[str, Any] = {}
        if data.components is not None:
            changes["components"] = await _with_examples(web, who, account, given)
        if category != known.category:
            changes["category"] = category
        failed = await account.edit(known.remote_id, changes) if changes else None
        if failed is not None:
            raise _told(failed)
    if changes:
        async with web.database.write() as tx:
            told = {"status": "PENDING", "rejected_because": ""} | changes
            await templates.note_edit(tx, known, now, **told)
    return _out(await _get(web, who, template_id))


@delete("/templates/{template_id:int}", summary="Delete a template", tags=TAGS, opt=EDITOR)
async def delete_template(who: Asker, web: Web, template_id: FromPath[int]) -> None:
    """This language of it. Its name cannot be used again for 30 days."""
    known = await _get(web, who, template_id)
    async with _whatsapp(web) as channel:
        account = await _account(web, who, channel, known.account_id)
        failed = await account.delete(known.name, known.remote_id or "")
    if failed is not None:
        raise _told(failed)
    async with web.database.write() as tx:
        await templates.forget(tx, known.id, web.clock())


@asynccontextmanager
async def _whatsapp(web: WebConfig) -> AsyncIterator[CloudApi]:
    channel = CloudApi(base_url=web.cloud_api_url, version=web.cloud_api_version)
    try:
        yield channel
    finally:
        await channel.close()


async def _account(web: WebConfig, who: Who, channel: CloudApi, account_id: str) -> Account:
    """The account that is meant: the only one, where none is named."""
    async with web.database.read() as tx:
        phones = await phone_use.of_companies(tx, [who.company_id])
    mine = [phone for phone in phones if phone.kind == KIND and phone.account_id]
    accounts = {phone.account_id: phone for phone in reversed(mine)}
    if not account_id and len(accounts) == 1:
        return account_of(channel, mine[0])
    if account_id not in accounts:
        known = ", ".join(sorted(map(str, accounts))) or "none"
        said = f"Name one of the company's WhatsApp accounts: {known}."
        raise RefusedError(422, said, details=[Detail("/account_id", said)])
    return account_of(channel, accounts[account_id])


async def _with_examples(
    web: WebConfig, who: Who, account: Account, components: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The parts, with WhatsApp's handle instead of the `sha256` of each header's file."""
    made: list[dict[str, Any]] = []
    for place, part in enumerate(components):
        where = f"/components/{place}"
        if "cards" in part:
            cards = [
                obj(card)
                | {
                    "components": await _with_examples(
                        web, who, account, objects(obj(card).get("components"))
                    )
                }
                for card in objects(part["cards"])
            ]
            made.append(dict(part) | {"cards": cards})
        elif "sha256" in part:
            rest = {name: value for name, value in part.items() if name != "sha256"}
            handle = await _handle(web, who, account, part, f"{where}/sha256")
            made.append(rest | {"example": {"header_handle": [handle]}})
        else:
            made.append(dict(part))
    return made


async def _handle(
    web: WebConfig, who: Who, account: Account, part: Mapping[str, Any], where: str
) -> str:
    sha256, kind = text(part.get("sha256")), FILES.get(text(part.get("format")).upper(), "")
    async with web.database.read() as tx:
        file = await media.find(tx, who.company_id, sha256)
    said = "No file with this hash is kept here. Upload it first." if file is None else None
    if file is not None and kind:
        said = problem(kind, file.mime_type, file.size)
    if said is not None or file is None:
        raise RefusedError(422, "1 field is not right.", details=[Detail(where, said or "")])
    path = path_of(web.media, sha256)
    handle = await account.example(LocalFile(path, file.mime_type, file.filename))
    if isinstance(handle, SendError):
        raise _told(handle)
    return handle


async def _get(web: WebConfig, who: Who, template_id: int) -> Template:
    async with web.database.read() as tx:
        found = await templates.find(tx, who.company_id, template_id)
    if found is None or found.status == templates.GONE:
        raise NotFoundError("There is no such template.")
    return found


def _refuse(found: Sequence[tuple[str, str]]) -> None:
    if found:
        count = "1 field is" if len(found) == 1 else f"{len(found)} fields are"
        details = [Detail(pointer, message) for pointer, message in found]
        raise RefusedError(422, f"{count} not right.", details=details)


def _told(error: SendError) -> RefusedError:
    """What WhatsApp said, or that it cannot be asked."""
    if error.meaning in OURS_TO_MEND:
        return RefusedError(422, f"WhatsApp refused it: {error.message}")
    said = f"WhatsApp cannot be asked just now: {error.message}"
    return RefusedError(FAILED_DEPENDENCY, said, code="whatsapp_unreachable")


def _out(one: Template) -> TemplateOut:
    return TemplateOut(
        one.id,
        one.account_id,
        one.name,
        one.language,
        one.category,
        one.status,
        one.quality,
        one.rejected_because,
        one.components,
        one.updated_at,
    )


HANDLERS = (
    list_templates,
    get_template,
    sync_templates,
    create_template,
    edit_template,
    delete_template,
)
