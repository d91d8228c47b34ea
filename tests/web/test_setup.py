"""The first run: open only while nobody is there, safe against a second try, and quick."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gateway.templates import Synced
from store import first_run
from store.companies import companies
from store.database import Database
from store.phones import phones
from store.users import users
from tests.web.conftest import CSRF, NOW, House
from web.app import serve
from web.config import PretendPhone
from web.phones.asking import Known, Silent
from web.setup import pretend as pretending
from web.setup import routes
from web.setup.choices import countries, languages, zones

pytestmark = pytest.mark.anyio

TYPED = {
    "company": "Mug House",
    "name": "Ada Rossi",
    "email": "Ada@Example.com",
    "password": "correct horse battery",
    "language": "it",
    "country": "IT",
    "zone": "Europe/Rome",
}
PRETEND = PretendPhone(
    name="Sandbox phone",
    number="+390655500100",
    remote_id="900000000000001",
    account_id="900000000000002",
    token="t",
    app_secret="s",
    base_url="http://sandbox.test",
    version="v23.0",
)


@pytest.fixture
async def fresh(build_house: Callable[[str], Awaitable[House]], sqlite_url: str) -> House:
    """An installation at which nobody ever signed in."""
    house = await build_house(sqlite_url)
    async with house.web.database.write() as tx:
        await tx.execute(sa.delete(users))
    house.web = replace(house.web, pretend=PRETEND)
    serve(house.app, house.web)
    return house


async def begun(house: House, **typed: str) -> tuple[httpx.AsyncClient, httpx.Response]:
    """A browser that has sent the first form."""
    client = house.client()
    form = await client.get("/setup")
    found = CSRF.search(form.text)
    assert found is not None
    answer = await client.post("/setup", data={"csrf": found[1], **TYPED, **typed})
    return client, answer


async def owner_of(house: House) -> httpx.AsyncClient:
    client, answer = await begun(house)
    assert answer.status_code == 303, answer.text
    page = await client.get("/setup/whatsapp")
    found = CSRF.search(page.text)
    assert found is not None
    client.headers["x-csrf-token"] = found[1]
    return client


async def test_whoever_comes_first_is_led_there(fresh: House) -> None:
    client = fresh.client()
    assert (await client.get("/automations")).headers["location"].startswith("/signin")
    assert (await client.get("/signin")).headers["location"] == "/setup"
    page = await client.get("/setup")
    assert "Your company" in page.text
    assert 'aria-current="step"' in page.text


async def test_company_and_owner_are_made_and_signed_in(fresh: House) -> None:
    client, answer = await begun(fresh)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/setup/whatsapp"
    [owner] = await fresh.rows(sa.select(users))
    assert (owner.email, owner.role, owner.name) == ("ada@example.com", "owner", "Ada Rossi")
    [company] = await fresh.rows(sa.select(companies).where(companies.c.id == owner.company_id))
    told = (company.name, company.language, company.country, company.zone)
    assert told == ("Mug House", "it", "IT", "Europe/Rome")
    assert "Your WhatsApp" in (await client.get("/setup/whatsapp")).text
    assert "Ada Rossi" in (await client.get("/automations")).text


async def test_a_second_try_is_refused(fresh: House) -> None:
    await begun(fresh)
    late = fresh.client()
    assert (await late.get("/setup")).headers["location"] == "/signin"
    sign_in = await late.get("/signin")
    found = CSRF.search(sign_in.text)
    assert found is not None
    again = await late.post("/setup", data={"csrf": found[1], **TYPED, "email": "eve@example.com"})
    assert again.status_code == 303
    assert again.headers["location"] == "/signin"
    assert len(await fresh.rows(sa.select(users))) == 1


async def test_an_installation_with_users_has_no_setup(house: House) -> None:
    client = house.client()
    assert (await client.get("/setup")).headers["location"] == "/signin"
    assert (await client.get("/signin")).status_code == 200
    assert (await client.get("/setup/whatsapp")).headers["location"].startswith("/signin")
    editor = await house.signed_in("editor")
    assert (await editor.get("/setup/whatsapp")).status_code == 403
    assert (await editor.get("/setup/first")).status_code == 403


async def test_of_two_at_the_same_moment_one_wins(database_url: str) -> None:
    async def one(number: int) -> object:
        database = Database(database_url)
        try:
            async with database.write() as tx:
                return await first_run.begin(
                    tx, **{**TYPED, "email": f"{number}@example.com"}, now=NOW
                )
        finally:
            await database.close()

    made = await asyncio.gather(*(one(number) for number in range(3)))
    assert sum(result is not None for result in made) == 1


async def test_a_form_from_elsewhere_is_refused(fresh: House) -> None:
    answer = await fresh.client().post("/setup", data=TYPED)
    assert answer.status_code == 403
    assert await fresh.rows(sa.select(users)) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("company", " ", "The name of the company has 1 to 120 letters."),
        ("name", "x" * 121, "The name of the owner has 1 to 120 letters."),
        ("email", "ada", "Write an address such as ada@example.com."),
        ("password", "short", "At least 10 letters"),
        ("password", "x" * 1025, "At most 1024 letters."),
        ("language", "xx", "Choose one of the list."),
        ("country", "ZZ", "Choose one of the list."),
        ("zone", "Europe/Nowhere", "Choose one of the list."),
    ],
)
async def test_what_is_wrong_is_said_and_the_rest_kept(
    fresh: House, name: str, value: str, said: str
) -> None:
    _, answer = await begun(fresh, **{name: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{name}-error"' in answer.text
    assert "correct horse" not in answer.text, "passwords never come back"
    assert await fresh.rows(sa.select(users)) == []
    if name != "company":
        assert 'value="Mug House"' in answer.text


async def test_the_pretend_whatsapp_is_connected_once(
    fresh: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    async def ask(*told: str) -> Known:
        assert told == ("http://sandbox.test", "v23.0", PRETEND.remote_id, "t")
        return Known(PRETEND.number, "Mug House", "GREEN")

    async def read_templates(_: Any, company_id: int) -> Synced:
        read.append(company_id)
        return Synced()

    monkeypatch.setattr(pretending, "ask", ask)
    monkeypatch.setattr(routes, "read_templates", read_templates)
    client = await owner_of(fresh)
    page = await client.get("/setup/whatsapp")
    assert re.search(r'value="pretend" checked', page.text)
    for _ in range(2):
        answer = await client.post("/setup/whatsapp", data={"which": "pretend"})
        assert answer.headers["location"] == "/setup/first"
    mine = await fresh.rows(sa.select(phones).where(phones.c.remote_id == PRETEND.remote_id))
    assert len(mine) == 1
    assert mine[0].base_url == "http://sandbox.test"
    assert read
    assert (await client.get("/setup/whatsapp")).headers["location"] == "/setup/first"


async def test_a_pretend_whatsapp_that_is_away_is_said(
    fresh: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*_: str) -> Silent:
        return Silent("nobody there")

    monkeypatch.setattr(pretending, "ask", ask)
    client = await owner_of(fresh)
    refused = await client.post("/setup/whatsapp", data={"which": "pretend"})
    assert refused.status_code == 422
    assert "The pretend WhatsApp does not answer." in refused.text
    later = await client.post("/setup/whatsapp", data={"which": "later"})
    assert later.headers["location"] == "/setup/first"
    assert "sending comes later" in (await client.get("/setup/first")).text


async def test_a_number_is_checked_as_under_phones(fresh: House) -> None:
    client = await owner_of(fresh)
    typed = {"which": "number", "name": "Main", "phone_number_id": "12 3", "token": "very-secret"}
    refused = await client.post("/setup/whatsapp", data=typed)
    assert refused.status_code == 422
    assert "The digits that Meta shows" in refused.text
    assert 'value="Main"' in refused.text
    assert "very-secret" not in refused.text
    nothing = await client.post("/setup/whatsapp", data={"which": "else"})
    assert "Choose one of the three." in nothing.text


async def test_the_first_automation_opens_with_the_simulator(fresh: House) -> None:
    client = await owner_of(fresh)
    page = await client.get("/setup/first")
    assert page.text.count("Try this one") == 15
    answer = await client.post("/automations/gallery/welcome", data={"then": "simulate"})
    opened = await client.get(answer.headers["location"])
    assert opened.status_code == 200
    assert "Welcome" in opened.text


def test_the_choices_are_worth_choosing_from() -> None:
    assert ("IT", "Italy") in countries()
    assert all(len(code) == 2 for code, _ in countries())
    assert ("it", "Italiano") in languages()
    assert "Europe/Rome" in zones()
    assert "UTC" in zones()
    assert len(zones()) < 500
