"""Files out and in: secrets stay here, and what is missing there is asked for."""

import json
from typing import Any

import pytest

from engine.kinds import catalog
from flows.issues import Known
from store import automations, fields, lists
from tests.web.conftest import NOW, House, cart_flow
from web.automations.exported import filled_in, left_out, without_secrets
from web.automations.missing import missing_in, replaced

pytestmark = pytest.mark.anyio


def visiting(**more: Any) -> dict[str, Any]:
    """A document from elsewhere, which names five things that are not here."""
    return {
        "name": "From elsewhere",
        "triggers": {
            "joined": {"type": "list_joined", "list": "Their list"},
            "hook": {"type": "webhook", "phone": "phone", "fields": {"their_field": "city"}},
        },
        "start": "tell",
        "steps": {
            "tell": {
                "type": "send_template",
                "template": "their_template",
                "language": "it",
                "next": {"sent": "list"},
            },
            "list": {"type": "list", "add": ["Their list"], "next": {"done": "field"}},
            "field": {
                "type": "set_field",
                "field": "their_field",
                "value": "x",
                "next": {"done": "give"},
            },
            "give": {"type": "assign", "to": "them@example.com", "next": {"done": "other"}},
            "other": {
                "type": "start_automation",
                "automation": "7",
                "next": {"done": "call"},
            },
            "call": {
                "type": "webhook",
                "name": "Tell the CRM",
                "url": "https://crm.example.com/in",
                "headers": {"Authorization": "", "Content-Type": "application/json"},
                "next": {"ok": "end"},
            },
            "end": {"type": "end"},
        },
        **more,
    }


KEYS = {
    "template": "pick/template/their_template/it",
    "automation": "pick/automation/7/",
    "list": "pick/list/Their list/",
    "field": "pick/field/their_field/",
    "user": "pick/user/them@example.com/",
}
AUTHORIZATION = "secret//steps/call/headers/Authorization"


async def furnish(house: House) -> None:
    async with house.web.database.write() as tx:
        await lists.create(tx, house.company, "Our list", NOW)
        await fields.define(tx, house.company, "our_field", "Our field", "text", NOW)


async def test_the_check_lists_what_is_missing_with_a_choice_for_each(house: House) -> None:
    await furnish(house)
    mine = await house.automation(cart_flow("Mine"))
    client = await house.signed_in("editor")
    form = {"document": json.dumps(visiting()), "do": "check"}
    page = (await client.post("/automations/import", data=form)).text
    assert "Not here: 5" in page
    for key in KEYS.values():
        assert f'name="{key}"' in page, key
    assert 'value="cart_reminder/en"' in page
    assert f'<option value="{mine}">Mine</option>' in page
    assert '<option value="Our list">' in page
    assert '<option value="our_field">Our field</option>' in page
    assert '<option value="editor@a.test">' in page
    assert "owner@b.test" not in page
    assert "Header Authorization of “Tell the CRM”" in page


async def test_what_was_picked_stands_in_the_draft(house: House) -> None:
    await furnish(house)
    mine = await house.automation(cart_flow("Mine"))
    client = await house.signed_in("editor")
    form = {
        "document": json.dumps(visiting()),
        "do": "import",
        KEYS["template"]: "cart_reminder/en",
        KEYS["automation"]: str(mine),
        KEYS["list"]: "Our list",
        KEYS["field"]: "our_field",
        KEYS["user"]: "editor@a.test",
        AUTHORIZATION: "Bearer 123",
    }
    answer = await client.post("/automations/import", data=form)
    assert answer.status_code == 303
    made = int(answer.headers["location"].split("?")[0].rsplit("/", 1)[1])
    async with house.web.database.read() as tx:
        draft = (await automations.get(tx, house.company, made)).draft
    steps = draft["steps"]
    assert (steps["tell"]["template"], steps["tell"]["language"]) == ("cart_reminder", "en")
    assert steps["other"]["automation"] == str(mine)
    assert steps["list"]["add"] == ["Our list"]
    assert draft["triggers"]["joined"]["list"] == "Our list"
    assert steps["field"]["field"] == "our_field"
    assert draft["triggers"]["hook"]["fields"] == {"our_field": "city"}
    assert steps["give"]["to"] == "editor@a.test"
    assert steps["call"]["headers"]["Authorization"] == "Bearer 123"


async def test_what_nobody_picked_stays_but_for_numbers_of_automations(house: House) -> None:
    client = await house.signed_in("editor")
    form = {
        "document": json.dumps(visiting()),
        "do": "import",
        KEYS["user"]: "owner@b.test",  # none of the choices
        KEYS["automation"]: "999999",
    }
    answer = await client.post("/automations/import", data=form)
    made = int(answer.headers["location"].split("?")[0].rsplit("/", 1)[1])
    async with house.web.database.read() as tx:
        steps = (await automations.get(tx, house.company, made)).draft["steps"]
    assert steps["give"]["to"] == "them@example.com"
    assert steps["tell"]["template"] == "their_template"
    assert steps["other"]["automation"] == ""


async def test_an_exported_file_holds_no_secrets(house: House) -> None:
    document = visiting()
    document["steps"]["call"] |= {
        "url": "https://ada:pw@crm.example.com/in?token=abc&id={{ contact.id }}",
        "headers": {"X-Api-Key": "abc", "Content-Type": "application/json"},
    }
    made = await house.automation(document)
    client = await house.signed_in("viewer")
    file = await client.get(f"/automations/{made}/export")
    told = json.loads(file.text)
    call = told["steps"]["call"]
    assert call["headers"] == {"X-Api-Key": "", "Content-Type": "application/json"}
    assert "abc" not in file.text
    assert "pw@" not in file.text
    assert call["url"] == "https://crm.example.com/in?token=&id={{ contact.id }}"
    assert told["steps"]["tell"] == document["steps"]["tell"]


def test_a_document_without_secrets_stays_word_for_word() -> None:
    document = cart_flow()
    assert without_secrets(document) == document
    odd: dict[str, Any] = {"steps": {"a": 7, "b": {"type": "webhook", "headers": 3, "url": 4}}}
    assert without_secrets(odd) == odd
    assert left_out(odd) == []
    assert left_out({"steps": []}) == []


def test_values_typed_for_what_was_left_out_are_put_back() -> None:
    document = visiting()
    [one] = left_out(document)
    assert (one.step, one.header, one.key) == ("Tell the CRM", "Authorization", AUTHORIZATION)
    assert filled_in(document, {})["steps"] == document["steps"]
    back = filled_in(document, {one.key: " Bearer 1 "})
    assert back["steps"]["call"]["headers"]["Authorization"] == "Bearer 1"


def test_what_is_known_is_not_missing() -> None:
    flow = catalog().decode(visiting())
    known = Known(
        templates={},
        automations=frozenset(),
        fields=frozenset(("their_field",)),
        lists=frozenset(("THEIR LIST",)),
        users=frozenset(("them@example.com",)),
    )
    found = missing_in(flow, known, {})
    assert [one.what for one in found] == ["template", "automation"]
    assert replaced(visiting(), found, {})["steps"]["tell"] == visiting()["steps"]["tell"]


async def test_a_wrong_form_is_refused_in_words(house: House) -> None:
    client = await house.signed_in("editor")
    for text, said in (
        ("", "This is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"name": "x", "steps": {"a": {"type": "nothing"}}}', "is not a kind of step"),
    ):
        answer = await client.post("/automations/import", data={"document": text, "do": "import"})
        assert answer.status_code == 422
        assert said in answer.text
