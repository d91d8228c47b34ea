"""The JSON API: keys, starts that never double, wrong input by field, pages of lists."""

import json
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import ApiCalled
from store import api_keys
from store.contacts import contacts
from store.events import events
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
API = "/api/v1"


async def test_keys_open_the_api_and_revoked_ones_do_not(both_houses: House) -> None:
    house = both_houses
    assert (await house.machine().get(f"{API}/automations")).json() == {"items": [], "next": None}
    keyless = await house.client().get(f"{API}/automations")
    assert "Authorization: Bearer tt_" in keyless.json()["error"]["message"]
    for headers in ({}, {"authorization": "Bearer nope"}, {"authorization": "Basic x"}):
        refused = await house.client(**headers).get(f"{API}/automations")
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "unauthorized"
    async with house.web.database.write() as tx:
        [key] = await api_keys.of_company(tx, house.company)
        assert key.last_used_at == house.clock()
        await api_keys.revoke(tx, house.company, key.id, house.clock())
    assert (await house.machine().get(f"{API}/automations")).status_code == 401


async def test_people_use_the_api_with_their_session_and_token(house: House) -> None:
    editor = await house.signed_in("editor")
    assert (await editor.post(f"{API}/automations", json=cart_flow())).status_code == 201
    token = editor.headers.pop("x-csrf-token")
    forged = await editor.post(f"{API}/automations", json=cart_flow())
    assert forged.status_code == 403
    assert forged.json()["error"]["code"] == "forbidden"
    assert token
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(f"{API}/automations")).status_code == 200
    assert (await viewer.post(f"{API}/automations", json=cart_flow())).status_code == 403
    assert (await viewer.get(f"{API}/contacts")).status_code == 403


async def test_an_automation_from_import_to_pause(both_houses: House) -> None:
    client = both_houses.machine()
    made = (await client.post(f"{API}/automations", json=cart_flow())).json()
    assert made["status"] == "draft"
    assert made["id"].isdigit()
    assert made["problems"] == []
    address = f"{API}/automations/{made['id']}"
    live = (await client.put(f"{address}/published")).json()
    assert (live["status"], live["revision"], live["draft_has_changes"]) == ("live", 1, False)
    changed = (await client.put(f"{address}/draft", json=cart_flow("Renamed"))).json()
    assert (changed["name"], changed["draft_has_changes"]) == ("Renamed", True)
    assert (await client.put(f"{address}/paused")).json()["status"] == "paused"
    assert (await client.delete(f"{address}/paused")).json()["status"] == "live"
    assert (await client.get(address)).json()["draft"]["name"] == "Renamed"
    [listed] = (await client.get(f"{API}/automations", params={"status": "live"})).json()["items"]
    assert listed["id"] == made["id"]
    assert (await client.get(f"{API}/automations", params={"status": "odd"})).status_code == 400


