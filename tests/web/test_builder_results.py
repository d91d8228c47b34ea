"""Results in the builder's panel: numbers, the contacts behind them, what can be done with them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from store import automations, step_days
from store.events import events
from store.lists import contact_lists, list_members
from store.runs import runs
from store.visits import visits
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
NAMES = ("Ada Rossi", "Grace Hopper", "Emanuela De Santis")


async def crowd(house: House) -> int:
    """Three have got the reminder; Ada and Grace wait for a reply, Emanuela has been stopped."""
    made = await house.live()
    ids = [
        await seed_run(house, made, name=name, number=f"+39333765432{place}")
        for place, name in enumerate(NAMES)
    ]
    run_id, _ = ids[2]
    over = {"status": "stopped", "ended_at": NOW, "wait_until": None}
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).where(runs.c.id == run_id).values(over))
        [run] = (await tx.execute(sa.select(runs).where(runs.c.id == run_id))).all()
        line: dict[str, Any] = {
            "company_id": house.company,
            "run_id": run_id,
            "automation_id": made,
        }
        line |= {"step": "reply", "kind": "wait_for_reply", "seq": 2, "at": NOW, "did": "ended"}
        await tx.execute(sa.insert(visits).values(**line, exit=None, why="stopped", data={}))
        place = (made, step_days.day_of(NOW, "UTC"), run.revision_id)
        await step_days.count(
            tx,
            {(*place, "reply", "left", "stopped"): 1, (*place, "", "run", "stopped"): 1}
            | {(*place, "", "goal", "cart recovered"): 1},
        )
    return made


def panel(made: int, rest: str = "results") -> str:
    return f"/automations/{made}/panel/{rest}"


def behind(what: str, step: str = "reply", **more: str) -> str:
    return "results/contacts?" + str(httpx.QueryParams({"step": step, "what": what, **more}))


async def test_all_numbers_of_an_automation(both_houses: House) -> None:
    made = await crowd(both_houses)
    viewer = await both_houses.signed_in("viewer")
    answer = await viewer.get(panel(made))
    assert answer.status_code == 200
    text = " ".join(answer.text.split())
    assert "<dt>Started</dt><dd>3</dd>" in text
    assert "<dt>Inside now</dt><dd>2</dd>" in text
    assert "cart recovered</dt><dd>1</dd>" in text
    assert '<span data-number="reply here">2</span>' in text  # a viewer sees no contacts
    editor = await both_houses.signed_in("editor")
    text = (await editor.get(panel(made))).text
    assert 'aria-label="2 wait here, Did they answer?"' in text
    assert 'aria-label="3 went on, Remind of the cart"' in text
    assert 'aria-label="1 left, Did they answer?"' in text


async def test_one_step_with_its_messages_and_exits(house: House) -> None:
    made = await crowd(house)
    editor = await house.signed_in("editor")
    text = (await editor.get(panel(made, "results/step/remind"))).text
    assert 'aria-label="3 Delivered, Remind of the cart"' in text
    assert 'aria-label="3 Sent, Remind of the cart"' in text
    assert "100%" in text
    assert "Unconfirmed" in text
    text = (await editor.get(panel(made, "results/step/reply"))).text
    assert "Were ended" in text
    assert "What became of its messages" not in text
    assert f'href="/automations/{made}?step=reply"' in text
    assert (await editor.get(panel(made, "results/step/@start"))).status_code == 200
    assert (await editor.get(panel(made, "results/step/nowhere"))).status_code == 404


async def test_nobody_has_been_here_yet(house: House) -> None:
    made = await house.automation(cart_flow())
    editor = await house.signed_in("editor")
    assert "Nobody has been here yet" in (await editor.get(panel(made))).text
    live = await crowd(house)
    house.clock.pass_by(days=40)
    editor = await house.signed_in("editor")
    assert "Here" in (await editor.get(panel(live))).text  # two still wait
    text = (await editor.get(panel(live) + "?period=7")).text
    assert "<dt>Started</dt><dd>0</dd>" in " ".join(text.split())


@pytest.mark.parametrize(
    ("asked", "started"),
    [
        ("", 3),
        ("period=today", 3),
        ("period=published", 3),
        ("period=all", 3),
        ("period=custom&from=2026-03-01&to=2026-03-02", 3),
        ("period=custom&from=2026-03-02&to=2026-03-01", 3),  # the wrong way round
        ("period=custom&to=2026-03-01", 0),
        ("period=custom&from=0001-01-01&to=9999-12-31", 3),
        ("period=custom&from=tomorrow&to=", 3),
        ("period=never&revision=99999999999999999999", 3),
        ("revision=1", 3),
        ("revision=2&period=today", 3),  # no such revision: all of them
        ("revision=-1&from=%00", 3),
    ],
)
async def test_any_period_has_an_answer(house: House, asked: str, started: int) -> None:
    made = await crowd(house)
    editor = await house.signed_in("editor")
    answer = await editor.get(f"{panel(made)}?{asked}")
    assert answer.status_code == 200
    assert f"<dt>Started</dt><dd>{started}</dd>" in " ".join(answer.text.split())


async def test_numbers_hang_on_ids_and_steps_that_are_gone_are_told(house: House) -> None:
    made = await crowd(house)
    edited: dict[str, Any] = json.loads(json.dumps(cart_flow()))
    edited["steps"]["remind"]["name"] = "Another name"
    edited["steps"]["remind"]["next"]["sent"] = "thank"
    del edited["steps"]["reply"]
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, edited, NOW)
        await automations.publish(tx, house.company, made, None, "", NOW)
    editor = await house.signed_in("editor")
    text = (await editor.get(panel(made))).text
    assert 'aria-label="3 went on, Another name"' in text
    assert "Steps that are not here any more" in text
    assert 'aria-label="2 wait here, reply"' in text
    assert "Ada Rossi" in (await editor.get(panel(made, behind("here")))).text
    text = (await editor.get(f"{panel(made)}?revision=1")).text
    assert "Steps that are not here any more" not in text


async def test_the_contacts_behind_a_number_are_searched_and_paged(both_houses: House) -> None:
    house = both_houses
    made = await crowd(house)
    for place in range(55):
        await seed_run(house, made, name=f"Number {place:02}", number=f"+3933312345{place:02}")
    agent = await house.signed_in("agent")
    first = (await agent.get(panel(made, behind("here")))).text
    assert first.count('class="who-is"') == 50
    assert "Number 54" in first
    assert "Ada Rossi" not in first
    assert "End for these" not in first  # for editors
    older = first.split('<button class="button" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = (await agent.get(older)).text
    assert rest.count('class="who-is"') == 7
    assert "Ada Rossi" in rest
    found = (await agent.get(panel(made, behind("passed", "remind", q="emanuela")))).text
    assert found.count('class="who-is"') == 1
    assert "Nobody of that name" in (await agent.get(panel(made, behind("here", q="xyz")))).text
    stopped = (await agent.get(panel(made, behind("left", exit="stopped")))).text
    assert "Emanuela De Santis" in stopped
    assert stopped.count('class="who-is"') == 1
    delivered = (await agent.get(panel(made, behind("delivered", "remind")))).text
    assert delivered.count('class="who-is"') == 50


async def test_whose_results_and_for_whom(house: House) -> None:
    made = await crowd(house)
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(panel(made, behind("here")))).status_code == 403
    agent = await house.signed_in("agent")
    ended = await agent.put(f"/automations/{made}/results/ended?step=reply&what=here")
    assert ended.status_code == 403
    stranger = await house.signed_in("owner", "b")
    for address in (panel(made), panel(made, behind("here")), panel(made, "results/step/reply")):
        assert (await stranger.get(address)).status_code == 404
    assert (await stranger.get(f"/automations/{made}/results.csv")).status_code == 404
    ended = await stranger.put(f"/automations/{made}/results/ended?step=reply&what=here")
    assert ended.status_code == 404
    editor = await house.signed_in("editor")
    for wrong in ("results/contacts", behind("all"), "results/contacts?what=here"):
        assert (await editor.get(panel(made, wrong))).status_code == 400


async def test_a_list_is_made_of_them_and_added_to(both_houses: House) -> None:
    house = both_houses
    made = await crowd(house)
    editor = await house.signed_in("editor")
    address = f"/automations/{made}/results/list?step=remind&what=passed"
    answer = await editor.post(address, data={"name": "  Got  the reminder "})
    assert answer.status_code == 200
    assert "3 contacts are on the list “Got the reminder” now, 3 of them new." in answer.text
    again = await editor.post(address, data={"name": "got the REMINDER"})
    assert "0 of them new" in again.text
    assert len(await house.rows(sa.select(contact_lists))) == 1
    assert len(await house.rows(sa.select(list_members))) == 3
    for name in ("", " ", "x" * 81):
        refused = await editor.post(address, data={"name": name})
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text


async def test_their_runs_are_ended_once(both_houses: House) -> None:
    house = both_houses
    made = await crowd(house)
    editor = await house.signed_in("editor")
    text = (await editor.get(panel(made, behind("here")))).text
    assert "End 2 runs?" in text
    address = f"/automations/{made}/results/ended?step=reply&what=here&q=ada"
    answer = await editor.put(address)
    assert "1 run is being ended." in answer.text
    [event] = await house.rows(sa.select(events.c.data))
    assert event.data == {"type": "stopped", "reason": "ended by Editor of A", "from_step": "reply"}
    assert "None of them goes on" in (await editor.put(address)).text
    everybody = f"/automations/{made}/results/ended?step=remind&what=passed"
    assert "2 runs are being ended." in (await editor.put(everybody)).text


async def test_the_table_is_a_file(house: House) -> None:
    document = cart_flow()
    document["steps"]["reply"]["name"] = "=SUM(A1)"
    made = await house.live(document)
    await seed_run(house, made)
    viewer = await house.signed_in("viewer")
    answer = await viewer.get(f"/automations/{made}/results.csv?period=7")
    assert answer.headers["content-disposition"] == f'attachment; filename="results-{made}-7.csv"'
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    remind, sent = table[0], table[1]
    assert (remind["Step"], remind["Passed"], remind["Delivered"]) == (
        "Remind of the cart",
        "1",
        "1",
    )
    assert (sent["Exit"], sent["Left by it"], sent["Share"]) == ("Sent", "1", "100%")
    assert "'=SUM(A1)" in [row["Step"] for row in table]
