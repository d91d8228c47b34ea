"""Runs by API: start contacts, see where they are and why."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from engine.kinds import catalog
from flows.events import ApiCalled
from flows.trigger import trigger_kind
from store import automations, events, idempotency, messages, visits
from web.api.contacts import message_out, resolve_all
from web.api.shapes import (
    Page,
    RunFull,
    RunShort,
    Started,
    StartedRuns,
    StartRuns,
    TraceLine,
)
from web.automations import reads
from web.given import Asker, Web
from web.paging import before_of, cut, parse_id
from web.shell.errors import Detail, RefusedError

LISTED = 100
STARTS_LIMIT = 2_000_000  # bytes: a thousand contacts with generous fields
TAGS = ["Runs"]
_NOT_LIVE = {
    "draft": "a draft; publish it first",
    "paused": "paused; resume it first",
    "archived": "archived; take it out of the archive and publish it first",
}


@post(
    "/automations/{automation_id:int}/runs",
    summary="Start contacts",
    tags=TAGS,
    opt={"body": StartRuns, "change_role": "editor"},
    request_max_body_size=STARTS_LIMIT,
    status_code=202,
)
async def start_runs(
    request: Request[Any, Any, Any],
    data: JSONBody[StartRuns],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            name="Idempotency-Key",
            min_length=1,
            max_length=200,
            description="Repeating a request with the same key starts nobody twice",
        ),
    ] = None,
) -> Response[StartedRuns]:
    """Up to 1,000 contacts at a time. The automation must be live, with an “api” trigger."""
    now = web.clock()
    key = idempotency_key or ""
    asked = hashlib.sha256(f"{automation_id}\n".encode() + await request.body()).hexdigest()
    async with web.database.write() as tx:
        if key:
            seen = await idempotency.begin(tx, who.company_id, key, asked, now)
            match seen:
                case idempotency.Mismatch():
                    raise RefusedError(
                        409,
                        "This Idempotency-Key was used with another request. Use a new one.",
                        code="idempotency_mismatch",
                    )
                case idempotency.Unfinished():
                    raise RefusedError(409, "The same request is being worked on. Try again soon.")
                case idempotency.Answered(status=status, response=response):
                    return Response(
                        response, status_code=status, headers={"Idempotent-Replay": "true"}
                    )
                case idempotency.Fresh():
                    pass
        found = await automations.get(tx, who.company_id, automation_id)
        await _refuse_unstartable(tx, found)
        contacts = await resolve_all(tx, who, data.contacts, now)
        call = msgspec.to_builtins(ApiCalled(automation_id, data.data))
        await events.insert_many(
            tx,
            [
                {
                    "company_id": who.company_id,
                    "contact_id": contact_id,
                    "kind": "api",
                    "data": call,
                    "source_id": f"api:{key}:{place}" if key else None,
                    "at": now,
                    "created_at": now,
                }
                for place, (contact_id, _) in enumerate(contacts)
            ],
        )
        answer = StartedRuns(
            automation_id=str(automation_id),
            accepted=len(contacts),
            contacts=[Started(str(contact_id), created) for contact_id, created in contacts],
        )
        if key:
            await idempotency.finish(tx, who.company_id, key, 202, msgspec.to_builtins(answer))
    await web.bell.ring_engine()
    return Response(answer, status_code=202)


@get("/runs", summary="List runs", tags=TAGS)
async def list_runs(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation: Annotated[str | None, QueryParameter(description="Only of this automation")] = None,
    contact: Annotated[str | None, QueryParameter(description="Only of this contact")] = None,
    status: FromQuery[Literal["waiting", "done", "failed", "stopped"] | None] = None,
    step: Annotated[
        str | None, QueryParameter(max_length=64, description="Only those at this step")
    ] = None,
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[RunShort]:
    """Newest first."""
    del after
    async with web.database.read() as tx:
        found = await reads.find_runs(
            tx,
            who.company_id,
            automation_id=_id_of("automation", automation),
            contact_id=_id_of("contact", contact),
            status=status or "",
            step=step or "",
            before=before_of(request, "after"),
            limit=LISTED,
        )
    shown, following = cut(found, LISTED)
    return Page([run_out(one) for one in shown], following or None)


@get("/runs/{run_id:int}", summary="Read a run", tags=TAGS)
async def get_run(who: Asker, web: Web, run_id: FromPath[int]) -> RunFull:
    """A run with its trace and the messages it asked for."""
    async with web.database.read() as tx:
        run = await reads.get_run(tx, who.company_id, run_id)
        lines = await visits.of_run(tx, run_id)
        sent = await messages.of_run(tx, who.company_id, run_id)
    return RunFull(
        run=run_out(run),
        trace=[
            TraceLine(
                *(one.step, one.kind, one.at, one.did, one.exit, one.why), one.data.get("saw", {})
            )
            for one in lines
        ],
        messages=[message_out(one) for one in sent],
    )


def run_out(run: reads.RunRow) -> RunShort:
    """A run as the API shows it."""
    return RunShort(
        id=str(run.id),
        automation_id=str(run.automation_id),
        contact_id=str(run.contact_id),
        revision=run.revision,
        trigger=run.trigger,
        status=run.status,
        step=run.step,
        wait_until=run.wait_until,
        started_at=run.started_at,
        ended_at=run.ended_at,
        reason=run.reason,
    )


async def _refuse_unstartable(tx: Any, found: automations.Automation) -> None:
    if found.status != "live" or found.live_revision_id is None:
        raise RefusedError(
            409, f"This automation is {_NOT_LIVE.get(found.status, found.status)}.", code="not_live"
        )
    document = (await automations.documents(tx, [found.live_revision_id]))[found.live_revision_id]
    flow = catalog().decode(document)
    if not any(trigger_kind(one) == "api" for one in flow.triggers.values()):
        raise RefusedError(
            409,
            "The live revision has no trigger of the kind “api”. Add one and publish.",
            code="no_api_trigger",
        )


def _id_of(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    found = parse_id(text)
    if found is None:
        raise RefusedError(
            400, "An id is a string of digits.", details=[Detail(f"/{name}", "Not an id.")]
        )
    return found


HANDLERS = (start_runs, list_runs, get_run)