async def test_documents_that_cannot_be_used_name_every_problem(house: House) -> None:
    client = house.machine()
    wrong = cart_flow()
    wrong["steps"]["remind"]["templte"] = "x"
    wrong["steps"]["reply"]["up_to"] = 3
    refused = await client.post(f"{API}/automations", json=wrong)
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert error["code"] == "invalid_document"
    assert {one["pointer"] for one in error["details"]} == {
        "/steps/remind/templte",
        "/steps/reply/up_to",
    }
    made = (await client.post(f"{API}/automations", json=cart_flow(start="nowhere"))).json()
    assert [one["severity"] for one in made["problems"]].count("error") >= 1
    unpublished = await client.put(f"{API}/automations/{made['id']}/published")
    assert unpublished.status_code == 422
    assert unpublished.json()["error"]["details"][0]["pointer"] == "/start"
    paused = await client.put(f"{API}/automations/{made['id']}/paused")
    assert paused.status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff", 400), (b"[" * 5000, 400), (b"1", 400)],
)
@pytest.mark.parametrize("path", ["/automations", "/contacts", "/automations/{}/runs"])
async def test_bodies_that_are_no_json_object(
    house: House, path: str, body: bytes, status: int
) -> None:
    made = await house.live()
    answer = await house.machine().post(
        f"{API}{path}".format(made), content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (status, 422)
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["message"]


async def test_a_thousand_contacts_are_started_in_one_call(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    people = [{"phone": f"+3933300{place:05}"} for place in range(1000)]
    answer = await house.machine().post(
        f"{API}/automations/{made}/runs", json={"contacts": people, "data": {"code": "X"}}
    )
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1000
    rows = await house.rows(sa.select(events.c.data, events.c.source_id))
    assert len(rows) == 1000
    assert msgspec.convert(rows[0].data, ApiCalled) == ApiCalled(made, {"code": "X"})
    too_many = await house.machine().post(
        f"{API}/automations/{made}/runs", json={"contacts": [*people, people[0]]}
    )
    assert too_many.status_code == 422


async def test_an_idempotency_key_starts_nobody_twice(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    client = house.machine()
    body = {"contacts": [{"phone": "+393331234567", "name": "Ada"}, {"wa_id": "393337654321"}]}
    address = f"{API}/automations/{made}/runs"
    keyed = {"Idempotency-Key": "order-1"}
    first = await client.post(address, json=body, headers=keyed)
    again = await client.post(address, json=body, headers=keyed)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert again.headers["idempotent-replay"] == "true"
    other = await client.post(
        address, json={"contacts": [{"wa_id": "393337654321"}]}, headers=keyed
    )
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_mismatch"
    rows = await house.rows(sa.select(events.c.source_id).order_by(events.c.id))
    assert [row.source_id for row in rows] == ["api:order-1:0", "api:order-1:1"]
    elsewhere = await house.live(company=house.other_company)
    theirs = await house.machine(house.other_key).post(
        f"{API}/automations/{elsewhere}/runs", json=body, headers=keyed
    )
    assert theirs.status_code == 202


async def test_a_refused_start_does_not_use_its_key_up(house: House) -> None:
    draft = await house.automation(cart_flow())
    client = house.machine()
    keyed = {"Idempotency-Key": "k"}
    body = {"contacts": [{"phone": "+393331234567"}]}
    address = f"{API}/automations/{draft}/runs"
    refused = await client.post(address, json=body, headers=keyed)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_live")
    await client.put(f"{API}/automations/{draft}/published")
    assert (await client.post(address, json=body, headers=keyed)).status_code == 202


async def test_a_paused_automation_says_how_to_go_on(house: House) -> None:
    made = await house.live()
    client = house.machine()
    await client.put(f"{API}/automations/{made}/paused")
    body = {"contacts": [{"phone": "+393331234567"}]}
    refused = (await client.post(f"{API}/automations/{made}/runs", json=body)).json()["error"]
    assert refused["code"] == "not_live"
    assert refused["message"] == "This automation is paused; resume it first."


async def test_an_idempotency_key_that_is_too_long_is_named(house: House) -> None:
    made = await house.live()
    answer = await house.machine().post(
        f"{API}/automations/{made}/runs",
        json={"contacts": [{"phone": "+393331234567"}]},
        headers={"Idempotency-Key": "k" * 201},
    )
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["message"]
    assert "200" in answer.json()["error"]["message"]


async def test_starting_needs_an_api_trigger(house: House) -> None:
    document = cart_flow()
    del document["triggers"]["api"]
    made = await house.live(document)
    answer = await house.machine().post(
        f"{API}/automations/{made}/runs", json={"contacts": [{"phone": "+393331234567"}]}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_api_trigger")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/contacts"}),
        ({"contacts": []}, {"/contacts"}),
        ({"contacts": [{}]}, {"/contacts/0"}),
        ({"contacts": [{"email": "a@b.c"}]}, {"/contacts/0"}),
        ({"contacts": [{"phone": "x"}, {"id": "7"}]}, {"/contacts/0/phone", "/contacts/1/id"}),
        (
            {"contacts": [{"phone": 3, "nme": "x"}], "dta": 1},
            {"/contacts/0/phone", "/contacts/0/nme", "/dta"},
        ),
        ({"contacts": [{"id": "99999999999999999999"}]}, {"/contacts/0/id"}),
        ({"contacts": [{"id": "9999999999999999999"}]}, {"/contacts/0/id"}),
        (
            {"contacts": [{"phone": "+39333", "tags": ["", 3]}]},
            {"/contacts/0/tags/0", "/contacts/0/tags/1"},
        ),
    ],
)
async def test_wrong_starts_name_every_field(
    house: House, body: dict[str, Any], pointers: set[str]
) -> None:
    made = await house.live()
    answer = await house.machine().post(f"{API}/automations/{made}/runs", json=body)
    assert answer.status_code == 422
    assert {one["pointer"] for one in answer.json()["error"]["details"]} == pointers
    assert not await house.rows(sa.select(contacts.c.id))


