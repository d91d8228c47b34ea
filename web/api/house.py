"""The house by API: what its operator decides for all companies, and who of them may send.

Rule: every call here needs the admin key, and none the key of a company.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, patch, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct, structs

from store import companies, house
from store.companies import CompanyStatus
from store.errors import InvalidError
from store.house import HouseSettings
from web.api.company import CompanyOut, company_out
from web.api.shapes import Moment, Page
from web.given import Web
from web.paging import before_of, cut
from web.security.operator import OPERATOR, operator_only
from web.shell.errors import Detail, RefusedError

TAGS = ["House"]
GUARDED: dict[str, Any] = {"tags": TAGS, "guards": [operator_only], "security": [{"adminKey": []}]}
LISTED = 100


class ChangeSubscription(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is left out stays. `subscription_ends_at` null is for ever, `daily_limit` null none."""

    status: CompanyStatus | None = None
    subscription_ends_at: Moment | None = None
    daily_limit: Annotated[int, Meta(ge=1)] | None = None


@get("/house", summary="Read the house's settings", opt=OPERATOR, **GUARDED)
async def get_house(web: Web) -> HouseSettings:
    """What holds for every company that does not say otherwise."""
    async with web.database.read() as tx:
        return await house.settings(tx)


@put(
    "/house",
    summary="Replace the house's settings",
    opt={"body": HouseSettings, **OPERATOR},
    **GUARDED,
)
async def put_house(
    request: Request[Any, Any, Any], data: JSONBody[HouseSettings], web: Web
) -> HouseSettings:
    """All of them: what is left out has its default again."""
    wrong: list[Detail] = []
    for name, value in msgspec.json.decode(await request.body()).items():
        try:
            house.decode({name: value})
        except InvalidError as error:
            wrong.append(Detail(f"/{name}", f"{error}."))
    if wrong:
        raise RefusedError(422, "Some settings are not right.", details=wrong)
    async with web.database.write() as tx:
        await house.set_settings(tx, data)
    await web.bell.ring_gateway()
    return data


@get("/house/companies", summary="List companies", opt=OPERATOR, **GUARDED)
async def list_companies(
    request: Request[Any, Any, Any],
    web: Web,
    after: Annotated[
        str | None, QueryParameter(description="The “next” of the page before")
    ] = None,
) -> Page[CompanyOut]:
    """Oldest first."""
    del after
    async with web.database.read() as tx:
        last = before_of(request, "after") or 0
        found = await companies.page(tx, after=last, limit=LISTED + 1)
    shown, following = cut(found, LISTED)
    now = web.clock()
    return Page([company_out(one, now) for one in shown], following or None)


@patch(
    "/house/companies/{company_id:int}",
    summary="Let a company send, or not",
    opt={"body": ChangeSubscription, **OPERATOR},
    **GUARDED,
)
async def change_subscription(
    request: Request[Any, Any, Any],
    data: JSONBody[ChangeSubscription],
    web: Web,
    company_id: FromPath[int],
) -> CompanyOut:
    """Suspended or past its end, a company's messages are kept and none is sent; what customers
    write is taken in all the same.
    """
    told = msgspec.json.decode(await request.body())
    now = web.clock()
    ends = data.subscription_ends_at
    async with web.database.write() as tx:
        company = await companies.get(tx, company_id)
        if data.status is not None:
            await companies.set_status(tx, company_id, data.status)
        if "subscription_ends_at" in told:
            await companies.set_subscription(tx, company_id, ends)
        if "daily_limit" in told:
            new = structs.replace(company.settings, daily_limit=data.daily_limit)
            await companies.set_settings(tx, company_id, new)
        changed = await companies.get(tx, company_id)
    await web.bell.ring_gateway()
    return company_out(changed, now)


HANDLERS = (get_house, put_house, list_companies, change_subscription)
