"""A company's settings, the house's, and the door between them."""

from datetime import timedelta

import pytest

from store import companies
from store import house as houses
from store.house import HouseSettings
from tests.web.conftest import NOW, House
from web.security import operator

pytestmark = pytest.mark.anyio
KEY = {"x-admin-key": "the-operators-own-key"}


@pytest.fixture
async def operated(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(operator, "PAUSE_S", 0)
    async with house.web.database.write() as tx:
        await houses.set_admin_key(tx, KEY["x-admin-key"])
    return house


async def test_settings_are_read_and_changed_by_name(both_houses: House) -> None:
    house = both_houses
    admin = await house.signed_in("admin")
    told = (await admin.get("/api/v1/company")).json()
    assert (told["name"], told["status"], told["on_hold"]) == ("Company A", "active", "")
    assert told["settings"]["gap_minutes"] is None
    body = {"zone": "Europe/Paris", "settings": {"gap_minutes": 5, "stop_words": ["via"]}}
    answer = await admin.patch("/api/v1/company", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["zone"], told["settings"]["gap_minutes"]) == ("Europe/Paris", 5)
    await admin.patch("/api/v1/company", json={"settings": {"gap_minutes": None}})
    async with house.web.database.read() as tx:
        kept = await companies.get(tx, house.company)
        other = await companies.get(tx, house.other_company)
    assert (kept.settings.gap_minutes, kept.settings.stop_words) == (None, ["via"])
    assert other.settings.stop_words == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"zone": "Moon/Base"}, "/zone"),
        ({"country": "Italy"}, "/country"),
        ({"status": "active"}, "/status"),
        ({"settings": {"gap_minutes": -1}}, "/settings/gap_minutes"),
        ({"settings": {"what": 1}}, "/settings/what"),
        ({"settings": {"alert_email": "ada"}}, "/settings/alert_email"),
        ({"settings": {"alert_email": "a@b.test\n"}}, "/settings/alert_email"),
        ({"settings": {"holidays": ["2026-02-30"]}}, "/settings/holidays/0"),
        ({"settings": {"working_hours": {"mon": ["9:00", "12:00"]}}},
            "/settings/working_hours/mon/0"),
        ({"settings": {"sending_hours": {"mon": ["20:00", "09:00"]}}}, "/settings/sending_hours"),
        ({"settings": {"delay_ms": [9, 1]}}, "/settings/delay_ms"),
        ({"settings": {"reply_webhook_url": "ftp://x"}}, "/settings/reply_webhook_url"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_settings_is_named(
    house: House, body: dict[str, object], pointer: str
) -> None:
    admin = await house.signed_in("admin")
    answer = await admin.patch("/api/v1/company", json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [one["pointer"] for one in answer.json()["error"]["details"]]
    assert "must match" not in answer.text  # no pattern is shown to people


async def test_settings_are_for_admins(house: House) -> None:
    assert (await house.machine().get("/api/v1/company")).status_code == 403
    editor = await house.signed_in("editor")
    assert (await editor.patch("/api/v1/company", json={})).status_code == 403


async def test_a_company_on_hold_sees_it_on_every_page(house: House) -> None:
    viewer = await house.signed_in("viewer")
    said = "the subscription ended on 1 Mar 2026. Messages are being kept, none is lost."
    assert said not in (await viewer.get("/automations")).text
    async with house.web.database.write() as tx:
        await companies.set_subscription(tx, house.company, NOW - timedelta(days=1))
    for address in ("/automations", "/nowhere"):
        assert said in (await viewer.get(address)).text
    async with house.web.database.write() as tx:
        await companies.set_status(tx, house.company, "suspended")
    assert (
        "Sending is on hold: the company is suspended." in (await viewer.get("/automations")).text
    )


async def test_the_house_is_the_operators(operated: House) -> None:
    nobody, boss = operated.client(), operated.client(**KEY)
    for client in (nobody, operated.machine(), await operated.signed_in("owner")):
        assert (await client.get("/api/v1/house")).status_code == 401
    told = (await boss.get("/api/v1/house")).json()
    assert told["gap_minutes"] == 60
    answer = await boss.put("/api/v1/house", json={"gap_minutes": 30, "daily_limit": 1000})
    assert answer.status_code == 200, answer.text
    async with operated.web.database.read() as tx:
        assert await houses.settings(tx) == HouseSettings(gap_minutes=30, daily_limit=1000)
    for body, pointer in (
        ({"hourly_limit": 0}, "/hourly_limit"),
        ({"delay_ms": [9, 1]}, "/delay_ms"),
        ({"what": 1}, "/what"),
    ):
        refused = await boss.put("/api/v1/house", json=body)
        assert [one["pointer"] for one in refused.json()["error"]["details"]] == [pointer]


async def test_whoever_guesses_the_key_is_kept_out(operated: House) -> None:
    guesser = operated.client(**{"x-admin-key": "a-wrong-admin-key"})
    for _ in range(operator.TRIES):
        assert (await guesser.put("/api/v1/house", json={"what": 1})).status_code == 401
    late = await guesser.get("/api/v1/house", headers=KEY)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    operated.clock.pass_by(minutes=15, seconds=1)
    assert (await guesser.get("/api/v1/house", headers=KEY)).status_code == 200


async def test_without_an_admin_key_the_door_stays_shut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator, "PAUSE_S", 0)
    assert (await house.client(**KEY).get("/api/v1/house")).status_code == 401


async def test_the_operator_lets_companies_send(operated: House) -> None:
    boss = operated.client(**KEY)
    listed = (await boss.get("/api/v1/house/companies")).json()
    assert [one["name"] for one in listed["items"]] == ["Company A", "Company B"]
    one = f"/api/v1/house/companies/{operated.company}"
    body = {"status": "suspended", "daily_limit": 50}
    told = (await boss.patch(one, json=body)).json()
    assert (told["on_hold"], told["settings"]["daily_limit"]) == ("the company is suspended", 50)
    body = {"status": "active", "subscription_ends_at": "2026-03-02T11:00:00+01:00"}
    told = (await boss.patch(one, json=body)).json()
    assert told["on_hold"] == "the subscription ended on 2 Mar 2026"
    told = (await boss.patch(one, json={"subscription_ends_at": None})).json()
    assert (told["on_hold"], told["settings"]["daily_limit"]) == ("", 50)
    for time in ("2026-03-02T11:00:00", "2026-03-02", "0001-01-01T00:00:00+14:00"):
        wrong = await boss.patch(one, json={"subscription_ends_at": time})
        assert wrong.json()["error"]["details"][0]["pointer"] == "/subscription_ends_at", time
    for unknown in (999, 10**30):
        answer = await boss.patch(f"/api/v1/house/companies/{unknown}", json={})
        assert answer.status_code == 404, answer.text
