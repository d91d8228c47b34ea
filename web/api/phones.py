"""Phones by API: how they fare, their limits, and the levers on each.

Rule: keys may look; what risks a number is changed by people who are admins. Credentials never
come out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from litestar import delete, get, patch, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from store import house, phone_care
from store.phone_care import PhoneCard
from web.api.shapes import Id, Page
from web.config import WebConfig
from web.given import Asker, Web
from web.phones.limits import LONGEST_NAME, MOST_A_DAY
from web.phones.routes import lift_rest, views
from web.phones.view import PhoneView
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

TAGS = ["Phones"]
PEOPLE = {"role": "agent", "change_role": "admin"}
Limit = Annotated[int, Meta(ge=1, le=MOST_A_DAY)]
Knowing = Annotated[
    Literal["yes"] | None,
    QueryParameter(description="yes: you know that such a number can be banned for good"),
]


class CapOut(Struct, frozen=True):
    """Something that is counted against a limit; null is no limit."""

    what: str
    used: int
    limit: int | None


class PhoneOut(Struct, frozen=True):
    """A phone. `status` is a stable word, `status_words` says it to people; `free_at` is when it
    may send next (null: now, or not before somebody acts). `people_24h` were written to before they
    wrote.
    """

    id: Id
    kind: str
    name: str
    number: str
    status: str
    status_words: str
    quality: str
    campaigns_rest_until: datetime | None
    campaigns_rest_why: str
    daily_limit: int | None
    hourly_limit: int | None
    caps: list[CapOut]
    people_24h: int
    people_7d: int
    sent_today: int
    failed_today: int
    failures_in_row: int
    free_at: datetime | None
    last_sent_at: datetime | None
    last_receipt_at: datetime | None
    added_at: datetime


class PhoneChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is; a limit of null is the usual one."""

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=r"\S")] | UnsetType = (
        UNSET
    )
    daily_limit: Limit | UnsetType | None = UNSET
    hourly_limit: Limit | UnsetType | None = UNSET


