"""Auto-replies by API: the company's, the house's, and a try."""

from typing import Any

import pytest
import sqlalchemy as sa

from store import house as houses
from store.automations import automations
from tests.web.conftest import House
from web.security import operator

pytestmark = pytest.mark.anyio
AT = "/api/v1/auto-replies"
HOUSE_AT = "/api/v1/house/auto-replies"
KEY = {"x-admin-key": "the-operators-own-key"}
RULE = {"match": "contains", "words": ["hours"], "text": "We open at 9."}


async def test_a_rule_from_making_to_deleting(both_houses: House) -> None:
    house, machine = both_houses, both_houses.machine()
    made = await machine.post(AT, json=RULE)
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["enabled"], one["words"]) == (True, ["hours"])
    assert (await machine.get(AT)).json()["items"] == [one]
    tried = (await machine.post(AT + "/try", json={"text": "Your hours?"})).json()
    assert (tried["auto_reply"], tried["of_house"]) == (one["id"], False)
    assert tried["why"]
    changed = await machine.put(f"{AT}/{one['id']}", json=RULE | {"enabled": False})
    assert (changed.status_code, changed.json()["enabled"]) == (200, False)
    tried = (await machine.post(AT + "/try", json={"text": "hours"})).json()
    assert (tried["auto_reply"], tried["automation_id"]) == (None, None)
    other = house.machine(house.other_key)
    assert (await other.put(f"{AT}/{one['id']}", json=RULE)).status_code == 404
    await other.delete(f"{AT}/{one['id']}")
    assert len((await machine.get(AT)).json()["items"]) == 1
    for _ in range(2):
        assert (await machine.delete(f"{AT}/{one['id']}")).status_code == 204
    assert (await machine.get(AT)).json()["items"] == []
    assert (await machine.get("/api/v1/automations")).json()["items"] == []


async def test_rules_of_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "PAUSE_S", 0)
    async with house.web.database.write() as tx:
        await houses.set_admin_key(tx, KEY["x-admin-key"])
    assert (await house.machine().post(HOUSE_AT, json=RULE)).status_code == 401
    boss = house.client(**KEY)
    made = (await boss.post(HOUSE_AT, json=RULE)).json()
    tried = (await house.machine().post(AT + "/try", json={"text": "hours"})).json()
    assert (tried["auto_reply"], tried["of_house"]) == (made["id"], True)
    assert (await boss.get(HOUSE_AT)).json()["items"] == [made]
    assert (await house.machine().get(AT)).json()["items"] == []
    await boss.put(f"{HOUSE_AT}/{made['id']}", json=RULE | {"text": "At 10."})
    drafts = await house.rows(sa.select(automations.c.draft))
    assert {one.draft["steps"]["say"]["text"] for one in drafts} == {"At 10."}
    assert len(drafts) == 2
    await boss.delete(f"{HOUSE_AT}/{made['id']}")
    tried = (await house.machine().post(AT + "/try", json={"text": "hours"})).json()
    assert tried["auto_reply"] is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"match": "regex", "words": ["ok", "("]}, "/words/1"),
        ({"match": "like"}, "/match"),
        ({"words": []}, "/words"),
        ({"words": [" "]}, "/words/0"),
        ({"text": " "}, "/text"),
        ({"text": "{{ contact.first_name"}, "/text"),
        ({"what": 1}, "/what"),
    ],
)
async def test_a_rule_that_is_not_right(house: House, change: dict[str, Any], pointer: str) -> None:
    answer = await house.machine().post(AT, json=RULE | change)
    assert answer.status_code == 422, answer.text
    assert pointer in [one["pointer"] for one in answer.json()["error"]["details"]]
    assert (await house.machine().get(AT)).json()["items"] == []
    assert await house.rows(sa.select(automations)) == []
