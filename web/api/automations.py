"""Automations by API: documents in and out, publishing, pausing, trying out, putting away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import structs

from store import automations
from store.publishing import Published
from store.revisions import mark_of
from web.api.lever_shapes import (
    AutomationArchived,
    AutomationPublished,
    Priority,
    Publish,
    Testers,
)
from web.api.shapes import AutomationFull, AutomationShort, Document, Page, Problem
from web.automations import levers, reads
from web.automations.check import DOCUMENT_LIMIT, check, known_of
from web.automations.exported import shown_to
from web.config import WebConfig
from web.given import Asker, Web
from web.paging import before_of, cut
from web.security.who import Who
from web.shell.errors import RefusedError

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
            raise levers.unfit("This is not a flow document that can be used.", problems)
        made = await automations.create(tx, who.company_id, data, now)
    return await get_full(who, web, made)


@get("/automations/{automation_id:int}", summary="Read an automation", tags=TAGS)
async def get_automation(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """The draft document and everything that is wrong with it."""
    return await get_full(who, web, automation_id)


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
            raise levers.unfit("This is not a flow document that can be used.", problems)
        await automations.save_draft(
            tx, who.company_id, automation_id, data, web.clock(), by=who.user_id
        )
    return await get_full(who, web, automation_id)


@put(
    "/automations/{automation_id:int}/published",
    summary="Publish the draft",
    tags=TAGS,
    opt={"body": Publish, "body_optional": True, **EDITOR},
)
async def publish(
    who: Asker, web: Web, automation_id: FromPath[int], data: JSONBody[Publish | None] = None
) -> AutomationPublished:
    """Makes the draft live; 422 with all problems when it, or the plan for those who are inside,
    has errors, or (unless `anyway`) saved tests fail; 409 when the draft is not the `expected` one.
    Publishing what is live already makes nothing new. Waiting contacts stay in their revision
    unless the plan moves or ends them.
    """
    data = data or Publish()
    async with web.database.write() as tx:
        made = await levers.publish(
            *(tx, who, automation_id, web.clock()),
            comment=data.comment,
            plan=data.plan,
            expected=data.expected,
            anyway=data.anyway,
        )
    await web.bell.ring_engine()
    return await published(who, web, automation_id, made)


@put("/automations/{automation_id:int}/paused", summary="Pause", tags=TAGS, opt=EDITOR)
async def pause(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Starts nobody any more, and its messages wait; contacts who are inside stay and go on."""
    async with web.database.write() as tx:
        await levers.pause(tx, who, automation_id, web.clock())
    return await get_full(who, web, automation_id)


@delete(
    "/automations/{automation_id:int}/paused",
    summary="Resume",
    tags=TAGS,
    opt=EDITOR,
    status_code=200,
)
async def resume(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Lets contacts in again, and messages out."""
    async with web.database.write() as tx:
        await levers.resume(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    await web.bell.ring_gateway()
    return await get_full(who, web, automation_id)


@put("/automations/{automation_id:int}/archived", summary="Archive", tags=TAGS, opt=EDITOR)
async def archive(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationArchived:
    """Puts it out of sight and ends the runs of everybody inside; queued messages are recalled."""
    async with web.database.write() as tx:
        ended = await levers.archive(tx, who, automation_id, web.clock())
    await web.bell.ring_engine()
    full = await get_full(who, web, automation_id)
    return AutomationArchived(**structs.asdict(full), ended=ended)


@delete(
    "/automations/{automation_id:int}/archived",
    summary="Take out of the archive",
    tags=TAGS,
    opt=EDITOR,
    status_code=200,
)
async def unarchive(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Paused when it was ever live, else a draft; runs that were ended stay ended."""
    async with web.database.write() as tx:
        await automations.restore(tx, who.company_id, automation_id, web.clock(), by=who.user_id)
    return await get_full(who, web, automation_id)


@put(
    "/automations/{automation_id:int}/test",
    summary="Try it out with a few contacts",
    tags=TAGS,
    opt={"body": Testers, **EDITOR},
)
async def start_test(
    data: JSONBody[Testers], who: Asker, web: Web, automation_id: FromPath[int]
) -> AutomationFull:
    """Only these contacts may enter, as often as they like; everybody inside goes on."""
    async with web.database.write() as tx:
        chosen = [int(one) for one in data.contacts]
        await levers.test_with(tx, who, automation_id, chosen, web.clock())
    return await get_full(who, web, automation_id)


@delete(
    "/automations/{automation_id:int}/test",
    summary="End the test",
    tags=TAGS,
    opt=EDITOR,
    status_code=200,
)
async def end_test(who: Asker, web: Web, automation_id: FromPath[int]) -> AutomationFull:
    """Everybody may enter again."""
    async with web.database.write() as tx:
        await automations.test_with(tx, who.company_id, automation_id, None, web.clock())
    return await get_full(who, web, automation_id)


@put(
    "/automations/{automation_id:int}/priority",
    summary="Set the priority",
    tags=TAGS,
    opt={"body": Priority, **EDITOR},
)
async def put_priority(
    data: JSONBody[Priority], who: Asker, web: Web, automation_id: FromPath[int]
) -> AutomationFull:
    """Of several that may start, the higher goes first; it also gets the contact's budget first."""
    async with web.database.write() as tx:
        await automations.set_priority(
            tx, who.company_id, automation_id, data.priority, web.clock()
        )
    return await get_full(who, web, automation_id)


async def published(
    who: Who, web: WebConfig, automation_id: int, made: Published
) -> AutomationPublished:
    """The automation as it is now, with what came of publishing."""
    full = await get_full(who, web, automation_id)
    return AutomationPublished(
        **structs.asdict(full), new=made.new, moved=made.moved, ended=made.ended
    )


async def get_full(who: Who, web: WebConfig, automation_id: int) -> AutomationFull:
    """The automation as the API shows it."""
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
        draft=shown_to(who, found.draft),
        problems=[
            Problem(one.severity, one.sentence, one.field, one.step, one.todo) for one in problems
        ],
        draft_mark=mark_of(found.draft),
        priority=found.priority,
        paused_at=found.paused_at,
        paused_by=found.paused_by,
        test_contacts=None if found.test_contacts is None else list(map(str, found.test_contacts)),
    )


async def _editable(tx: Any, who: Who, automation_id: int) -> automations.Automation:
    found = await automations.get(tx, who.company_id, automation_id)
    if found.status == "archived":
        raise RefusedError(409, ARCHIVED)
    return found


HANDLERS = (
    *(list_automations, import_automation, get_automation, put_draft, publish, pause, resume),
    *(archive, unarchive, start_test, end_test, put_priority),
)
