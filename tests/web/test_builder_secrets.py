"""What opens doors elsewhere: who may only look at an automation never reads it, wherever."""

import json
from typing import Any

import pytest

from tests.web.conftest import House, cart_flow
from tests.web.editor import draft

pytestmark = pytest.mark.anyio

SECRETS = ("Bearer one", "Bearer two", "of-the-shop", "of-the-address", "ada:pass")
LOOKS = (
    *("", "?view=outline", "?mode=results", "?revision=1", "?compare=1..draft", "/more", "/export"),
    *("/panel/step/call", "/panel/step/odd", "/panel/search?q=Bearer", "/panel/search?q=of-the"),
    *("/panel/search?q=crm.example", "/panel/versions/1/step/call", "/panel/simulate"),
    *("/panel/versions/draft/step/call", "/panel/compare?compare=1..draft", "/panel/history"),
    *("/compare?before=1&after=draft", "/panel/problems", "/draft/patches"),
)


def calling(authorization: str) -> dict[str, Any]:
    document = cart_flow()
    document["steps"]["call"] = {
        "type": "webhook",
        "url": "https://ada:pass@crm.example/contacts?token=of-the-address&page=1",
        "headers": {
            "Authorization": authorization,
            "X-Shop": "of-the-shop",
            "Accept": "text/json",
        },
        "next": {"ok": "end", "failed": "end"},
    }
    document["steps"]["thank"]["next"] = {"sent": "call"}
    return document


async def test_who_only_looks_reads_no_secret(house: House) -> None:
    made = await house.live(calling("Bearer one"))
    editor = await house.signed_in("editor")
    changed = calling("Bearer two")
    changed["steps"]["odd"] = {"type": "of_tomorrow", "headers": {"X": "of-tomorrow"}}
    kept = await editor.post(f"/automations/{made}/draft", data={"document": json.dumps(changed)})
    assert kept.status_code == 303
    viewer = await house.signed_in("viewer")
    api = f"/api/v1/automations/{made}"
    for address in [f"/automations/{made}{one}" for one in LOOKS] + [
        *(api, f"{api}/revisions/1", f"{api}/changes")
    ]:
        answer = await viewer.get(address)
        assert answer.status_code in (200, 409), address
        told = [secret for secret in SECRETS if secret in answer.text]
        assert not told, (address, told)
    assert "of-tomorrow" not in (await viewer.get(f"/automations/{made}/panel/step/odd")).text


async def test_who_may_change_a_call_sees_its_address_but_no_veiled_header(house: House) -> None:
    made = await house.automation(calling("Bearer one"))
    editor = await house.signed_in("editor")
    panel = (await editor.get(f"/automations/{made}/panel/step/call")).text
    assert "token=of-the-address" in panel
    assert "Bearer one" not in panel
    assert "text/json" in panel
    page = (await editor.get(f"/automations/{made}")).text
    assert "POST crm.example/contacts?token=&amp;page=1" in page
    document = (await house.machine().get(f"/api/v1/automations/{made}")).json()["draft"]
    assert document == calling("Bearer one")


async def test_others_are_told_that_a_header_was_changed_but_not_to_what(house: House) -> None:
    made = await house.automation(calling("Bearer one"))
    edit = {"do": "edit", "place": "/steps/call/headers/Authorization"}
    answers = []
    for role, value in (("editor", "Bearer two"), ("admin", "Bearer three")):
        client = await house.signed_in(role)
        changes = json.dumps([{**edit, "value": value}])
        form = {"version": "0", "changes": changes}
        answers.append(await client.post(f"/automations/{made}/draft/changes", data=form))
    assert "set this to" in answers[1].text
    assert "Bearer" not in answers[1].text


async def test_a_call_that_is_cut_and_pasted_keeps_its_secrets(house: House) -> None:
    made = await house.automation(calling("Bearer one"))
    client = await house.signed_in("editor")
    base = f"/automations/{made}"
    told = (await client.get(f"{base}/export")).json()["steps"]["call"]
    for change in (
        {"do": "delete", "steps": ["call"]},
        {"do": "tidy"},
        {"do": "paste", "clip": {"steps": {"call": told}}, "at": [0, 0]},
    ):
        form = {"version": "0", "changes": json.dumps([change])}
        assert (await client.post(f"{base}/draft/changes", data=form)).status_code == 200
    pasted = (await draft(house, made))["steps"]["call"]
    was = calling("Bearer one")["steps"]["call"]
    assert (pasted["url"], pasted["headers"]) == (was["url"], was["headers"])
