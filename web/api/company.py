"""The company's own settings by API. Rule: only its admins; status and end are the operator's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, patch
from litestar.params import JSONBody
from msgspec import Meta, Struct

from store import companies
from store.companies import CompanySettings, CompanyStatus
from store.errors import InvalidError
from web.given import Asker, Web
from web.security.who import Who
from web.shell.errors import Detail, RefusedError

TAGS = ["Company"]
ADMIN = {"role": "admin"}
PLAIN = ("name", "zone", "language", "country")


class CompanyOut(Struct, frozen=True):
    """A company. `on_hold` says why nothing is sent at present; empty while messages go out."""

    id: str
    name: str
    zone: str
    language: str
    country: str
    status: CompanyStatus
    subscription_ends_at: datetime | None
    on_hold: str
    settings: CompanySettings


class ChangeCompany(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is left out stays, also inside `settings`; a setting that is null is the house's."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")] | None = None
    zone: Annotated[str, Meta(max_length=60, description="Such as Europe/Rome")] | None = None
    language: (
        Annotated[str, Meta(pattern=r"^[a-z]{2}$", description="two letters such as it")] | None
    ) = None
    country: (
        Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="two letters such as IT")] | None
    ) = None
    settings: CompanySettings | None = None


@get("/company", summary="Read the company", tags=TAGS, opt=ADMIN)
async def get_company(who: Asker, web: Web) -> CompanyOut:
    """With all settings; those that are null are the house's."""
    return await _shown(who, web)


@patch("/company", summary="Change the company", tags=TAGS, opt={"body": ChangeCompany, **ADMIN})
async def change_company(
    request: Request[Any, Any, Any], data: JSONBody[ChangeCompany], who: Asker, web: Web
) -> CompanyOut:
    """Only what is given is changed; what waits is sent by the new rules."""
    told = msgspec.json.decode(await request.body())
    values = {name: value for name in PLAIN if (value := getattr(data, name)) is not None}
    async with web.database.write() as tx:
        if values:
            try:
                await companies.change(tx, who.company_id, **values)
            except InvalidError as error:
                raise _refused([Detail("/zone", _sentence(error))]) from error
        if told.get("settings"):
            company = await companies.get(tx, who.company_id)
            settings = companies.encode_settings(company.settings) | told["settings"]
            wrong = list(_wrong(told["settings"]))
            if wrong:
                raise _refused(wrong)
            await companies.set_settings(tx, who.company_id, companies.decode_settings(settings))
    await web.bell.ring_gateway()
    return await _shown(who, web)


async def _shown(who: Who, web: Web) -> CompanyOut:
    async with web.database.read() as tx:
        return company_out(await companies.get(tx, who.company_id), web.clock())


def company_out(company: companies.Company, now: datetime) -> CompanyOut:
    """A company as the API shows it."""
    return CompanyOut(
        id=str(company.id),
        name=company.name,
        zone=company.zone,
        language=company.language,
        country=company.country,
        status=company.status,
        subscription_ends_at=company.subscription_ends_at,
        on_hold=company.on_hold(now),
        settings=company.settings,
    )


def _wrong(told: dict[str, Any]) -> list[Detail]:
    """What the schema cannot say, such as hours that end before they begin; each by its name."""
    wrong = []
    for name, value in told.items():
        try:
            companies.decode_settings({name: value})
        except InvalidError as error:
            wrong.append(Detail(f"/settings/{name}", _sentence(error)))
    return wrong


def _sentence(error: InvalidError) -> str:
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}."


def _refused(wrong: list[Detail]) -> RefusedError:
    count = "1 field is" if len(wrong) == 1 else f"{len(wrong)} fields are"
    return RefusedError(422, f"{count} not right.", details=wrong)


HANDLERS = (get_company, change_company)
