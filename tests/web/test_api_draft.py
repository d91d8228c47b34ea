"""Changes of a draft by API."""

from typing import get_args

import pytest

from flows.editing import Change
from tests.web.conftest import House, cart_flow

pytestmark = pytest.mark.anyio
API = "/api/v1/automations"


async def test_a_program_changes_a_draft(both_houses: House) -> None:
    house = both_houses
    made = await house.automation(cart_flow())
    client = house.machine()
    body = {
        "changes": [
            {"do": "add", "kind": "delay", "onto": {"step": "thank", "exit": "sent"}},
            {"do": "edit", "place": "/steps/delay/duration", "value": "2d"},
        ],
        "version": 0,
        "key": "once",
    }
    answer = await client.post(f"{API}/{made}/draft/changes", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "version": 1,
        "seq": 1,
        "label": "Add Delay and 1 more change",
        "made": ["delay"],
        "overwrote": "",
        "problems": [],
    }
    again = await client.post(f"{API}/{made}/draft/changes", json=body)
    assert again.json() == answer.json()
    steps = (await client.get(f"{API}/{made}")).json()["draft"]["steps"]
    assert steps["delay"]["duration"] == "2d"


async def test_what_a_program_may_not(house: House) -> None:
    made = await house.automation(cart_flow())
    client = house.machine()
    address = f"{API}/{made}/draft/changes"
    gone = {"do": "connect", "step": "thank", "exit": "sent", "to": "was"}
    answer = await client.post(address, json={"changes": [gone]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    wrong = {"do": "edit", "place": "/steps/reply/up_to", "value": "soon"}
    answer = await client.post(address, json={"changes": [wrong]})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["pointer"] == "/steps/reply/up_to"
    for body, pointer in (
        ({}, "/changes"),
        ({"changes": []}, "/changes"),
        ({"changes": [{"do": "explode"}]}, "/changes/0/do"),
        ({"changes": [{"do": "delete", "steps": "thank"}]}, "/changes/0/steps"),
        ({"changes": [{"do": "tidy"}], "odd": 1}, "/odd"),
    ):
        answer = await client.post(address, json=body)
        assert answer.status_code == 422, body
        assert answer.json()["error"]["details"][0]["pointer"] == pointer
    other = house.machine(house.other_key)
    answer = await other.post(address, json={"changes": [{"do": "tidy"}]})
    assert answer.status_code == 404


async def test_it_is_documented(house: House) -> None:
    page = await house.client().get("/api/v1/docs")
    assert "Change parts of the draft" in page.text
    for kind in get_args(Change):
        assert str(kind.__struct_config__.tag) in page.text
