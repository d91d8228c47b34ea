"""Revisions and levers by API: what they say, what they refuse, and that twice is once."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import Event, MovedTo, Retried, Stopped
from store.contacts import contacts
from store.events import events
from store.runs import runs
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
API = "/api/v1"


def edited(**steps: dict[str, Any] | None) -> dict[str, Any]:
    """The cart flow with other settings of some steps; None takes a step away."""
    document = cart_flow()
    for name, more in steps.items():
        if more is None:
            del document["steps"][name]
        else:
            document["steps"][name] = document["steps"].get(name, {}) | more
    return document


async def told(house: House) -> list[tuple[int | None, Any]]:
    rows = await house.rows(sa.select(events.c.run_id, events.c.data).order_by(events.c.id))
    return [(row.run_id, msgspec.convert(row.data, Event)) for row in rows]


async def test_a_draft_is_compared_and_published_with_a_plan(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    run, _ = await seed_run(house, made)
    client, address = house.machine(), f"{API}/automations/{made}"
    document = edited(reply={"up_to": "2d"}, pause={"type": "delay", "next": {"after": "end"}})
    assert (await client.put(f"{address}/draft", json=document)).status_code == 200
    changes = (await client.get(f"{address}/changes")).json()
    assert (changes["before"], changes["after"]) == ("1", "draft")
    assert [one["sentence"] for one in changes["changes"]] == [
        "“Did they answer?”: up to 1 day → 2 days.",
        "Added “Delay”: 1 hour.",
    ]
    assert changes["summary"] == "1 step added, 1 other change"
    assert changes["changes"][0]["pointer"] == "/steps/reply/up_to"
    waiting = (await client.get(f"{address}/waiting")).json()
    assert waiting == {
        "contacts": 1,
        "steps": [
            {
                "step": "reply",
                "title": "Did they answer?",
                "contacts": 1,
                "revisions": [{"number": 1, "contacts": 1}],
                "draft": "changed",
            }
        ],
    }
    plan = {"reply": {"do": "move", "to": "reply"}}
    body = {"comment": "longer", "plan": plan}
    published = await client.put(f"{address}/published", json=body)
    assert published.status_code == 200, published.text
    answer = published.json()
    assert (answer["revision"], answer["new"], answer["moved"], answer["ended"]) == (2, True, 1, 0)
    [(told_run, move)] = await told(house)
    assert told_run == run
    assert (move.step, move.from_step, move.why) == (
        *("reply", "reply", "revision 2 was published"),
    )
    again = (await client.put(f"{address}/published", json=body)).json()
    assert (again["revision"], again["new"], again["moved"]) == (2, False, 0)
    assert len(await told(house)) == 1


async def test_publishing_refuses_a_plan_or_draft_that_does_not_fit(house: House) -> None:
    made = await house.live()
    client, address = house.machine(), f"{API}/automations/{made}"
    seen = (await client.get(address)).json()["draft_mark"]
    await client.put(f"{address}/draft", json=edited(reply={"up_to": "2d"}))
    changed = await client.put(f"{address}/published", json={"expected": seen})
    assert changed.status_code == 409
    assert changed.json()["error"]["code"] == "draft_changed"
    assert "changed while you were looking" in changed.json()["error"]["message"]
    plan = {"gone": {"do": "leave"}, "reply": {"do": "move", "to": "nowhere"}}
    unfit = await client.put(f"{address}/published", json={"plan": plan})
    assert unfit.status_code == 422
    assert [one["pointer"] for one in unfit.json()["error"]["details"]] == [
        *("/plan/gone", "/plan/reply/to"),
    ]
    odd = await client.put(f"{address}/published", json={"plan": {"reply": {"do": "fly"}}})
    assert odd.status_code == 422
    assert odd.json()["error"]["details"][0]["pointer"] == "/plan/reply/do"
    assert (await client.get(address)).json()["revision"] == 1


async def test_the_history_is_read_compared_and_gone_back_to(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    await seed_run(house, made)
    client, address = house.machine(), f"{API}/automations/{made}"
    await client.put(
        f"{address}/draft", json=edited(thank=None, reply={"next": {"no_reply": "end"}})
    )
    await client.put(f"{address}/published", json={"comment": "without thanks"})
    listed = (await client.get(f"{address}/revisions")).json()
    assert [
        (one["number"], one["live"], one["comment"], one["inside_now"]) for one in listed["items"]
    ] == [(2, True, "without thanks", 0), (1, False, "", 1)]
    assert listed["next"] is None
    first = (await client.get(f"{address}/revisions/1")).json()
    assert first["document"] == cart_flow()
    params = {"before": "2", "after": "1"}
    back = (await client.get(f"{address}/changes", params=params)).json()
    assert [one["kind"] for one in back["changes"]] == ["line", "added"]
    gone_back = (await client.put(f"{address}/revisions/1/published")).json()
    assert (gone_back["revision"], gone_back["draft_has_changes"]) == (3, True)
    same = (await client.put(f"{address}/revisions/1/published")).json()
    assert (same["revision"], same["new"]) == (3, False)
    for path in ("revisions/9", "changes?before=9", "changes?before=x"):
        assert (await client.get(f"{address}/{path}")).status_code in (400, 404)
    assert (await client.put(f"{address}/revisions/9/published")).status_code == 404


async def test_restoring_never_loses_a_draft_silently(house: House) -> None:
    made = await house.live()
    client, address = house.machine(), f"{API}/automations/{made}"
    mine = edited(reply={"up_to": "2d"})
    await client.put(f"{address}/draft", json=mine)
    refused = await client.put(f"{address}/revisions/1/restored")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "draft_has_changes"
    assert (await client.get(address)).json()["draft"] == mine
    await client.put(f"{address}/published")
    kept = await client.put(f"{address}/revisions/1/restored")
    assert kept.json()["draft"] == cart_flow()
    assert kept.json()["draft_has_changes"] is True
    await client.put(f"{address}/draft", json=edited(reply={"up_to": "3d"}))
    forced = await client.put(f"{address}/revisions/2/restored", params={"force": "true"})
    assert forced.json()["draft"] == mine
    assert (await client.put(f"{address}/revisions/2/restored")).status_code == 200


async def test_nothing_to_compare_before_the_first_publish(house: House) -> None:
    made = await house.automation(cart_flow())
    answer = await house.machine().get(f"{API}/automations/{made}/changes")
    assert answer.status_code == 409
    unread = await house.automation({"name": "x", "steps": {"a": {"type": "gone"}}})
    client = house.machine()
    params = {"before": "draft"}
    odd = await client.get(f"{API}/automations/{unread}/changes", params=params)
    assert odd.status_code == 409
    assert odd.json()["error"]["code"] == "unreadable"


async def test_pause_says_who_and_archive_ends_those_inside(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    run, _ = await seed_run(house, made)
    person, client, address = await house.signed_in(), house.machine(), f"{API}/automations/{made}"
    paused = (await person.put(f"{address}/paused")).json()
    assert (paused["status"], paused["paused_by"]) == ("paused", "Owner of A")
    assert paused["paused_at"] is not None
    again = (await client.put(f"{address}/paused")).json()
    assert (again["paused_by"], again["paused_at"]) == ("Owner of A", paused["paused_at"])
    started = await client.post(f"{address}/runs", json={"contacts": [{"phone": "+393331234567"}]})
    assert started.status_code == 409
    assert "paused; resume it first" in started.json()["error"]["message"]
    archived = (await client.put(f"{address}/archived")).json()
    assert (archived["status"], archived["ended"]) == ("archived", 1)
    assert await told(house) == [(run, Stopped("the automation was archived by Tests"))]
    assert (await client.put(f"{address}/archived")).json()["ended"] == 0
    assert (await client.put(f"{address}/published")).status_code == 409
    assert (await client.put(f"{address}/revisions/1/published")).status_code == 409
    assert (await client.put(f"{address}/revisions/1/restored")).status_code == 409
    assert (await client.delete(f"{address}/archived")).json()["status"] == "paused"
    assert (await client.delete(f"{address}/archived")).json()["status"] == "paused"


async def test_test_mode_and_priority(house: House) -> None:
    made = await house.live()
    _, contact = await seed_run(house, made)
    client, address = house.machine(), f"{API}/automations/{made}"
    chosen = (await client.put(f"{address}/test", json={"contacts": [str(contact)]})).json()
    assert chosen["test_contacts"] == [str(contact)]
    wrong = await client.put(f"{address}/test", json={"contacts": [str(contact), "999"]})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"] == [
        {"pointer": "/contacts/1", "message": "There is no contact 999."}
    ]
    assert (await client.put(f"{address}/test", json={"contacts": []})).status_code == 422
    assert (await client.delete(f"{address}/test")).json()["test_contacts"] is None
    assert (await client.put(f"{address}/priority", json={"priority": 5})).json()["priority"] == 5
    assert (await client.put(f"{address}/priority", json={"priority": 5000})).status_code == 422


async def test_runs_are_ended_moved_and_tried_again(both_houses: House) -> None:
    house = both_houses
    made = await house.live()
    run, contact = await seed_run(house, made)
    client = house.machine()
    move = {"to": "thank", "seen_at": "reply"}
    for _ in range(2):
        assert (await client.put(f"{API}/runs/{run}/step", json=move)).status_code == 202
    why = "moved to “Send message” by Tests"
    assert await told(house) == [(run, MovedTo("thank", from_step="reply", why=why))]
    elsewhere = await client.put(f"{API}/runs/{run}/step", json={"to": "end", "seen_at": "remind"})
    assert elsewhere.status_code == 409
    assert "moved on" in elsewhere.json()["error"]["message"]
    for body, pointer in (
        ({"to": "nowhere"}, "/to"),
        ({"to": "end", "revision": 9}, "/revision"),
    ):
        unknown = await client.put(f"{API}/runs/{run}/step", json=body)
        assert unknown.status_code == 422
        assert unknown.json()["error"]["details"][0]["pointer"] == pointer
    assert (await client.put(f"{API}/runs/{run}/retried")).status_code == 202  # it goes on already
    for _ in range(2):
        assert (await client.put(f"{API}/runs/{run}/stopped")).status_code == 202
    assert (await client.put(f"{API}/contacts/{contact}/runs/stopped")).json() == {"runs": 0}
    assert len(await told(house)) == 2
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).values(status="failed", reason="no phone"))
    moved = await client.put(f"{API}/runs/{run}/step", json={"to": "end"})
    assert moved.status_code == 409
    assert "let it try again" in moved.json()["error"]["message"]
    for _ in range(2):
        tried = await client.put(f"{API}/runs/{run}/retried")
        assert (tried.status_code, tried.json()["status"]) == (202, "waiting")
    assert [one for _, one in await told(house)][2:] == [Retried("tried again by Tests")]
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).values(status="done"))
    assert (await client.put(f"{API}/runs/{run}/retried")).status_code == 409


async def test_a_retry_is_refused_when_they_are_in_again_or_gone(house: House) -> None:
    made = await house.live()
    failed, contact = await seed_run(house, made)
    other, _ = await seed_run(house, made)
    client = house.machine()
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).where(runs.c.id == failed).values(status="failed"))
    refused = await client.put(f"{API}/runs/{failed}/retried")
    assert refused.status_code == 409
    assert "in this automation again" in refused.json()["error"]["message"]
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).where(runs.c.id == other).values(status="done"))
        gone = sa.update(contacts).where(contacts.c.id == contact)
        await tx.execute(gone.values(deleted_at=house.clock()))
    deleted = await client.put(f"{API}/runs/{failed}/retried")
    assert deleted.status_code == 409
    assert "deleted" in deleted.json()["error"]["message"]


async def test_all_inside_are_ended_by_step_and_altogether(house: House) -> None:
    made = await house.live()
    for place in range(3):
        await seed_run(house, made, number=f"+39333000000{place}")
    client, address = house.machine(), f"{API}/automations/{made}/runs/stopped"
    for step, count in (("thank", 0), ("reply", 3)):
        listed = await client.get(f"{API}/runs", params={"step": step})
        assert len(listed.json()["items"]) == count
    assert (await client.put(address, params={"step": "thank"})).json() == {"runs": 0}
    assert (await client.put(address, params={"step": "reply"})).json() == {"runs": 3}
    # They may have left that step before the engine reads it, so all of them are asked once more.
    for count in (3, 0):
        assert (await client.put(address)).json() == {"runs": count}
    assert {event.from_step for _, event in await told(house)} == {"reply", ""}


LEVERS = (
    *("automations/{a}/published", "automations/{a}/archived", "automations/{a}/paused"),
    *("automations/{a}/revisions/1/published", "automations/{a}/revisions/1/restored"),
    *("automations/{a}/runs/stopped", "runs/{r}/stopped", "runs/{r}/retried"),
    "contacts/{c}/runs/stopped",
)


@pytest.mark.parametrize("path", LEVERS)
async def test_levers_are_for_editors_of_the_company(house: House, path: str) -> None:
    made = await house.live()
    run, contact = await seed_run(house, made)
    address = f"{API}/" + path.format(a=made, r=run, c=contact)
    assert (await house.machine(house.other_key).put(address)).status_code == 404
    viewer = await house.signed_in("agent")
    assert (await viewer.put(address)).status_code == 403
    assert (await (await house.signed_in("editor")).put(address)).status_code in (200, 202)


async def test_no_number_of_a_revision_is_too_large(both_houses: House) -> None:
    made, client = await both_houses.live(), both_houses.machine()
    at, huge = f"{API}/automations/{made}/revisions", 2**31
    assert (await client.get(f"{at}/{huge}")).status_code == 404
    assert (await client.put(f"{at}/{huge}/published")).status_code == 404
    assert (await client.get(at, params={"after": huge})).status_code == 200
    run, _ = await seed_run(both_houses, made)
    moved = await client.put(f"{API}/runs/{run}/step", json={"to": "remind", "revision": huge})
    assert moved.status_code == 422, moved.text


@pytest.mark.parametrize("path", ["revisions", "revisions/1", "changes", "waiting"])
async def test_histories_are_the_companys_own(house: House, path: str) -> None:
    made = await house.live()
    address = f"{API}/automations/{made}/{path}"
    assert (await house.machine().get(address)).status_code == 200
    assert (await house.machine(house.other_key).get(address)).status_code == 404