async def test_contacts_are_made_changed_found_and_read(both_houses: House) -> None:
    house = both_houses
    client = house.machine()
    body = {
        "phone": "333 123 4567",
        "name": "Ada",
        "email": "ada@example.com",
        "fields": {"size": "M"},
        "tags": ["vip"],
        "consent": "yes",
        "consent_source": "checkout",
    }
    made = (await client.post(f"{API}/contacts", json=body)).json()
    assert made["addresses"][0] == {"kind": "phone", "value": "+393331234567"}
    assert (made["consent"], made["consent_source"]) == ("yes", "checkout")
    assert made["fields"] == {"size": "M"}
    again = (
        await client.post(f"{API}/contacts", json={"wa_id": "393331234567", "name": "Ada L."})
    ).json()
    assert (again["id"], again["name"], again["tags"]) == (made["id"], "Ada L.", ["vip"])
    by_id = (await client.post(f"{API}/contacts", json={"id": made["id"], "tags": ["new"]})).json()
    assert by_id["tags"] == ["new", "vip"]
    assert (await client.get(f"{API}/contacts/{made['id']}")).json()["tags"] == ["new", "vip"]
    [found] = (await client.get(f"{API}/contacts", params={"search": "ada"})).json()["items"]
    assert found["id"] == made["id"]
    nobody = await client.post(f"{API}/contacts", json={"name": "x"})
    assert nobody.status_code == 422


async def test_lists_are_paged_by_cursor(house: House) -> None:
    client = house.machine()
    made = await house.live()
    people = [{"phone": f"+3933300{place:05}"} for place in range(250)]
    await client.post(f"{API}/automations/{made}/runs", json={"contacts": people})
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = (await client.get(f"{API}/contacts", params={"after": after})).json()
        seen += [one["id"] for one in answer["items"]]
        after = answer["next"]
    assert len(seen) == len(set(seen)) == 250
    for cursor in ("x", "-1", "9" * 30):
        refused = await client.get(f"{API}/contacts", params={"after": cursor})
        assert refused.status_code == 400, cursor
    for name in ("automation", "contact"):
        refused = await client.get(f"{API}/runs", params={name: "x"})
        assert refused.json()["error"]["details"][0]["pointer"] == f"/{name}"


