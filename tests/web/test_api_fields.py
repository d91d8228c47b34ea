"""Fields and the webhook secret by API."""

from __future__ import annotations

import pytest

from tests.web.conftest import House, cart_flow

pytestmark = pytest.mark.anyio
FIELDS = "/api/v1/fields"
SECRET = "/api/v1/company/webhook-secret"


async def test_a_field_from_definition_to_deletion(both_houses: House) -> None:
    client = both_houses.machine()
    made = await client.post(
        FIELDS, json={"label": "T-shirt size", "kind": "choice", "options": ["S", "M"]}
    )
    assert made.status_code == 201
    assert made.json() == {
        "key": "t_shirt_size",
        "label": "T-shirt size",
        "kind": "choice",
        "options": ["S", "M"],
        "created_at": made.json()["created_at"],
    }
    assert (await client.get(FIELDS)).json() == {"items": [made.json()], "next": None}
    address = f"{FIELDS}/t_shirt_size"
    changed = await client.patch(address, json={"label": "Taglia", "options": ["S", "M", "L"]})
    assert changed.json() == made.json() | {"label": "Taglia", "options": ["S", "M", "L"]}
    assert (await client.patch(address, json={})).json() == changed.json()
    assert (await client.delete(address)).status_code == 204
    assert (await client.delete(address)).status_code == 404
    assert (await client.patch(address, json={"label": "X"})).status_code == 404


async def test_what_is_wrong_is_told(house: House) -> None:
    client = house.machine()
    await client.post(FIELDS, json={"label": "Size"})
    for body, status, said in (
        ({"label": "Size", "key": "x"}, 422, "Another field is called “Size” already."),
        ({"label": "X", "key": "size"}, 422, "There is a field “size” already."),
        ({"label": "👍"}, 422, "give one"),
        ({"label": "X", "kind": "colour"}, 422, "not right"),
        ({"label": "X", "kind": "choice"}, 422, "options"),
        ({"label": "X", "key": "2x"}, 422, "not right"),
        ({}, 422, "not right"),
    ):
        refused = await client.post(FIELDS, json=body)
        assert refused.status_code == status, body
        assert said in refused.json()["error"]["message"]
    unchanged = await client.patch(f"{FIELDS}/size", json={"key": "other"})
    assert unchanged.status_code == 422


async def test_a_field_that_is_used_is_kept(house: House) -> None:
    client = house.machine()
    await client.post(FIELDS, json={"label": "Size"})
    document = cart_flow()
    document["steps"]["thank"]["text"] = "Size {{ contact.fields.size }}"
    made = await house.live(document)
    refused = await client.delete(f"{FIELDS}/size")
    assert refused.status_code == 409
    [detail] = refused.json()["error"]["details"]
    assert detail["pointer"] == f"/automations/{made}"
    assert "Abandoned cart" in detail["message"]


async def test_fields_are_each_company_s_own_and_not_for_everybody(house: House) -> None:
    await house.machine().post(FIELDS, json={"label": "Size"})
    other = house.machine(house.other_key)
    assert (await other.get(FIELDS)).json()["items"] == []
    assert (await other.delete(f"{FIELDS}/size")).status_code == 404
    viewer, agent = await house.signed_in("viewer"), await house.signed_in("agent")
    assert (await viewer.get(FIELDS)).status_code == 403
    assert (await agent.get(FIELDS)).status_code == 200
    assert (await agent.post(FIELDS, json={"label": "X"})).status_code == 403


async def test_the_webhook_secret_is_for_admins(both_houses: House) -> None:
    house = both_houses
    for client in (house.machine(), await house.signed_in("editor")):
        assert (await client.get(SECRET)).status_code == 403
        assert (await client.post(SECRET)).status_code == 403
    admin = await house.signed_in("admin")
    first = (await admin.get(SECRET)).json()["secret"]
    assert first.startswith("whsec_")
    assert (await admin.get(SECRET)).json()["secret"] == first
    fresh = (await admin.post(SECRET)).json()["secret"]
    assert fresh != first
    assert (await admin.get(SECRET)).json()["secret"] == fresh
    other = await house.signed_in("owner", "b")
    assert (await other.get(SECRET)).json()["secret"] not in (first, fresh)


async def test_a_document_is_checked_against_what_the_company_has(house: House) -> None:
    client = house.machine()
    document = cart_flow()
    document["steps"]["thank"] = {
        "type": "set_field",
        "field": "siez",
        "value": "M",
        "next": {"done": "list"},
    }
    document["steps"]["list"] = {"type": "list", "add": ["VIP"], "next": {"done": "assign"}}
    document["steps"]["assign"] = {
        "type": "assign",
        "to": "nobody@a.test",
        "next": {"done": "end"},
    }

    async def told() -> dict[str, str]:
        made = (await client.post("/api/v1/automations", json=document)).json()
        return {one["step"]: f"{one['severity']}: {one['message']}" for one in made["problems"]}

    assert await told() == {
        "list": "hint: There is no list “VIP” yet; it is made when it is first used.",
        "assign": "error: Nobody here has the e-mail address nobody@a.test.",
    }
    await client.post(FIELDS, json={"label": "Size"})
    await client.post("/api/v1/lists", json={"name": "vip"})
    document["steps"]["assign"]["to"] = "Agent@a.test"
    assert await told() == {"thank": "hint: The field “siez” is not defined; it can hold anything."}
