"""Campaigns by API: start an audience, see how far it is, stop it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.audience import Audience
from flows.trigger import trigger_kind
from store import automations, campaigns, idempotency, lists
from store.ids import new_id
from web.api.repeated import IdempotencyKey, answer_again
from web.api.shapes import Id, Name, Page
from web.given import Asker, Web
from web.paging import before_of, cut
from web.shell.errors import Detail, RefusedError

LISTED = 50
TAGS = ["Campaigns"]
NOT_LIVE = "This automation is {}. Publish or resume it first."
NO_TRIGGER = "The live revision has no trigger of the kind “campaign”. Add one and publish."


class StartCampaign(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to start, and what texts find under `data`. `trigger` is needed only where there are
    several of the kind “campaign”.
    """

    audience: Audience
    name: Name = ""
    data: dict[str, Any] = {}
    trigger: Annotated[str, Meta(max_length=64)] = ""


class CampaignOut(Struct, frozen=True):
    """A campaign, or one occurrence of a schedule. `state` is starting, started or stopped;
    `progress` is how much of the contacts were looked at, in per cent. `started` are those put in
    line (the entry rules decide a moment later), `left_out` those in the audience who are blocked,
    erased or do not want messages.
    """

    id: Id
    automation_id: Id
    trigger: str
    kind: str
    name: str
    state: str
    progress: int
    started: int
    left_out: int
    audience: dict[str, Any]
    audience_in_words: str
    data: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None


@post(
    "/automations/{automation_id:int}/campaigns",
    summary="Start a campaign",
    tags=TAGS,
    opt={"body": StartCampaign, "change_role": "editor"},
    status_code=202,
)
async def start_campaign(
    request: Request[Any, Any, Any],
    data: JSONBody[StartCampaign],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    idempotency_key: IdempotencyKey = None,
) -> Response[CampaignOut]:
    """The automation must be live, with a “campaign” trigger. Contacts are started bit by bit."""
    now = web.clock()
    wrong = [Detail(f"/audience{field}", said) for field, said in data.audience.problems()]
    if wrong:
        raise RefusedError(422, "This audience cannot be used.", details=wrong)
    async with web.database.write() as tx:
        again = await answer_again(request, tx, who, idempotency_key, now)
        if again is not None:
            return again
        trigger = await _trigger(tx, who.company_id, automation_id, data.trigger)
        await check_lists(tx, who.company_id, data.audience)
        made = await campaigns.create(
            tx,
            company_id=who.company_id,
            automation_id=automation_id,
            trigger=trigger,
            kind="campaign",
            audience=msgspec.to_builtins(data.audience),
            occurrence=str(new_id(now)),
            name=data.name.strip(),
            data=data.data,
            created_by=who.user_id,
            now=now,
        )
        answer = campaign_out(await campaigns.get(tx, who.company_id, made or 0))
        if idempotency_key:
            kept = msgspec.to_builtins(answer)
            await idempotency.finish(tx, who.company_id, idempotency_key, 202, kept)
    await web.bell.ring_engine()
    return Response(answer, status_code=202)


@get("/automations/{automation_id:int}/campaigns", summary="List campaigns", tags=TAGS)
async def list_campaigns(
    request: Request[Any, Any, Any],
    who: Asker,
    web: Web,
    automation_id: FromPath[int],
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[CampaignOut]:
    """Those of an automation, its schedules' occurrences too, newest first."""
    del after
    async with web.database.read() as tx:
        await automations.get(tx, who.company_id, automation_id)
        found = await campaigns.page(
            tx,
            who.company_id,
            automation_id=automation_id,
            before=before_of(request, "after"),
            limit=LISTED + 1,
        )
    shown, following = cut(found, LISTED)
    return Page([campaign_out(one) for one in shown], following or None)


@get("/campaigns/{campaign_id:int}", summary="Read a campaign", tags=TAGS)
async def get_campaign(who: Asker, web: Web, campaign_id: FromPath[int]) -> CampaignOut:
    """How far it is."""
    async with web.database.read() as tx:
        return campaign_out(await campaigns.get(tx, who.company_id, campaign_id))


@put(
    "/campaigns/{campaign_id:int}/stopped",
    summary="Stop a campaign",
    tags=TAGS,
    opt={"change_role": "editor"},
)
async def stop_campaign(who: Asker, web: Web, campaign_id: FromPath[int]) -> CampaignOut:
    """Nobody else is started; those inside go on. One that has started everybody stays as it is."""
    async with web.database.write() as tx:
        await campaigns.get(tx, who.company_id, campaign_id)
        await campaigns.stop(tx, who.company_id, campaign_id, web.clock())
        return campaign_out(await campaigns.get(tx, who.company_id, campaign_id))


def campaign_out(one: campaigns.Campaign) -> CampaignOut:
    """A campaign as the API shows it."""
    return CampaignOut(
        id=str(one.id),
        automation_id=str(one.automation_id),
        trigger=one.trigger,
        kind=one.kind,
        name=one.name,
        state=one.state,
        progress=one.progress,
        started=one.started,
        left_out=one.left_out,
        audience=one.audience,
        audience_in_words=msgspec.convert(one.audience, Audience).words(),
        data=one.data,
        created_at=one.created_at,
        finished_at=one.finished_at,
    )


async def _trigger(tx: AsyncConnection, company_id: int, automation_id: int, wanted: str) -> str:
    """The campaign trigger of the live revision that is meant."""
    found = await automations.get(tx, company_id, automation_id)
    if found.status != "live" or found.live_revision_id is None:
        raise RefusedError(409, NOT_LIVE.format(found.status), code="not_live")
    documents = await automations.documents(tx, [found.live_revision_id])
    flow = catalog().decode(documents[found.live_revision_id])
    names = [name for name, one in flow.triggers.items() if trigger_kind(one) == "campaign"]
    if not names:
        raise RefusedError(409, NO_TRIGGER, code="no_campaign_trigger")
    if wanted and wanted not in names:
        said = f"There is no campaign trigger “{wanted}”. Choose one of {', '.join(names)}."
        raise RefusedError(422, said, details=[Detail("/trigger", said)])
    return wanted or names[0]


async def check_lists(tx: AsyncConnection, company_id: int, audience: Audience) -> None:
    """A misspelt list would reach nobody, or those who were to be left out."""
    asked = {"lists": audience.lists, "not_lists": audience.not_lists}
    keys = {lists.key_of(name) for names in asked.values() for name in names}
    known = await lists.names_by_key(tx, company_id, keys)
    wrong = [
        Detail(f"/audience/{field}/{place}", f"There is no list “{name}”.")
        for field, names in asked.items()
        for place, name in enumerate(names)
        if lists.key_of(name) not in known
    ]
    if wrong:
        raise RefusedError(422, "This audience cannot be used.", details=wrong)


HANDLERS = (start_campaign, list_campaigns, get_campaign, stop_campaign)
