"""Levers on runs by API: end them, move them, let them try again.

Rule: each may be pulled twice and works once; the engine carries it out a moment later.
"""

from __future__ import annotations

from typing import Annotated

from litestar import put
from litestar.params import FromPath, JSONBody, QueryParameter

from web.api.lever_shapes import Asked, MoveRun
from web.api.runs import run_out
from web.api.shapes import RunShort
from web.automations import levers, reads
from web.config import WebConfig
from web.given import Asker, Web
from web.security.who import Who

EDITOR = {"change_role": "editor"}
TAGS = ["Runs"]


@put("/runs/{run_id:int}/stopped", summary="End a run", tags=TAGS, opt=EDITOR, status_code=202)
async def end_run(who: Asker, web: Web, run_id: FromPath[int]) -> RunShort:
    """The contact leaves the automation; queued messages are recalled. A run that is over stays."""
    async with web.database.write() as tx:
        await levers.end_run(tx, who, run_id, web.clock())
    await web.bell.ring_engine()
    return await _run(who, web, run_id)


@put(
    "/runs/{run_id:int}/step",
    summary="Move a run to another step",
    tags=TAGS,
    opt={"body": MoveRun, **EDITOR},
    status_code=202,
)
async def move_run(
    data: JSONBody[MoveRun], who: Asker, web: Web, run_id: FromPath[int]
) -> RunShort:
    """Of its own revision or another. What has left at that step is not sent again unless `again`;
    a queued message of the step it leaves is recalled. 409 when the run is over or elsewhere.
    """
    async with web.database.write() as tx:
        await levers.move_run(
            *(tx, who, run_id, data.to, web.clock()),
            seen_at=data.seen_at,
            revision=data.revision,
            again=data.again,
        )
    await web.bell.ring_engine()
    return await _run(who, web, run_id)


@put(
    "/runs/{run_id:int}/retried",
    summary="Let a failed run try again",
    tags=TAGS,
    opt=EDITOR,
    status_code=202,
)
async def retry_run(who: Asker, web: Web, run_id: FromPath[int]) -> RunShort:
    """From the step at which it failed. 409 when it did not fail, or the contact came in again
    meanwhile and may be in only once at a time.
    """
    async with web.database.write() as tx:
        await levers.retry_run(tx, who, run_id, web.clock())
    await web.bell.ring_engine()
    return await _run(who, web, run_id)


@put(
    "/automations/{automation_id:int}/runs/stopped",
    summary="End everybody's run",
    tags=TAGS,
    opt=EDITOR,
    status_code=202,
)
async def end_of_automation(
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    step: Annotated[
        str | None, QueryParameter(max_length=64, description="Only those who wait at this step")
    ] = None,
) -> Asked:
    """Ends the runs of all who are inside, or of those at one step."""
    async with web.database.write() as tx:
        count = await levers.end_of_automation(tx, who, automation_id, step or "", web.clock())
    await web.bell.ring_engine()
    return Asked(count)


@put(
    "/contacts/{contact_id:int}/runs/stopped",
    summary="End all runs of a contact",
    tags=TAGS,
    opt=EDITOR,
    status_code=202,
)
async def end_of_contact(who: Asker, web: Web, contact_id: FromPath[int]) -> Asked:
    """Whatever automations the contact is in, they leave them."""
    async with web.database.write() as tx:
        count = await levers.end_of_contact(tx, who, contact_id, web.clock())
    await web.bell.ring_engine()
    return Asked(count)


async def _run(who: Who, web: WebConfig, run_id: int) -> RunShort:
    async with web.database.read() as tx:
        return run_out(await reads.get_run(tx, who.company_id, run_id))


HANDLERS = (end_run, move_run, retry_run, end_of_automation, end_of_contact)
