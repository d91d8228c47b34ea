"""Revisions by API: the history, what changed, who is still inside, going back."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from flows.diff import in_short
from store import automations, revisions
from web.api.automations import get_full, published
from web.api.lever_shapes import (
    AutomationPublished,
    ChangeOut,
    Changes,
    Publish,
    RevisionFull,
    RevisionShort,
    Waiting,
    WaitingRevision,
    WaitingStep,
)
from web.api.shapes import AutomationFull, Page
from web.automations import compare, levers
from web.automations.exported import shown_to
from web.given import Asker, Web
from web.paging import before_of
from web.shell.errors import RefusedError

EDITOR = {"change_role": "editor"}
TAGS = ["Revisions"]
LISTED = 100
WHICH = "“draft”, or the number of a revision"


@get("/automations/{automation_id:int}/revisions", summary="List revisions", tags=TAGS)
async def list_revisions(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[RevisionShort]:
    """Newest first, with how many contacts are still inside each."""
    del after
    async with web.database.read() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        rows = await revisions.page(
            *(tx, who.company_id, automation_id),
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown = rows[:LISTED]
    items = [
        RevisionShort(
            number=one.number,
            live=one.id == found.live_revision_id,
            comment=one.comment,
            published_at=one.published_at,
            by=one.by,
            inside_now=one.inside,
        )
        for one in shown
    ]
    return Page(items, str(shown[-1].number) if len(rows) > LISTED else None)


@get(
    "/automations/{automation_id:int}/revisions/{number:int}",
    summary="Read a revision",
    tags=TAGS,
)
async def get_revision(
    who: Asker, web: Web, automation_id: FromPath[int], number: FromPath[int]
) -> RevisionFull:
    """Its document, as it was published."""
    async with web.database.read() as tx:
        found = await revisions.get(tx, who.company_id, automation_id, number)
    document = shown_to(who, found.flow)
    return RevisionFull(found.number, found.comment, found.published_at, document)


@get("/automations/{automation_id:int}/changes", summary="What changed", tags=TAGS)
async def list_changes(
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    before: Annotated[
        str | None, QueryParameter(max_length=20, description=f"{WHICH}; left out: what is live")
    ] = None,
    after: Annotated[
        str | None, QueryParameter(max_length=20, description=f"{WHICH}; left out: the draft")
    ] = None,
) -> Changes:
    """Any two versions, in words and structured. Cards moved on the canvas are no changes."""
    async with web.database.read() as tx:
        if before is None:
            newest = await revisions.page(tx, who.company_id, automation_id, limit=1)
            await automations.get(tx, who.company_id, automation_id)
            if not newest:
                raise RefusedError(409, "Nothing was published yet, so there is nothing before.")
            before = str(newest[0].number)
        old = await compare.side(tx, who.company_id, automation_id, before)
        new = await compare.side(tx, who.company_id, automation_id, after or compare.DRAFT)
    found = compare.between(*(compare.told_to(who, one) for one in (old, new)))
    return Changes(
        before=old.key,
        after=new.key,
        summary=in_short(found),
        changes=[
            ChangeOut(
                *(one.kind, one.about, one.sentence, one.step, one.title, one.field),
                before=one.before,
                after=one.after,
            )
            for one in found
        ],
    )


@get("/automations/{automation_id:int}/waiting", summary="Who is inside", tags=TAGS)
async def list_waiting(who: Asker, web: Web, automation_id: FromPath[int]) -> Waiting:
    """By step: how many wait there now, in which revisions, and whether the draft still has it."""
    async with web.database.read() as tx:
        found = await automations.get(tx, who.company_id, automation_id)
        rows = await compare.inside(tx, who.company_id, automation_id, compare.decoded(found.draft))
    steps = [
        WaitingStep(
            step=one.step,
            title=one.title,
            contacts=one.contacts,
            revisions=[WaitingRevision(number, n) for number, n in one.revisions.items()],
            draft=one.fate,
        )
        for one in rows
    ]
    return Waiting(sum(one.contacts for one in rows), steps)


@put(
    "/automations/{automation_id:int}/revisions/{number:int}/published",
    summary="Go back to a revision",
    tags=TAGS,
    opt={"body": Publish, "body_optional": True, **EDITOR},
)
async def go_back(
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    number: FromPath[int],
    data: JSONBody[Publish | None] = None,
) -> AutomationPublished:
    """Publishes what this revision says as a new one; the draft stays as it is. With the number
    before the live one this undoes a publish. Nothing that was sent is sent again.
    """
    data = data or Publish()
    async with web.database.write() as tx:
        made = await levers.go_back(
            *(tx, who, automation_id, number, web.clock()),
            comment=data.comment,
            plan=data.plan,
            anyway=data.anyway,
        )
    await web.bell.ring_engine()
    return await published(who, web, automation_id, made)


@put(
    "/automations/{automation_id:int}/revisions/{number:int}/restored",
    summary="Restore a revision as draft",
    tags=TAGS,
    opt=EDITOR,
)
async def restore(
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    number: FromPath[int],
    force: FromQuery[bool] = False,  # noqa: FBT002  a name in the address
) -> AutomationFull:
    """409 while the draft holds changes that were never published, unless `force`."""
    async with web.database.write() as tx:
        await levers.restore(tx, who, automation_id, number, web.clock(), force=force)
    return await get_full(who, web, automation_id)


HANDLERS = (list_revisions, get_revision, list_changes, list_waiting, go_back, restore)
