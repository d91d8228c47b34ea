"""Phones by API: looking is for keys, changing for admins, and a rest ends knowingly."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import phone_care, phones
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
API = "/api/v1/phones"


async def the_phone(house: House, **told: Any) -> int:
    async with house.web.database.write() as tx:
        [card] = await phone_care.cards(tx, house.company)
        if told:
            await tx.execute(sa.update(phones.phones).values(**told))
    return card.id


async def test_a_key_sees_phones_and_changes_none(both_houses: House) -> None:
    house = both_houses
    of = await the_phone(house, quality="RED", messaging_limit=250)
    machine = house.machine()
    listed = (await machine.get(API)).json()
    assert listed["next"] is None
    [one] = listed["items"]
    assert one == (await machine.get(f"{API}/{of}")).json()
    assert (one["id"], one["name"], one["quality"], one["status"]) == (
        *(str(of), "Main", "RED"),
        "connected",
    )
    assert one["caps"][1] == {
        "what": "People its account wrote to first, 24 hours",
        "used": 0,
        "limit": 250,
    }
    assert "credentials" not in one
    for method, address in (
        ("PATCH", ""),
        ("PUT", "/paused"),
        ("DELETE", "/paused"),
        ("PUT", "/draining"),
        ("DELETE", "/draining"),
        ("PUT", "/campaigns-rest"),
        ("DELETE", "/campaigns-rest?knowing=yes"),
    ):
        answer = await machine.request(method, f"{API}/{of}{address}", json={})
        assert answer.status_code == 403, address
        other = await house.signed_in("owner", "b")
        answer = await other.request(method, f"{API}/{of}{address}", json={})
        assert answer.status_code == 404, address


async def test_name_and_limits_are_changed_one_by_one(house: House) -> None:
    of = await the_phone(house, daily_limit=50)
    client = await house.signed_in("admin")
    named = await client.patch(f"{API}/{of}", json={"name": "Shop"})
    assert (named.json()["name"], named.json()["daily_limit"]) == ("Shop", 50)
    freed = await client.patch(f"{API}/{of}", json={"daily_limit": None, "hourly_limit": 9})
    assert (freed.json()["daily_limit"], freed.json()["hourly_limit"]) == (None, 9)
    for wrong in (
        {"name": ""},
        {"name": "  "},
        {"daily_limit": 0},
        {"daily_limit": "x"},
        {"nmae": "x"},
    ):
        answer = await client.patch(f"{API}/{of}", json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["error"]["details"]
    assert (await client.get(f"{API}/{of}")).json()["name"] == "Shop"


async def test_the_levers_are_resources(house: House) -> None:
    of = await the_phone(house)
    client = await house.signed_in("admin")
    for method, resource, status in (
        ("PUT", "paused", "paused"),
        ("PUT", "paused", "paused"),
        ("DELETE", "paused", "connected"),
        ("PUT", "draining", "draining"),
        ("DELETE", "draining", "connected"),
    ):
        answer = await client.request(method, f"{API}/{of}/{resource}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        if status == "paused":
            assert answer.json()["status_words"].endswith("is kept. Paused by Admin of A.")
    await the_phone(house, status="banned")
    refused = await client.put(f"{API}/{of}/paused")
    assert refused.status_code == 409
    assert "The phone is banned" in refused.json()["error"]["message"]


async def test_campaigns_rest_and_go_on_knowingly(house: House) -> None:
    of = await the_phone(house)
    client = await house.signed_in("admin")
    address = f"{API}/{of}/campaigns-rest"
    rests = (await client.put(address, json={"days": 3})).json()
    assert rests["campaigns_rest_until"] == (NOW + timedelta(days=3)).isoformat().replace(
        "+00:00", "Z"
    )
    assert (await client.put(address, json={"days": 0})).status_code == 422
    assert (await client.delete(address)).status_code == 422
    assert (await client.delete(f"{address}?knowing=no")).status_code == 400
    lifted = await client.delete(f"{address}?knowing=yes")
    assert (lifted.status_code, lifted.json()["campaigns_rest_until"]) == (200, None)
