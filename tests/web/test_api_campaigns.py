"""Campaigns and events by API."""

from typing import Any

import pytest
import sqlalchemy as sa

from store import campaigns, lists, resolve
from store.addresses import Address
from store.campaigns import campaigns as table
from store.contacts import contacts
from store.events import events
from tests.web.conftest import NOW, House, cart_flow

pytestmark = pytest.mark.anyio
EVERYBODY = {"audience": {"everybody": True}, "name": "Spring", "data": {"code": "S10"}}


def flow(**triggers: Any) -> dict[str, Any]:
    return cart_flow(triggers=triggers or {"spring": {"type": "campaign"}})


async def test_a_campaign_from_start_to_stop(both_houses: House) -> None:
    house = both_houses
    automation, machine = await house.live(flow()), house.machine()
    at = f"/api/v1/automations/{automation}/campaigns"
    async with house.web.database.write() as tx:
        await resolve.resolve(tx, house.company, [Address("phone", "+393331234567")], now=NOW)
        await lists.join_rows(tx, [(house.company, 1, "VIP")], NOW)
    body = {**EVERYBODY, "audience": {"lists": ["VIP"], "tags": ["it"], "not_tags": ["b2b"]}}
    answer = await machine.post(at, json=body)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert told["audience_in_words"] == "on “VIP” or tagged “it”, not tagged “b2b”"
    expect = {
        "automation_id": str(automation),
        "trigger": "spring",
        "kind": "campaign",
        "name": "Spring",
        "state": "starting",
        "progress": 0,
        "started": 0,
        "left_out": 0,
        "data": {"code": "S10"},
        "finished_at": None,
    }
    assert {name: told[name] for name in expect} == expect
    one = f"/api/v1/campaigns/{told['id']}"
    assert (await machine.get(one)).json() == told
    async with house.web.database.write() as tx:
        found = await campaigns.get(tx, house.company, int(told["id"]))
        assert await campaigns.advance(tx, found, 1, started=1, left_out=2, now=NOW)
    half = (await machine.get(one)).json()
    assert (half["started"], half["left_out"], half["progress"]) == (1, 2, 100)
    stopped = (await machine.put(one + "/stopped")).json()
    assert (stopped["state"], stopped["finished_at"] is not None) == ("stopped", True)
    assert (await machine.put(one + "/stopped")).json() == stopped
    assert [item["id"] for item in (await machine.get(at)).json()["items"]] == [told["id"]]


