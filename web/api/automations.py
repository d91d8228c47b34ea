"""Automations by API: documents in and out, publishing, pausing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from flows.problems import Problem as Found
from store import automations
from web.api.shapes import AutomationFull, AutomationShort, Document, Page, Problem
from web.automations import reads
from web.automations.check import DOCUMENT_LIMIT, check, errors_in, known_of
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

EDITOR = {"change_role": "editor"}
TAGS = ["Automations"]
ARCHIVED = "This automation is archived; take it out of the archive first."


@get("/automations", summary="List automations", tags=TAGS)
async def list_automations(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    status: FromQuery[Literal["draft", "live", "paused", "archived"] | None] = None,
    search: Annotated[str | None, QueryParameter(max_length=120)] = None,
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[AutomationShort]:
    """Newest first; without a status all but the archived ones."""
    del after
    async with web.database.read() as tx:
        found = await reads.find_page(
            tx,
            who.company_id,
            status=status or "",
            search=search or "",
            before=before_of(request, "after"),
        )
        shown, following = cut(found, reads.LISTED)
        counts = await reads.counts_of(tx, who.company_id, [one.id for one in shown], web.clock())
    items = [
        AutomationShort(
            id=str(one.id),
            name=one.name,
            status=one.status,
            revision=one.revision,
            draft_has_changes=one.changed,
            inside_now=counts[one.id].inside,
            started_30_days=counts[one.id].started,
            finished_30_days=counts[one.id].finished,
            updated_at=one.updated_at,
        )
        for one in shown
    ]
    return Page(items, following or None)


@post(
    "/automations",
    summary="Import a document as a draft",
    tags=TAGS,
    opt={"body": dict, **EDITOR},
    request_max_body_size=DOCUMENT_LIMIT,
)
async def import_automation(data: JSONBody[Document], who: Asker, web: Web) -> AutomationFull:
    """A flow document becomes a draft. It may have problems, but its form must be right."""
    now = web.clock()
    async with web.database.write() as tx:
        flow, problems = check(data, await known_of(tx, who.company_id))
        if flow is None:
            raise _unfit("This is not a flow document that can be used.", problems)
        made = await automations.create(tx, who.company_id, data, now)
    return await _full(who, web, made)


@get("/automations/{automation_id:int}", summary="Read an automation", tags=TAGS)
async def get_automation(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """The draft document and everything that is wrong with it."""
    return await _full(who, web, automation_id)


@put(
    "/automations/{automation_id:int}/draft",
    summary="Replace the draft",
    tags=TAGS,
    opt={"body": dict, **EDITOR},
    request_max_body_size=DOCUMENT_LIMIT,
)
async def put_draft(
    data: JSONBody[Document], who: Asker, web: Web, automation_id: FromPath[int]
) -> AutomationFull:
    """What is live stays as it is until the draft is published."""
    async with web.database.write() as tx:
        await _editable(tx, who, automation_id)
        flow, problems = check(data, await known_of(tx, who.company_id))
        if flow is None:
            raise _unfit("This is not a flow document that can be used.", problems)
        await automations.save_draft(tx, who.company_id, automation_id, data, web.clock())
    return await _full(who, web, automation_id)


@put(
    "/automations/{automation_id:int}/published",
    summary="Publish the draft",
    tags=TAGS,
    opt=EDITOR,
)
async def publish(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Makes the draft live; 422 with all problems when it has errors."""
    async with web.database.write() as tx:
        found = await _editable(tx, who, automation_id)
        _, problems = check(found.draft, await known_of(tx, who.company_id))
        wrong = errors_in(problems)
        if wrong:
            raise _unfit("The draft has errors, so it was not published.", wrong)
        await automations.publish(tx, who.company_id, automation_id, who.user_id, "", web.clock())
    await web.bell.ring_engine()
    return await _full(who, web, automation_id)


@put("/automations/{automation_id:int}/paused", summary="Pause", tags=TAGS, opt=EDITOR)
async def pause(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Starts nobody any more; contacts who are inside go on."""
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        if found.status not in ("live", "paused"):
            raise RefusedError(409, f"Only live automations can be paused; this is {found.status}.")
        await automations.pause(tx, who.company_id, automation_id, web.clock())
    return await _full(who, web, automation_id)


@delete(
    "/automations/{automation_id:int}/paused",
    summary="Resume",
    tags=TAGS,
    opt=EDITOR,
    status_code=200,
)
async def resume(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Lets contacts in again."""
    async with web.database.write() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        if found.status not in ("live", "paused"):
            raise RefusedError(409, f"Only paused ones can be resumed; this is {found.status}.")
        await automations.resume(tx, who.company_id, automation_id, web.clock())
    await web.bell.ring_engine()
    return await _full(who, web, automation_id)


async def _full(who: Who, web: WebConfig, automation_id: int) -> AutomationFull:
    async with web.database.read() as tx:
        found = await reads.get_automation(tx, who.company_id, automation_id)
        known = await known_of(tx, who.company_id)
    _, problems = check(found.draft, known)
    return AutomationFull(
        id=str(found.id),
        name=found.name,
        status=found.status,
        revision=found.revision,
        draft_has_changes=found.changed,
        updated_at=found.updated_at,
        draft=found.draft,
        problems=[
            Problem(one.severity, one.sentence, one.field, one.step, one.todo) for one in problems
        ],
    )


async def _editable(tx: Any, who: Who, automation_id: int) -> automations.Automation:
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    return found


def _unfit(sentence: str, problems: list[Found]) -> RefusedError:
    details = [
        Detail(one.field or "/", " ".join(filter(None, (one.sentence, one.todo))))
        for one in problems
    ]
    return RefusedError(422, sentence, code="invalid_document", details=details)


HANDLERS = (
    *(list_automations, import_automation, get_automation, put_draft, publish, pause, resume),
)
