"""Forecasts by API: when what waits will have left, and what would become of a campaign.

Rule: the words and numbers are those of the gateway's own decisions, played ahead of time; nothing
is stored or started.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.audience import piece
from flows.audience import Audience
from gateway import outlook
from gateway.forecast import Forecast
from web.api.campaigns import check_lists
from web.api.shapes import Moment
from web.given import Asker, Web
from web.paging import parse_id
from web.shell.errors import Detail, RefusedError

TAGS = ["Queue"]
UNWILLING = "They are blocked, erased, or asked for no messages."
EVERYBODY = 2**62  # above any contact's id
PIECE = 5_000  # contacts looked at in one go


class LeftOut(Struct, frozen=True):
    """So many get nothing, and why."""

    why: str
    messages: int


class OnDay(Struct, frozen=True):
    """So many leave on this local day of the company."""

    day: date
    messages: int


class ForecastOut(Struct, frozen=True):
    """`messages` leave, the last of them at `last_at`; `later`: those that still wait in 60 days.
    `is_part`: there are so many that only the first were played and multiplied; the last one then
    leaves later than `last_at`.
    """

    messages: int
    last_at: datetime | None
    left_out: list[LeftOut]
    by_day: list[OnDay]
    later: int
    is_part: bool


class Planned(Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign that is only thought of: to whom, from when on (now), of which category."""

    audience: Audience
    at: Moment | None = None
    category: Annotated[str, Meta(pattern=r"^(marketing|utility)$")] = "marketing"


@get("/queue/forecast", summary="When the queue will be empty", tags=TAGS)
async def forecast_queue(
    who: Asker,
    web: Web,
    automation: Annotated[
        str | None, QueryParameter(max_length=20, description="Only what this automation sends")
    ] = None,
) -> ForecastOut:
    """All that waits, played by the gateway's own rules as if nothing else came in."""
    automation_id = None if automation is None else parse_id(automation)
    if automation is not None and automation_id is None:
        raise RefusedError(
            400, "An id is a string of digits.", details=[Detail("/automation", "Not an id.")]
        )
    async with web.database.read() as tx:
        found = await outlook.of_queue(tx, who.company_id, web.clock(), automation_id=automation_id)
    return shown(found)


@post(
    "/campaigns/forecast",
    summary="What would become of a campaign",
    tags=TAGS,
    opt={"body": Planned, "change_role": "editor"},
    status_code=200,
)
async def forecast_campaign(data: JSONBody[Planned], who: Asker, web: Web) -> ForecastOut:
    """One template to each contact of the audience, behind all that waits already."""
    wrong = [Detail(f"/audience{field}", said) for field, said in data.audience.problems()]
    if wrong:
        raise RefusedError(422, "This audience cannot be used.", details=wrong)
    now = web.clock()
    async with web.database.read() as tx:
        await check_lists(tx, who.company_id, data.audience)
        people, left_out = await _people(tx, who.company_id, data.audience, now)
        found = await outlook.of_campaign(
            tx, who.company_id, people, now, at=max(data.at or now, now), category=data.category
        )
    answer = shown(found)
    if left_out:
        answer.left_out.append(LeftOut(UNWILLING, left_out))
    return answer


async def _people(
    tx: AsyncConnection, company_id: int, audience: Audience, now: datetime
) -> tuple[list[int], int]:
    """Everybody in the audience, and how many of it may not be written to."""
    people: list[int] = []
    left_out, after = 0, 0
    while True:
        found = await piece(
            tx, company_id, audience, after=after, upto=EVERYBODY, limit=PIECE, now=now
        )
        people += found.contact_ids
        left_out += found.left_out
        if found.cursor is None:
            return people, left_out
        after = found.cursor


def shown(found: Forecast) -> ForecastOut:
    """A forecast as the API shows it."""
    return ForecastOut(
        messages=found.messages,
        last_at=found.last_at,
        left_out=[LeftOut(why, n) for why, n in found.left_out],
        by_day=[OnDay(day, n) for day, n in found.by_day],
        later=found.later,
        is_part=found.is_part,
    )


HANDLERS = (forecast_queue, forecast_campaign)