async def test_a_repeated_request_starts_nothing_twice(house: House) -> None:
    at = f"/api/v1/automations/{await house.live(flow())}/campaigns"
    machine, key = house.machine(), {"Idempotency-Key": "spring-1"}
    first = await machine.post(at, json=EVERYBODY, headers=key)
    again = await machine.post(at, json=EVERYBODY, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotent-replay"] == "true"
    other = await machine.post(at, json={**EVERYBODY, "name": "Autumn"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert len(await house.rows(sa.select(table.c.id))) == 1
    assert (await machine.post(at, json=EVERYBODY)).json()["id"] != first.json()["id"]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/"),
        ({"audience": {}}, 422, "/audience"),
        ({"audience": {"everybody": True, "lists": ["VIP"]}}, 422, "/audience/everybody"),
        ({"audience": {"list": ["VIP"]}}, 422, "/audience"),
        ({"audience": {"everybody": True, "condition": {"type": "all"}}}, 422, None),
        ({"audience": {"lists": ["Misspelt"]}}, 422, "/audience/lists/0"),
        ({"audience": {"everybody": True, "not_lists": ["Gone"]}}, 422, "/audience/not_lists/0"),
        ({**EVERYBODY, "trigger": "autumn"}, 422, "/trigger"),
        ({**EVERYBODY, "name": "x" * 300}, 422, "/name"),
    ],
)
async def test_what_is_wrong_is_named(
    house: House, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    at = f"/api/v1/automations/{await house.live(flow())}/campaigns"
    answer = await house.machine().post(at, json=body)
    assert answer.status_code == status, answer.text
    found = [one["pointer"] for one in answer.json()["error"]["details"]]
    assert pointer is None or found[0].startswith(pointer), found
    assert await house.rows(sa.select(table.c.id)) == []


async def test_only_what_is_live_and_has_a_campaign_trigger(house: House) -> None:
    machine = house.machine()
    draft = await house.automation(flow())
    answer = await machine.post(f"/api/v1/automations/{draft}/campaigns", json=EVERYBODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_live")
    without = await house.live(cart_flow())
    answer = await machine.post(f"/api/v1/automations/{without}/campaigns", json=EVERYBODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_campaign_trigger")
    several = await house.live(flow(a={"type": "campaign"}, b={"type": "campaign"}))
    answer = await machine.post(
        f"/api/v1/automations/{several}/campaigns", json={**EVERYBODY, "trigger": "b"}
    )
    assert answer.json()["trigger"] == "b"


async def test_campaigns_are_their_companys_own(house: House) -> None:
    automation = await house.live(flow())
    at = f"/api/v1/automations/{automation}/campaigns"
    made = (await house.machine().post(at, json=EVERYBODY)).json()["id"]
    other = house.machine(house.other_key)
    for answer in (
        await other.post(at, json=EVERYBODY),
        await other.get(at),
        await other.get(f"/api/v1/campaigns/{made}"),
        await other.put(f"/api/v1/campaigns/{made}/stopped"),
    ):
        assert answer.status_code == 404
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(at)).status_code == 200
    assert (await viewer.post(at, json=EVERYBODY)).status_code == 403


async def test_an_event_of_the_companys_own(both_houses: House) -> None:
    house = both_houses
    body = {
        "contact": {"phone": "+393331234567", "name": "Ada"},
        "name": "booking.made",
        "data": {"seats": 2},
        "id": "b-1",
    }
    first = await house.machine().post("/api/v1/events", json=body)
    assert first.status_code == 202, first.text
    again = await house.machine().post("/api/v1/events", json=body)
    assert again.json() == {
        "event_id": None,
        "contact_id": first.json()["contact_id"],
        "repeated": True,
    }
    rows = await house.rows(sa.select(events).where(events.c.kind == "happened"))
    [event] = rows
    assert event.data == {"type": "happened", "name": "booking.made", "data": {"seats": 2}}
    assert str(event.id) == first.json()["event_id"]
    without = {name: value for name, value in body.items() if name != "id"}
    both = [(await house.machine().post("/api/v1/events", json=without)).json() for _ in range(2)]
    assert [one["repeated"] for one in both] == [False, False]
    known = {**without, "contact": {"id": first.json()["contact_id"]}}
    assert (await house.machine().post("/api/v1/events", json=known)).status_code == 202


async def test_an_events_contact_by_email(house: House) -> None:
    body = {"contact": {"email": "Ada@example.com"}, "name": "seen"}
    unknown = await house.machine().post("/api/v1/events", json=body)
    assert unknown.status_code == 422
    assert unknown.json()["error"]["details"][0]["pointer"] == "/contact/email"
    async with house.web.database.write() as tx:
        ada = await resolve.resolve(
            tx,
            house.company,
            [Address("phone", "+393331234567"), Address("email", "ada@example.com")],
            now=NOW,
        )
    known = await house.machine().post("/api/v1/events", json=body)
    assert known.json()["contact_id"] == str(ada)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"contact": {"phone": "+393331234567"}, "name": "two words"}, "/name"),
        ({"contact": {"phone": "12"}, "name": "seen"}, "/contact/phone"),
        ({"contact": {"id": "99"}, "name": "seen"}, "/contact/id"),
        ({"contact": {}, "name": "seen"}, "/contact"),
        ({"name": "seen"}, "/contact"),
    ],
)
async def test_a_wrong_event_is_told_where(
    house: House, body: dict[str, Any], pointer: str
) -> None:
    answer = await house.machine().post("/api/v1/events", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"][0]["pointer"] == pointer
    assert await house.rows(sa.select(contacts.c.id)) == []