async def test_runs_and_messages_are_read(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    run_id, contact_id = await seed_run(house, made)
    client = house.machine()
    [short] = (await client.get(f"{API}/runs", params={"automation": str(made)})).json()["items"]
    assert (short["id"], short["status"], short["step"]) == (str(run_id), "waiting", "reply")
    full = (await client.get(f"{API}/runs/{run_id}")).json()
    assert [line["did"] for line in full["trace"]] == ["waits", "left", "waits"]
    [message] = full["messages"]
    assert (message["state"], message["contact_id"]) == ("delivered", str(contact_id))
    listed = (await client.get(f"{API}/contacts/{contact_id}/messages")).json()["items"]
    assert listed == [message]


async def test_another_companys_things_are_not_there(both_houses: House) -> None:
    house = both_houses
    made = await house.live(company=house.other_company)
    run_id, contact_id = await seed_run(house, made, company=house.other_company)
    client = house.machine()
    start = {"contacts": [{"phone": "+393331234567"}]}
    for method, path, body in (
        ("GET", f"/automations/{made}", None),
        ("PUT", f"/automations/{made}/draft", cart_flow()),
        ("PUT", f"/automations/{made}/published", None),
        ("PUT", f"/automations/{made}/paused", None),
        ("DELETE", f"/automations/{made}/paused", None),
        ("POST", f"/automations/{made}/runs", start),
        ("GET", f"/runs/{run_id}", None),
        ("GET", f"/contacts/{contact_id}", None),
        ("GET", f"/contacts/{contact_id}/messages", None),
        ("GET", "/automations/99999999999999999999", None),
        ("GET", "/nowhere", None),
    ):
        answer = await client.request(method, API + path, json=body)
        assert answer.status_code == 404, path
        assert answer.json()["error"]["code"] == "not_found"
    mine = await house.live()
    borrowed = await client.post(
        f"{API}/automations/{mine}/runs", json={"contacts": [{"id": str(contact_id)}]}
    )
    assert borrowed.status_code == 422
    for path in ("/runs", "/contacts"):
        assert (await client.get(API + path)).json()["items"] == []
    filtered = await client.get(f"{API}/runs", params={"automation": str(made)})
    assert filtered.json()["items"] == []


async def test_too_many_calls_are_slowed_down(house: House) -> None:
    import dataclasses

    from web.app import create_app

    house.app = create_app(dataclasses.replace(house.web, api_calls_per_minute=3))
    client = house.machine()
    for _ in range(3):
        assert (await client.get(f"{API}/runs")).status_code == 200
    slowed = await client.get(f"{API}/runs")
    assert slowed.status_code == 429
    assert slowed.json()["error"]["code"] == "too_many_requests"
    assert 0 < int(slowed.headers["retry-after"]) <= 61
    house.clock.pass_by(minutes=1, seconds=1)
    assert (await client.get(f"{API}/runs")).status_code == 200


async def test_other_content_and_methods_are_refused_in_the_one_shape(house: House) -> None:
    client = house.machine()
    form = await client.post(f"{API}/contacts", data={"phone": "+393331234567"})
    assert (form.status_code, form.json()["error"]["code"]) == (415, "unsupported_media_type")
    gone = await client.delete(f"{API}/contacts")
    assert (gone.status_code, gone.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "DELETE; it takes GET, OPTIONS, POST." in gone.json()["error"]["message"]
    named = await client.get(f"{API}/costs?from=x")
    assert (named.status_code, named.json()["error"]["code"]) == (400, "bad_request")
    assert "“from” is not right" in named.json()["error"]["message"]
    assert set(gone.headers["allow"].split(", ")) >= {"GET", "POST"}
    large = await client.post(
        f"{API}/contacts",
        content=b'{"name":"' + b"x" * 1_100_000 + b'"}',
        headers={"content-type": "application/json"},
    )
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    assert large.json()["error"]["message"] == "The content sent is larger than this address takes."


async def test_the_description_is_valid_and_readable(house: House) -> None:
    client = house.client()
    answer = await client.get(f"{API}/openapi.json")
    assert answer.status_code == 200
    told = json.loads(answer.text)
    assert told["openapi"].startswith("3.1")
    assert f"{API}/automations/{{automation_id}}/runs" in told["paths"]
    assert all(path.startswith(API) for path in told["paths"])
    names: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                names.add(value["$ref"].rsplit("/", 1)[1])
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(told["paths"])
    walk(told["components"]["schemas"])
    assert names <= set(told["components"]["schemas"])
    operations = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))
    for path in told["paths"].values():
        for one in path.values():
            assert one["summary"], one
            assert one.get("description"), one["summary"]
    page = await client.get(f"{API}/docs")
    assert page.status_code == 200
    assert "Start contacts" in page.text
    assert "Idempotency-Key" in page.text
