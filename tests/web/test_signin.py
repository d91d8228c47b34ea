"""Signing in: who may, who may not, and that a session ends."""

import pytest
import sqlalchemy as sa

from store.sessions import sessions
from tests.web.conftest import CSRF, PASSWORD, House, sign_in

pytestmark = pytest.mark.anyio


async def test_a_stranger_is_sent_to_the_sign_in_page_and_comes_back(house: House) -> None:
    client = house.client()
    sent = await client.get("/contacts")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/signin?next=/contacts"
    form = await client.get(sent.headers["location"])
    token = CSRF.search(form.text)
    assert token is not None
    data = {"csrf": token[1], "email": "Owner@A.test", "password": PASSWORD, "next": "/contacts"}
    answer = await client.post("/signin", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/contacts")
    assert (await client.get("/contacts")).status_code == 200


@pytest.mark.parametrize(
    "goal", ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "javascript:x"]
)
async def test_nobody_is_sent_elsewhere_after_signing_in(house: House, goal: str) -> None:
    client = house.client()
    form = await client.get("/signin", params={"next": goal})
    token = CSRF.search(form.text)
    assert token is not None
    data = {"csrf": token[1], "email": "owner@a.test", "password": PASSWORD, "next": goal}
    answer = await client.post("/signin", data=data)
    assert answer.headers["location"] == "/"


async def test_the_cookie_is_http_only_same_site_and_signed(house: House) -> None:
    client = house.client()
    answer = await sign_in(client, "owner@a.test", PASSWORD)
    cookie = next(
        value for value in answer.headers.get_list("set-cookie") if "tiptoe_session" in value
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # plain http here
    token = client.cookies["tiptoe_session"]
    client.cookies.set("tiptoe_session", token[:-1] + ("0" if token[-1] != "0" else "1"))
    client.cookies.delete("tiptoe_session", domain="tiptoe.test")
    forged = house.client(cookie=f"tiptoe_session={token[:-1]}x")
    assert (await forged.get("/automations")).status_code == 303
    stored = await house.rows(sa.select(sessions.c.id))
    assert all(row.id not in token for row in stored)


async def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    client = await house.signed_in()
    stolen = house.client(cookie=f"tiptoe_session={client.cookies['tiptoe_session']}")
    assert (await stolen.get("/automations")).status_code == 200
    assert (await client.post("/signout")).headers["location"] == "/signin"
    assert (await client.get("/automations")).status_code == 303
    assert (await stolen.get("/automations")).status_code == 303


async def test_a_session_is_over_after_its_time(house: House) -> None:
    client = await house.signed_in()
    house.clock.pass_by(days=14, seconds=1)
    assert (await client.get("/automations")).status_code == 303


async def test_wrong_password_and_unknown_person_look_the_same(house: House) -> None:
    known = await sign_in(house.client(), "owner@a.test", "wrong password")
    unknown = await sign_in(house.client(), "nobody@a.test", "wrong password")
    assert known.status_code == unknown.status_code == 401
    assert "E-mail or password is wrong." in known.text
    assert "E-mail or password is wrong." in unknown.text


async def test_guessing_is_slowed_down_and_forgiven_with_time(house: House) -> None:
    client = house.client()
    for _ in range(house.web.sign_in_tries):
        assert (await sign_in(client, "owner@a.test", "wrong password")).status_code == 401
    blocked = await sign_in(client, "owner@a.test", PASSWORD)
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) > 0
    assert (await sign_in(client, "admin@a.test", PASSWORD)).status_code == 303
    house.clock.pass_by(minutes=16)
    assert (await sign_in(house.client(), "owner@a.test", PASSWORD)).status_code == 303
