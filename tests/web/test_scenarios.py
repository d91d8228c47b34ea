"""Saved tests by API and on pages: kept, run, asked before publishing, made of past runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from engine.retention import Retention
from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Replied, Verdict
from store import events, resolve
from store.addresses import Address
from store.doorbell import Doorbell
from store.runs import runs
from tests.web.conftest import NOW, House, cart_flow

pytestmark = pytest.mark.anyio
TEST: dict[str, Any] = {
    "name": "Says yes",
    "first": {"type": "api", "automation_id": 1, "data": {"order": "1001"}},
    "script": [{"on_message": 1, "after": "5m", "say": "Hello"}],
    "expect": {"exits": ["remind.sent", "reply.other"], "messages": ["Ada", "Thank"]},
}


async def told(house: House, contact: int, event: Any, run: int | None = None) -> None:
    row: dict[str, Any] = {
        "company_id": house.company,
        "contact_id": contact,
        "kind": str(event.__struct_config__.tag),
        "data": event,
        "run_id": run,
        "at": house.clock(),
        "created_at": house.clock(),
    }
    async with house.web.database.write() as tx:
        await events.insert_many(tx, [row])
    await Runner(house.web.database, house.clock, Doorbell(None)).drain()


async def lived(house: House, automation: int) -> int:
    """The id of a run that got a reminder and answered it."""
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(
            tx, house.company, [Address("phone", "+393312345678")], now=NOW, first_name="Ada"
        )
    await told(house, contact, ApiCalled(automation))
    [row] = await house.rows(sa.select(runs.c.id, runs.c.seq))
    await told(house, contact, Verdict(row.seq, "sent"), row.id)
    house.clock.pass_by(minutes=5)
    await told(house, contact, Replied("Hello", Text("Hello")))
    return int(row.id)


async def test_a_test_is_kept_changed_run_and_deleted_by_api(both_houses: House) -> None:
    house, automation = both_houses, await both_houses.live()
    client = house.machine()
    base = f"/api/v1/automations/{automation}/scenarios"
    made = await client.post(base, json=TEST)
    assert made.status_code == 201, made.text
    address = f"/api/v1/scenarios/{made.json()['id']}"
    assert (await client.post(base, json=TEST)).json()["error"]["message"].startswith("There is a")
    assert [one["name"] for one in (await client.get(base)).json()] == ["Says yes"]
    [result] = (await client.post(f"{base}/results")).json()
    assert result["passed"], result
    assert (await client.get(address)).json()["scenario"]["expect"] == TEST["expect"]
    other = TEST | {"name": "Is silent", "script": []}
    assert (await client.put(address, json=other)).json()["name"] == "Is silent"
    alone = (await client.post(f"{address}/result?revision=1")).json()
    assert alone["differences"] == [
        "“Did they answer?” went to “No reply”, expected “Any other reply”",
        "message 2 did not come, expected “Thank”",
    ]
    assert any("message (remind)" in line for line in alone["lines"])
    assert (await client.post(f"{address}/result?revision=9")).status_code == 404
    stranger = house.machine(house.other_key)
    for call in (stranger.get(address), stranger.get(base), stranger.delete(address)):
        assert (await call).status_code == 404
    assert (await client.delete(address)).status_code == 204
    assert (await client.get(base)).json() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expect": {}}, "at least one thing"),
        ({"first": {"type": "timer_due", "seq": 1}}, "nothing begins by it"),
        ({"script": [{"after": "5m"}]}, "nothing happens here"),
        ({"script": [{"after": "soon", "say": "x"}]}, "not a length of time"),
        ({"script": [{"contact": {"shoe": 1}}]}, "no “shoe”"),
        ({"start": "2026-03-02T10:00:00"}, "offset"),
        ({"contact": {"zone": "Mars"}}, "no time zone"),
        ({"expect": {"exits": ["reply"]}}, "no “step.exit”"),
        ({"surprise": 1}, "surprise"),
        ({"lasts": "long"}, "lasts"),
    ],
)
async def test_what_is_wrong_with_a_test_is_said(
    house: House, change: dict[str, Any], words: str
) -> None:
    automation = await house.automation(cart_flow())
    client = house.machine()
    answer = await client.post(f"/api/v1/automations/{automation}/scenarios", json=TEST | change)
    assert answer.status_code == 422, answer.text
    assert words in answer.text


async def test_failing_tests_keep_a_draft_from_going_live_unless_anyway(house: House) -> None:
    automation = await house.automation(cart_flow())
    machine = house.machine()
    base = f"/api/v1/automations/{automation}"
    wrong = TEST | {"expect": {"exits": ["remind.sent", "reply.no_reply"]}}
    await machine.post(f"{base}/scenarios", json=wrong)
    refused = await machine.put(f"{base}/published")
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "tests_failed"
    assert "expected “No reply”" in refused.json()["error"]["details"][0]["message"]
    client = await house.signed_in("editor")
    page = await client.get(f"/automations/{automation}/publish")
    assert "1 of 1 test fails" in page.text
    stays = await client.put(f"/automations/{automation}/published")
    assert stays.status_code == 422
    assert "1 saved test fails, so it was not published." in stays.text
    goes = await client.put(f"/automations/{automation}/published", data={"anyway": "yes"})
    assert "Revision 1 is live." in goes.text
    assert (await machine.put(f"{base}/published", json={"anyway": True})).status_code == 200


async def test_tests_are_made_run_and_deleted_on_pages(house: House) -> None:
    automation = await house.live()
    client = await house.signed_in("editor")
    base = f"/automations/{automation}/tests"
    assert "No tests yet" in (await client.get(base)).text
    assert "Says yes" in (await client.get(f"{base}/new")).text
    bad = await client.post(base, data={"document": '{"name": "x"'})
    assert bad.status_code == 422
    assert "line 1" in bad.text
    made = await client.post(base, data={"document": json.dumps(TEST)})
    assert made.status_code == 303
    shown = await client.get(made.headers["location"])
    assert "The test is saved." in shown.text
    assert "As expected" in shown.text
    again = await client.post(base, data={"document": json.dumps(TEST)})
    assert "There is a test named “Says yes” already" in again.text
    address = made.headers["location"].split("?")[0]
    silent = json.dumps(TEST | {"script": [], "name": "Is silent"})
    changed = await client.post(address, data={"document": silent})
    assert changed.status_code == 303
    assert "What came out differently" in (await client.get(address)).text
    listed = (await client.get(base)).text
    assert "1 of 1 failed" in listed
    assert "went to “No reply”, expected “Any other reply”" in listed
    assert "Failed" in (await client.get(f"{base}?against=live")).text
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(address)).status_code == 200
    assert (await viewer.post(address, data={"document": silent})).status_code == 403
    gone = await client.delete(address)
    assert gone.headers["hx-redirect"] == f"{base}?said=deleted"
    assert "No tests yet" in (await client.get(base)).text


async def test_a_past_run_becomes_a_test_and_its_page_shows_what_it_saw(house: House) -> None:
    document = cart_flow()
    document["steps"]["thank"]["next"] = {"sent": "known"}
    document["steps"]["known"] = {
        "type": "if_else",
        "condition": {"type": "is", "value": "contact.first_name", "to": "Ada"},
        "next": {"yes": "end", "no": "end"},
    }
    automation = await house.live(document)
    run_id = await lived(house, automation)
    [row] = await house.rows(sa.select(runs.c.seq, runs.c.contact_id))
    await told(house, row.contact_id, Verdict(row.seq, "sent"), run_id)
    client = await house.signed_in("editor")
    page = await client.get(f"/runs/{run_id}")
    assert "The same decisions" in page.text
    assert "<dt>contact.first_name</dt><dd>Ada</dd>" in page.text
    read = (await house.machine().get(f"/api/v1/runs/{run_id}")).json()
    assert read["trace"][-2]["saw"] == {"contact.first_name": "Ada"}
    replayed = (await house.machine().get(f"/api/v1/runs/{run_id}/replay")).json()
    assert replayed["same"], replayed
    copied = await client.post(f"/runs/{run_id}/test")
    assert copied.status_code == 303
    shown = await client.get(copied.headers["location"])
    assert "As expected" in shown.text
    assert "+393312345678" not in shown.text
    made = await house.machine().post(f"/api/v1/runs/{run_id}/scenario?name=Again")
    assert made.status_code == 201, made.text
    assert made.json()["scenario"]["expect"]["messages"][1] == "Thank you!"
    results = await house.machine().post(f"/api/v1/automations/{automation}/scenarios/results")
    assert [one["passed"] for one in results.json()] == [True, True]
    other = house.machine(house.other_key)
    assert (await other.post(f"/api/v1/runs/{run_id}/scenario")).status_code == 404
    assert (await other.get(f"/api/v1/runs/{run_id}/replay")).status_code == 404


async def test_a_forgotten_run_says_so_and_is_neither_copied_nor_tried_again(house: House) -> None:
    automation = await house.live()
    run_id = await lived(house, automation)
    async with house.web.database.write() as tx:
        await tx.execute(
            sa.update(runs).values(status="failed", ended_at=house.clock(), reason="broken")
        )
    house.clock.pass_by(days=400)
    done = await Retention(house.web.database, pause_s=0).work(house.clock())
    assert done.traces > 0
    client = await house.signed_in("editor")
    page = await client.get(f"/runs/{run_id}")
    assert "is not kept any more" in page.text
    assert "Make a test of it" not in page.text
    refused = await house.machine().post(f"/api/v1/runs/{run_id}/scenario")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "cannot_copy"
    again = await client.put(f"/runs/{run_id}/retried")
    assert again.status_code == 409
    assert "is not kept any more, so it cannot try again" in again.text
