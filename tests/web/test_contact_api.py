"""Contacts and lists by API: what changes reaches the automations, and only what changed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from store import resolve
from store.addresses import Address
from store.automations import automations
from store.contacts import contacts
from store.events import events
from store.fields import contact_fields
from store.messages import messages
from store.runs import runs
from tests.web.conftest import NOW, House
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
API = "/api/v1"


async def somebody(house: House, company: int = 0, number: str = "+393312345679") -> int:
    async with house.web.database.write() as tx:
        address = [Address("phone", number)]
        return await resolve.resolve(tx, company or house.company, address, now=NOW)


async def told(house: House) -> list[tuple[str, dict[str, Any]]]:
    rows = await house.rows(sa.select(events.c.kind, events.c.data).order_by(events.c.id))
    return [
        (row.kind, {k: plain(v) for k, v in row.data.items() if k != "type" and v != []})
        for row in rows
    ]


def plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


async def test_tags_lists_fields_and_consent(both_houses: House) -> None:
    house = both_houses
    await house.live()
    client, contact = house.machine(), await somebody(house)
    at = f"{API}/contacts/{contact}"
    tagged = await client.patch(f"{at}/tags", json={"add": ["vip", "new"]})
    assert (tagged.status_code, tagged.json()["tags"]) == (200, ["new", "vip"])
    assert (await client.patch(f"{at}/tags", json={"add": ["vip"]})).json()["tags"] == [
        "new",
        "vip",
    ]
    tags = {"add": ["vip"], "remove": ["new"]}
    assert (await client.patch(f"{at}/tags", json=tags)).json()["tags"] == ["vip"]
    on = (await client.patch(f"{at}/lists", json={"join": ["Spring"]})).json()
    assert on["lists"] == ["Spring"]
    off = (await client.patch(f"{at}/lists", json={"leave": ["SPRING"]})).json()
    assert off["lists"] == []
    filled = {"fields": {"size": 4, "first_name": "Ada", "email": "ada@x.test"}}
    changed = (await client.patch(f"{at}/fields", json=filled)).json()
    assert (changed["first_name"], changed["fields"]) == ("Ada", {"size": 4})
    emptied = (await client.patch(f"{at}/fields", json={"fields": {"size": None}})).json()
    assert emptied["fields"] == {}
    no = (await client.put(f"{at}/consent", json={"consent": "no", "source": "desk"})).json()
    assert (no["consent"], no["consent_source"]) == ("no", "desk")
    again = await client.put(f"{at}/consent", json={"consent": "no", "source": "later"})
    assert again.json()["consent_source"] == "desk"
    assert await told(house) == [
        ("tags_changed", {"added": ["new", "vip"]}),
        ("tags_changed", {"removed": ["new"]}),
        ("lists_changed", {"joined": ["Spring"]}),
        ("lists_changed", {"left": ["Spring"]}),
        ("field_changed", {"name": "size", "new": 4}),
        ("field_changed", {"name": "first_name", "new": "Ada"}),
        ("field_changed", {"name": "email", "new": "ada@x.test"}),
        ("field_changed", {"name": "size", "old": 4}),
        ("consent", {"consent": "no", "source": "api"}),
    ]


async def test_tags_are_trimmed_and_never_blank(house: House) -> None:
    client, contact = house.machine(), await somebody(house)
    at = f"{API}/contacts/{contact}/tags"
    assert (await client.patch(at, json={"add": [" vip ", "vip"]})).json()["tags"] == ["vip"]
    blank = await client.patch(at, json={"add": ["  "]})
    details = [{"pointer": "/add/0", "message": "This is empty."}]
    assert (blank.status_code, blank.json()["error"]["details"]) == (422, details)
    body = {"id": str(contact), "tags": ["new "]}
    assert (await client.post(f"{API}/contacts", json=body)).json()["tags"] == ["new", "vip"]


async def test_a_character_no_database_takes_is_left_out(both_houses: House) -> None:
    client, contact = both_houses.machine(), await somebody(both_houses)
    at = f"{API}/contacts/{contact}"
    joined = await client.patch(f"{at}/lists", json={"join": ["V\0IP"]})
    assert (joined.status_code, joined.json()["lists"]) == (200, ["VIP"])
    made = await client.post(f"{API}/contacts", json={"user_id": "u\0-1"})
    assert made.json()["addresses"] == [{"kind": "user_id", "value": "u-1"}]
    again = await client.post(f"{API}/contacts", json={"user_id": "u-1"})
    assert again.json()["id"] == made.json()["id"]
    assert (await client.get(f"{API}/contacts", params={"search": "\0"})).status_code == 200


async def test_typed_fields_take_what_fits_them(house: House) -> None:
    async with house.web.database.write() as tx:
        for key, kind in (("size", "number"), ("birthday", "date"), ("member", "yes_no")):
            row = {"company_id": house.company, "key": key, "label": key, "kind": kind}
            await tx.execute(sa.insert(contact_fields).values(**row, created_at=NOW))
    client, contact = house.machine(), await somebody(house)
    at = f"{API}/contacts/{contact}/fields"
    typed = {"size": "12,5", "birthday": "31/3/1990", "member": "sì", "other": "12,5"}
    kept = (await client.patch(at, json={"fields": typed})).json()["fields"]
    assert kept == {"size": 12.5, "birthday": "1990-03-31", "member": True, "other": "12,5"}
    wrong = await client.patch(at, json={"fields": {"size": "many", "birthday": "soon"}})
    details = wrong.json()["error"]["details"]
    assert wrong.status_code == 422
    assert [one["pointer"] for one in details] == ["/fields/size", "/fields/birthday"]
    person = {"phone": "+393330001112", "fields": {"member": "perhaps"}}
    refused = await client.post(f"{API}/contacts", json=person)
    assert refused.json()["error"]["details"][0]["pointer"] == "/fields/member"
    assert len(await house.rows(sa.select(contacts.c.id))) == 1  # nobody was made


async def test_making_and_changing_tells_what_changed(house: House) -> None:
    await house.live()
    client = house.machine()
    person = {"phone": "+393330001112", "name": "Ada", "tags": ["vip"], "fields": {"size": 4}}
    made = (await client.post(f"{API}/contacts", json=person | {"consent": "yes"})).json()
    assert (made["name"], made["tags"], made["consent"]) == ("Ada", ["vip"], "yes")
    kinds = [kind for kind, _ in await told(house)]
    assert kinds == ["field_changed", "tags_changed", "consent"]  # a new person's name is no news
    await client.post(f"{API}/contacts", json=person | {"name": "Ada R", "country": "DE"})
    assert (await told(house))[3:] == [
        ("field_changed", {"name": "name", "old": "Ada", "new": "Ada R"})
    ]
    assert (await client.get(f"{API}/contacts/{made['id']}")).json()["country"] == "DE"


async def test_block_hand_over_assign_and_notes(house: House) -> None:
    client, contact = house.machine(), await somebody(house)
    at = f"{API}/contacts/{contact}"
    assert (await client.put(f"{at}/block")).json()["blocked"]
    assert not (await client.delete(f"{at}/block")).json()["blocked"]
    assert (await client.put(f"{at}/hand-over")).json()["handed_over"]
    assert not (await client.delete(f"{at}/hand-over")).json()["handed_over"]
    given = await client.put(f"{at}/assigned", json={"to": "Agent@a.test"})
    assert given.json()["assigned_to"] == "agent@a.test"
    for stranger in ("owner@b.test", "nobody@a.test"):
        refused = await client.put(f"{at}/assigned", json={"to": stranger})
        assert refused.status_code == 422
    assert (await client.delete(f"{at}/assigned")).json()["assigned_to"] is None
    written = await client.post(f"{at}/notes", json={"text": " Call her. "})
    assert (written.status_code, written.json()["text"]) == (201, "Call her.")
    agent = await house.signed_in("agent")
    mine = await agent.post(f"{at}/notes", json={"text": "Done"})
    assert mine.json()["author"] == "Agent of A"
    listed = (await client.get(f"{at}/notes")).json()
    assert [one["text"] for one in listed["items"]] == ["Done", "Call her."]
    assert (await client.post(f"{at}/notes", json={"text": " "})).status_code == 422
    viewer = await house.signed_in("viewer")
    assert (await viewer.put(f"{at}/hand-over")).status_code == 403


async def test_lists_and_their_members(both_houses: House) -> None:
    house = both_houses
    await house.live()
    client = house.machine()
    made = (await client.post(f"{API}/lists", json={"name": "Spring sale"})).json()
    assert (await client.post(f"{API}/lists", json={"name": "SPRING  SALE"})).status_code == 409
    at = f"{API}/lists/{made['id']}/members"
    known = [await somebody(house, number=f"+39331000000{n}") for n in range(3)]
    body = {"ids": [str(one) for one in known], "phones": ["331 0000000", "+393310000009"]}
    added = await client.post(at, json=body)
    assert added.json() == {"named": 4, "changed": 4, "created": 1}
    assert (await client.post(at, json=body)).json() == {"named": 4, "changed": 0, "created": 0}
    [listed] = (await client.get(f"{API}/lists")).json()["items"]
    assert (listed["name"], listed["contacts"]) == ("Spring sale", 4)
    members = (await client.get(at)).json()["items"]
    assert [one["id"] for one in members][1:] == [str(one) for one in reversed(known)]
    assert members[0]["lists"] == ["Spring sale"]
    gone = await client.delete(f"{at}/{known[0]}")
    assert gone.json() == {"named": 1, "changed": 1, "created": 0}
    assert (await client.delete(f"{at}/{known[0]}")).json()["changed"] == 0
    assert [kind for kind, _ in await told(house)] == ["lists_changed"] * 5
    assert (await client.delete(f"{API}/lists/{made['id']}")).status_code == 204
    assert (await told(house))[5:] == [("lists_changed", {"left": ["Spring sale"]})] * 3
    assert (await client.get(f"{API}/lists/{made['id']}")).status_code == 404


async def test_all_members_are_taken_or_none(house: House) -> None:
    client = house.machine()
    made = (await client.post(f"{API}/lists", json={"name": "Spring"})).json()
    stranger = await somebody(house, house.other_company)
    at = f"{API}/lists/{made['id']}/members"
    mine = await somebody(house, number="+393319999999")
    wrong = await client.post(at, json={"ids": [str(mine), str(stranger)], "phones": ["12", "x"]})
    assert [one["pointer"] for one in wrong.json()["error"]["details"]] == ["/ids/1"]
    wrong = await client.post(at, json={"phones": ["+393310000009", "x"]})
    assert [one["pointer"] for one in wrong.json()["error"]["details"]] == ["/phones/1"]
    assert (await client.get(f"{API}/lists/{made['id']}")).json()["contacts"] == 0
    assert (await house.machine(house.other_key).get(at)).status_code == 404


async def test_a_contact_is_deleted(house: House) -> None:
    run_id, contact = await seed_run(house, await house.live())
    client = house.machine()
    assert (await client.delete(f"{API}/contacts/{contact}")).status_code == 204
    assert (await client.get(f"{API}/contacts/{contact}")).status_code == 404
    assert (await client.delete(f"{API}/contacts/{contact}")).status_code == 404
    [(kind, data)] = await told(house)
    assert (kind, data) == ("stopped", {"reason": "the contact was deleted"})
    [(of,)] = await house.rows(sa.select(events.c.run_id))
    assert of == run_id
    [(state,)] = await house.rows(sa.select(runs.c.state))
    assert "variables" not in state
    [(preview,)] = await house.rows(sa.select(messages.c.preview))
    assert preview == ""


async def test_a_message_of_a_paused_automation_says_that_it_is_held(house: House) -> None:
    run_id, contact = await seed_run(house, await house.live())
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(messages).values(state="queued"))
        await tx.execute(sa.update(automations).values(status="paused"))
    client = house.machine()
    for address in (f"{API}/contacts/{contact}/messages", f"{API}/runs/{run_id}"):
        answer = (await client.get(address)).json()
        [message] = answer.get("items") or answer["messages"]
        assert message["held"] == "held: the automation is paused"
    page = (await (await house.signed_in("agent")).get(f"/contacts/{contact}")).text
    assert "held: the automation is paused" in page


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "tags", {"add": ["x"]}),
        ("PATCH", "lists", {"join": ["x"]}),
        ("PATCH", "fields", {"fields": {"name": "x"}}),
        ("PUT", "consent", {"consent": "no"}),
        ("PUT", "block", None),
        ("PUT", "hand-over", None),
        ("PUT", "assigned", {"to": "owner@b.test"}),
        ("POST", "notes", {"text": "x"}),
        ("GET", "notes", None),
        ("DELETE", "", None),
    ],
)
async def test_other_companies_contacts_do_not_exist(
    house: House, method: str, path: str, body: Any
) -> None:
    contact = await somebody(house)
    client = house.machine(house.other_key)
    address = f"{API}/contacts/{contact}/{path}".rstrip("/")
    answer = await client.request(method, address, json=body)
    assert answer.status_code == 404