class RestIn(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long campaigns rest; null is the house's usual time."""

    days: Annotated[int, Meta(ge=1, le=60)] | None = None


@get("/phones", summary="List phones", tags=TAGS, opt=PEOPLE)
async def list_phones(who: Asker, web: Web) -> Page[PhoneOut]:
    """All of them, in the order they were connected."""
    async with web.database.read() as tx:
        found = await views(tx, who, web, await phone_care.cards(tx, who.company_id))
    return Page([_out(one) for one in found], None)


@get("/phones/{phone_id:int}", summary="Read a phone", tags=TAGS, opt=PEOPLE)
async def get_phone(who: Asker, web: Web, phone_id: FromPath[int]) -> PhoneOut:
    """One phone."""
    async with web.database.read() as tx:
        return await _shown(tx, who, web, await phone_care.get(tx, who.company_id, phone_id))


@patch(
    "/phones/{phone_id:int}",
    summary="Change name and limits",
    tags=TAGS,
    opt={"body": PhoneChange, **PEOPLE},
)
async def change_phone(
    data: JSONBody[PhoneChange], who: Asker, web: Web, phone_id: FromPath[int]
) -> PhoneOut:
    """Over its daily limit, messages leave through other phones or wait for the next day."""
    async with web.database.write() as tx:
        card = await phone_care.get(tx, who.company_id, phone_id)
        wanted = {
            name: getattr(card if getattr(data, name) is UNSET else data, name)
            for name in PhoneChange.__struct_fields__
        }
        card = await phone_care.change(tx, who.company_id, phone_id, **wanted)
        shown = await _shown(tx, who, web, card)
    await web.bell.ring_gateway()
    return shown


@put("/phones/{phone_id:int}/paused", summary="Pause a phone", tags=TAGS, opt=PEOPLE)
async def pause_phone(who: Asker, web: Web, phone_id: FromPath[int]) -> PhoneOut:
    """It sends nothing until it is resumed. 409 when it cannot send anyhow."""
    async with web.database.write() as tx:
        card = await phone_care.pause(tx, who.company_id, phone_id, f"paused by {who.name}")
        _expect(card, "paused")
        return await _shown(tx, who, web, card)


@put("/phones/{phone_id:int}/draining", summary="Drain a phone", tags=TAGS, opt=PEOPLE)
async def drain_phone(who: Asker, web: Web, phone_id: FromPath[int]) -> PhoneOut:
    """It goes on with its chats and takes no new ones. 409 when it cannot send anyhow."""
    async with web.database.write() as tx:
        card = await phone_care.drain(tx, who.company_id, phone_id, f"drained by {who.name}")
        _expect(card, "draining")
        shown = await _shown(tx, who, web, card)
    await web.bell.ring_gateway()
    return shown


@delete(
    ["/phones/{phone_id:int}/paused", "/phones/{phone_id:int}/draining"],
    summary="Resume a phone",
    tags=TAGS,
    opt=PEOPLE,
    status_code=200,
)
async def resume_phone(who: Asker, web: Web, phone_id: FromPath[int]) -> PhoneOut:
    """It sends as usual again; what failed before counts no more."""
    async with web.database.write() as tx:
        card = await phone_care.resume(tx, who.company_id, phone_id)
        _expect(card, "connected")
        shown = await _shown(tx, who, web, card)
    await web.bell.ring_gateway()
    return shown


@put(
    "/phones/{phone_id:int}/campaigns-rest",
    summary="Let campaigns rest",
    tags=TAGS,
    opt={"body": RestIn, **PEOPLE},
)
async def rest_campaigns(
    data: JSONBody[RestIn], who: Asker, web: Web, phone_id: FromPath[int]
) -> PhoneOut:
    """No campaigns through it for some days; answers and order news go on."""
    async with web.database.write() as tx:
        days = data.days or (await house.settings(tx)).quality_rest_days
        until = web.clock() + timedelta(days=days)
        why = f"{who.name} decided so"
        card = await phone_care.rest_campaigns(tx, who.company_id, phone_id, until, why)
        return await _shown(tx, who, web, card)


@delete(
    "/phones/{phone_id:int}/campaigns-rest",
    summary="Send campaigns again",
    tags=TAGS,
    opt=PEOPLE,
    status_code=200,
)
async def end_rest(
    who: Asker, web: Web, phone_id: FromPath[int], knowing: Knowing = None
) -> PhoneOut:
    """Only knowingly: 422 without `?knowing=yes`."""
    if knowing is None:
        said = "A number of low quality that goes on with campaigns can be banned for good."
        details = [Detail("", "Add ?knowing=yes when you know that.")]
        raise RefusedError(422, said, details=details)
    async with web.database.write() as tx:
        card = await lift_rest(tx, who, phone_id, web.clock())
        shown = await _shown(tx, who, web, card)
    await web.bell.ring_gateway()
    return shown


async def _shown(tx: AsyncConnection, who: Who, web: WebConfig, card: PhoneCard) -> PhoneOut:
    [found] = await views(tx, who, web, [card])
    return _out(found)


def _expect(card: PhoneCard, status: str) -> None:
    if card.status != status:
        said = f"The phone is {card.status.replace('_', ' ')}, so nothing was changed."
        raise RefusedError(409, said)


def _out(one: PhoneView) -> PhoneOut:
    card, fared = one.card, one.fared
    return PhoneOut(
        id=str(card.id),
        kind=card.kind,
        name=card.name,
        number=card.number,
        status=card.status,
        status_words=one.words,
        quality=card.quality,
        campaigns_rest_until=card.campaigns_rest_until if one.campaigns_rest else None,
        campaigns_rest_why=card.campaigns_rest_why if one.campaigns_rest else "",
        daily_limit=card.daily_limit,
        hourly_limit=card.hourly_limit,
        caps=[CapOut(cap.what, cap.used, cap.limit) for cap in one.caps],
        people_24h=fared.people_24h,
        people_7d=fared.people_7d,
        sent_today=fared.sent,
        failed_today=fared.failed,
        failures_in_row=card.failures_in_row,
        free_at=one.free_at,
        last_sent_at=card.last_sent_at,
        last_receipt_at=card.last_receipt_at,
        added_at=card.added_at,
    )


HANDLERS = (
    *(list_phones, get_phone, change_phone, pause_phone, drain_phone, resume_phone),
    *(rest_campaigns, end_rest),
)
