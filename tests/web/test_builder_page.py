"""The builder's page and its panels over HTTP: what each role sees, in each state."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import httpx
import pytest

from store import automations
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
LARGEST_KB = 60  # of a page with 300 steps, compressed


def publish_button(text: str) -> str:
    found = re.search(r'id="publish".*?<span class="word">(.*?)</span>', text, re.DOTALL)
    return found[1] if found else ""


def unescaped(text: str) -> str:
    return text.replace("&#34;", '"').replace("&#39;", "'")


async def changed(client: httpx.AsyncClient, made: int, *changes: dict[str, Any]) -> httpx.Response:
    return await client.post(
        f"/automations/{made}/draft/changes",
        data={"version": "0", "changes": json.dumps(changes)},
    )


async def test_an_automation_opens_in_the_builder(house: House) -> None:
    made = await house.live()
    await seed_run(house, made)
    client = await house.signed_in("editor")
    page = await client.get(f"/automations/{made}")
    assert page.status_code == 200
    text = page.text
    assert 'aria-label="Automation steps, 4 steps, 0 problems"' in text
    assert 'aria-label="Wait for reply: Did they answer?"' in text
    assert 'aria-label="No reply, goes to End"' in text
    assert '<b data-count="here">1</b> here' in text
    assert "Live · revision 1" in text
    assert publish_button(text) == "Nothing to publish"
    assert 'data-kind="wait_for_event"' in text  # the add menu
    assert "/static/css/card.css" in text
    assert "/static/css/card.css" not in (await client.get("/automations")).text


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (cart_flow(), "Publish…"),
        (cart_flow(start="nowhere"), "Solve 1 error"),
        (cart_flow(start="nowhere", name=""), "Solve 2 errors"),
    ],
)
async def test_the_publish_button_says_why_not(
    house: House, document: dict[str, Any], said: str
) -> None:
    made = await house.automation(document)
    client = await house.signed_in("editor")
    assert publish_button((await client.get(f"/automations/{made}")).text) == said


async def test_a_live_one_with_changes_can_be_published_again(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    answer = await changed(client, made, {"do": "edit", "place": "/name", "value": "Other"})
    assert answer.status_code == 200
    assert 'aria-label="Undo: ' in answer.text
    text = (await client.get(f"/automations/{made}")).text
    assert publish_button(text) == "Publish changes…"
    assert "Draft has changes" in text
    assert re.search(r'<h1[^>]*id="called"[^>]*>Other<', text)


async def test_who_may_only_look_finds_nothing_to_change(house: House) -> None:
    made = await house.automation(cart_flow(start="nowhere"))
    client = await house.signed_in("viewer")
    for view in ("canvas", "outline"):
        text = (await client.get(f"/automations/{made}?view={view}")).text
        assert "You may look at everything here" in text
        for mark in (
            "data-editable",
            'data-tool="add"',
            'class="plus"',
            'id="publish"',
            "data-seq=",
        ):
            assert mark not in text
        assert "Archive…" not in text
    panel = (await client.get(f"/automations/{made}/panel/problems")).text
    assert "data-goto" in panel
    assert "data-changes" not in panel
    assert (await client.put(f"/automations/{made}/paused")).status_code == 403


async def test_an_archived_one_is_closed(house: House) -> None:
    made = await house.live()
    async with house.web.database.write() as tx:
        await automations.archive(tx, house.company, made, NOW)
    client = await house.signed_in("editor")
    text = (await client.get(f"/automations/{made}")).text
    assert "Archived: it starts nobody" in text
    assert "Take out of the archive" in text
    assert "data-editable" not in text
    assert (await changed(client, made, {"do": "tidy"})).status_code == 409


@pytest.mark.parametrize(
    "query",
    ["mode=nothing", "view=side", "step=<script>alert(1)</script>", "step=../../x", "mode="],
)
async def test_an_odd_address_opens_it_all_the_same(house: House, query: str) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    page = await client.get(f"/automations/{made}?{query}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "/panel/step/.." not in page.text


@pytest.mark.parametrize(
    ("query", "opens"),
    [
        ("step=reply", "/panel/step/reply"),
        ("step=@start", "/panel/step/@start"),
        ("mode=simulate", "/panel/simulate"),
    ],
)
async def test_an_address_may_open_the_panel(house: House, query: str, opens: str) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    text = (await client.get(f"/automations/{made}?{query}")).text
    assert f'hx-get="/automations/{made}{opens}"' in text
    assert re.search(r'<aside id="panel"[^>]*hidden', text) is None


async def test_a_draft_that_cannot_be_read_is_drawn(house: House) -> None:
    document = cart_flow()
    document["steps"]["odd"] = {"type": "nothing", "name": "<b>Odd</b>", "next": {"on": "end"}}
    document["language"] = 3
    made = await house.automation(document)
    client = await house.signed_in("editor")
    for view in ("canvas", "outline"):
        page = await client.get(f"/automations/{made}?view={view}")
        assert page.status_code == 200
        assert "This step cannot be read" in page.text
        assert "&lt;b&gt;Odd&lt;/b&gt;" in page.text
        assert "Did they answer?" in page.text
    for panel in ("problems", "history", "search?q=odd"):
        assert (await client.get(f"/automations/{made}/panel/{panel}")).status_code == 200


async def test_panels_of_another_company_are_not_there(house: House) -> None:
    made = await house.automation(cart_flow(), house.other_company)
    client = await house.signed_in()
    for place in ("", "/more", "/panel/problems", "/panel/history", "/panel/search?q=thank"):
        assert (await client.get(f"/automations/{made}{place}")).status_code == 404


async def test_problems_are_listed_by_weight_and_some_can_be_fixed(house: House) -> None:
    document = cart_flow(triggers={})
    document["steps"]["reply"]["next"].pop("no_reply")
    document["steps"]["set"] = {"type": "list", "add": ["x"], "next": {"done": "end"}}
    made = await house.automation(document)
    client = await house.signed_in("editor")
    panel = unescaped((await client.get(f"/automations/{made}/panel/problems")).text)
    order = [panel.index(f"problems-{one}") for one in ("error", "warning", "hint")]
    assert order == sorted(order)
    assert 'data-goto="reply" data-field="/next/no_reply"' in panel
    assert 'data-goto="@start" data-field="/triggers"' in panel
    fixes = re.findall(r'data-changes="(\[.*?\])">', panel)
    assert len(fixes) == 2
    for fix in fixes:
        assert (await changed(client, made, *json.loads(fix))).status_code == 200
    panel = (await client.get(f"/automations/{made}/panel/problems")).text
    assert "leads nowhere" not in panel
    assert "Nothing starts this automation" not in panel


async def test_a_step_just_added_is_not_red(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    answer = await changed(client, made, {"do": "add", "kind": "send_message", "id": "new"})
    assert "Not filled in yet" in answer.text
    text = (await client.get(f"/automations/{made}")).text
    (opening,) = re.findall(r'<li id="step-new"[^>]*>', text)
    assert "data-problem" not in opening
    panel = (await client.get(f"/automations/{made}/panel/problems")).text
    assert "Not filled in yet" in panel
    await changed(client, made, {"do": "edit", "place": "/steps/new/note", "value": "seen"})
    text = (await client.get(f"/automations/{made}")).text
    (opening,) = re.findall(r'<li id="step-new"[^>]*>', text)
    assert 'data-problem="error"' in opening


async def test_the_history_leads_back(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    assert (
        "Nothing was changed yet" in (await client.get(f"/automations/{made}/panel/history")).text
    )
    for name in ("One", "Two"):
        await changed(client, made, {"do": "edit", "place": "/name", "value": name})
    panel = (await client.get(f"/automations/{made}/panel/history")).text
    assert panel.index("“Two”") < panel.index("“One”")
    assert "Editor of A" in panel
    back = re.findall(r'data-seq="(\d+)"', panel)
    assert len(back) == 2
    await client.put(f"/automations/{made}/draft/at", data={"version": "0", "seq": back[-1]})
    panel = (await client.get(f"/automations/{made}/panel/history")).text
    assert panel.count("Undone") == 2
    viewer = await house.signed_in("viewer")
    assert "data-seq" not in (await viewer.get(f"/automations/{made}/panel/history")).text


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("THANK you", ["thank"]),
        ("did they", ["reply"]),
        ("wait for reply", ["reply"]),
        ("cart_reminder", ["remind"]),
        ("cart.abandoned", ["@start"]),
        ("perché", ["accent"]),
        ("perche", ["accent"]),
        ("e", []),
        ("<script>", []),
        ("no such words", []),
        ("   ", []),
    ],
)
async def test_steps_are_found_by_what_they_say(house: House, typed: str, found: list[str]) -> None:
    document = cart_flow()
    document["steps"]["accent"] = {"type": "note", "text": "Chiedi perché", "next": {"done": "end"}}
    made = await house.automation(document)
    client = await house.signed_in("viewer")
    panel = await client.get(f"/automations/{made}/panel/search", params={"q": typed})
    assert panel.status_code == 200
    assert re.findall(r'data-goto="([^"]+)"', panel.text) == found
    assert "<script>" not in panel.text


async def test_levers_renew_the_builder_in_place(house: House) -> None:
    made = await house.live()
    client = await house.signed_in("editor")
    on = {"hx-request": "true", "hx-current-url": f"http://tiptoe.test/automations/{made}?x=1"}
    answer = await client.put(f"/automations/{made}/paused", headers=on)
    for target in ("#status-bar", "#state-line", "#builder-menu", "#toasts"):
        assert f'hx-target="{target}"' in answer.text
    assert "Paused by Editor of A" in answer.text
    again = await client.delete(f"/automations/{made}/paused", headers=on)
    assert "Live again." in again.text
    assert "Pause" in again.text
    away = await client.put(f"/automations/{made}/archived", headers=on)
    assert away.headers["hx-refresh"] == "true"
    elsewhere = on | {"hx-current-url": f"http://tiptoe.test/automations/{made}/more"}
    page = await client.delete(f"/automations/{made}/archived", headers=elsewhere)
    assert "Taken out of the archive" in page.text


async def test_three_hundred_steps_are_a_small_page(house: House) -> None:
    steps: dict[str, Any] = {"s300": {"type": "end"}}
    for number in range(300):
        steps[f"s{number}"] = {
            "type": "send_message",
            "text": f"Message {number}: {{{{ contact.first_name | default: 'there' }}}}, {number}",
            "next": {"sent": f"s{number + 1}"},
        }
    made = await house.live(cart_flow("Long", start="s0", steps=steps))
    client = await house.signed_in("editor")
    for view in ("canvas", "outline"):
        page = await client.get(f"/automations/{made}?view={view}")
        assert "Automation steps, 301 steps" in page.text
        assert len(gzip.compress(page.content, 6)) <= LARGEST_KB * 1024
