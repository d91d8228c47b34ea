"""Alerts by API."""

import pytest

from store import alerts
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
AT = "/api/v1/alerts"


async def raise_one(house: House, kind: str, company: int, phone: int | None = None) -> int:
    async with house.web.database.write() as tx:
        made = await alerts.raise_once(tx, company, "warning", kind, "Look.", NOW, phone_id=phone)
    assert made is not None
    return made


async def test_alerts_are_listed_resolved_and_snoozed(both_houses: House) -> None:
    house, machine = both_houses, both_houses.machine()
    one = await raise_one(house, "phone_banned", house.company, 1)
    two = await raise_one(house, "queue_old", house.company)
    theirs = await raise_one(house, "queue_old", house.other_company)
    listed = (await machine.get(AT)).json()["items"]
    assert [item["id"] for item in listed] == [str(two), str(one)]
    assert listed[1] == {
        "id": str(one),
        "severity": "warning",
        "kind": "phone_banned",
        "title": "Banned",
        "details": "Look.",
        "phone_id": "1",
        "action": "http://tiptoe.test/phones/1",
        "created_at": "2026-03-02T10:00:00Z",
        "resolved_at": None,
        "snoozed_until": None,
    }
    for _ in range(2):
        done = await machine.put(f"{AT}/{one}/resolved")
        assert done.json()["resolved_at"] == "2026-03-02T10:00:00Z"
    later = {"until": "2026-03-03T10:00:00+01:00"}
    snoozed = await machine.put(f"{AT}/{two}/snoozed", json=later)
    assert snoozed.json()["snoozed_until"] == "2026-03-03T09:00:00Z"
    assert [item["id"] for item in (await machine.get(AT)).json()["items"]] == [str(two)]
    everything = (await machine.get(AT, params={"status": "all"})).json()["items"]
    assert len(everything) == 2
    for path in ("resolved", "snoozed"):
        assert (await machine.put(f"{AT}/{theirs}/{path}", json=later)).status_code == 404


@pytest.mark.parametrize("until", ["2026-03-02T10:00:00Z", "2026-03-09T10:00:00"])
async def test_a_snooze_is_until_a_moment_to_come(house: House, until: str) -> None:
    one = await raise_one(house, "queue_old", house.company)
    answer = await house.machine().put(f"{AT}/{one}/snoozed", json={"until": until})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["pointer"] == "/until"
