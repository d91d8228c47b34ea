"""What guards every page: forged forms, roles, headers, error pages, made-up ids."""

import pytest

from tests.web.conftest import CSRF, PASSWORD, House, cart_flow, sign_in

pytestmark = pytest.mark.anyio


async def test_a_form_without_our_token_is_refused(house: House) -> None:
    made = await house.live()
    client = await house.signed_in()
    token = client.headers.pop("x-csrf-token")
    for given in ({}, {"csrf": "0" * 64}, {"csrf": token[:-1]}, {"csrf": "é"}):
        refused = await client.post(
            f"/automations/{made}/runs", data={"phone": "+393331234567", **given}
        )
        assert refused.status_code == 403, given
        assert "did not come from Tiptoe" in refused.text
        assert "Automations" in refused.text
    assert (await client.put(f"/automations/{made}/paused")).status_code == 403
    strange = await client.put(f"/automations/{made}/paused", headers=[(b"x-csrf-token", b"\xe9")])
    assert strange.status_code == 403
    form = {"phone": "+393331234567", "csrf": token}
    assert (await client.post(f"/automations/{made}/runs", data=form)).status_code == 303
    other = await house.signed_in("admin")
    del other.headers["x-csrf-token"]
    assert (await other.post(f"/automations/{made}/runs", data=form)).status_code == 403


async def test_signing_in_and_out_need_the_token_too(house: House) -> None:
    client = house.client()
    data = {"email": "owner@a.test", "password": PASSWORD}
    assert (await client.post("/signin", data=data)).status_code == 403
    assert (await client.post("/signout")).status_code == 403
    form = await client.get("/signin")
    token = CSRF.search(form.text)
    assert token is not None
    stranger = house.client()
    await stranger.get("/signin")
    stolen = await stranger.post("/signin", data={**data, "csrf": token[1]})
    assert stolen.status_code == 403


async def test_htmx_hears_refusals_as_a_toast(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in()
    client.headers["hx-request"] = "true"
    del client.headers["x-csrf-token"]
    refused = await client.put(f"/automations/{made}/published")
    assert refused.status_code == 403
    assert refused.text.strip().startswith('<hx-partial hx-target="#toasts"')
    await client.get("/automations")
    client.cookies.clear()
    over = await client.get("/automations")
    assert over.status_code == 401
    assert over.headers["hx-redirect"] == "/signin"


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("viewer", {"/automations"}),
        ("agent", {"/automations", "/contacts"}),
        ("editor", {"/automations", "/contacts", "/automations/import"}),
        ("admin", {"/automations", "/contacts", "/automations/import", "/phones"}),
        ("owner", {"/automations", "/contacts", "/automations/import", "/phones"}),
    ],
)
async def test_roles_see_what_they_may(house: House, role: str, seen: set[str]) -> None:
    client = await house.signed_in(role)
    for address in ("/automations", "/contacts", "/automations/import", "/phones"):
        answer = await client.get(address)
        assert (answer.status_code == 200) == (address in seen), address
        if address not in seen:
            assert answer.status_code == 403
            assert f"yours is {role}" in answer.text
    navigation = (await client.get("/automations")).text
    assert ('href="/contacts"' in navigation) == ("/contacts" in seen)


@pytest.mark.parametrize("role", ["viewer", "agent"])
async def test_only_editors_change_automations(house: House, role: str) -> None:
    made = await house.live()
    client = await house.signed_in(role)
    base = f"/automations/{made}"
    for method, address in (
        ("POST", "/automations/import"),
        ("PUT", f"{base}/published"),
        ("PUT", f"{base}/paused"),
        ("DELETE", f"{base}/paused"),
        ("PUT", f"{base}/archived"),
        ("DELETE", f"{base}/archived"),
        ("POST", f"{base}/draft"),
        ("PUT", f"{base}/draft/triggers/cart/wait"),
        ("POST", f"{base}/runs"),
        ("PUT", "/runs/1/stopped"),
    ):
        assert (await client.request(method, address)).status_code == 403, address
    shown = (await client.get(base)).text
    assert "Pause" not in shown
    assert "Edit the draft" not in shown


async def test_every_answer_carries_the_headers(house: House) -> None:
    client = await house.signed_in()
    for address in ("/automations", "/signin", "/nowhere", "/health", "/api/v1/runs"):
        headers = (await client.get(address)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy, address
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    static = await client.get("/static/css/tokens.css")
    assert static.status_code == 200
    assert "max-age" in static.headers["cache-control"]


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere",
        "/automations/999",
        "/automations/99999999999999999999999999",
        "/runs/9223372036854775808",
        "/contacts/0",
        "/static/../config.py",
        "/static/vendor/../../../config.py",
    ],
)
async def test_what_is_not_there_is_a_page_with_the_navigation(house: House, address: str) -> None:
    client = await house.signed_in()
    answer = await client.get(address)
    assert answer.status_code == 404
    if not address.startswith("/static"):
        assert "There is nothing here" in answer.text
        assert 'href="/automations"' in answer.text


async def test_a_bug_is_told_with_an_id_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await house.signed_in()

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("web.contacts.routes.contact_list.page", broken)
    monkeypatch.setattr("web.api.contacts.contact_list.page", broken)
    answer = await client.get("/contacts")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "quote <code>" in answer.text
    assert 'href="/automations"' in answer.text
    told = await client.get("/api/v1/contacts")
    assert told.status_code == 500
    assert told.json()["error"]["code"] == "internal"
    assert len(told.json()["error"]["id"]) == 8


async def test_a_body_that_is_too_large_is_refused(house: House) -> None:
    made = await house.live()
    client = await house.signed_in()
    answer = await client.post(f"/automations/{made}/runs", data={"phone": "y" * 1_100_000})
    assert answer.status_code == 413
    assert "This is too large" in answer.text


async def test_https_makes_cookies_secure(house: House) -> None:
    import dataclasses

    from web.app import create_app

    house.app = create_app(dataclasses.replace(house.web, base_url="https://tiptoe.test"))
    answer = await sign_in_over(house)
    assert all("Secure" in value for value in answer)


async def sign_in_over(house: House) -> list[str]:
    client = house.client()
    client.base_url = "https://tiptoe.test"
    cookies = (await client.get("/signin")).headers.get_list("set-cookie")
    return [
        *cookies,
        *(await sign_in(client, "owner@a.test", PASSWORD)).headers.get_list("set-cookie"),
    ]


async def test_a_short_secret_is_refused(house: House) -> None:
    import dataclasses

    from web.app import create_app

    with pytest.raises(ValueError, match="at least 32"):
        create_app(dataclasses.replace(house.web, secret="short"))
