"""The dialog in which the builder publishes: asked for by htmx, it answers with patches."""

import re
from typing import Any

import pytest

from store import automations, scenarios
from tests.web.conftest import House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
HTMX = {"hx-request": "true"}
IN_DIALOG = {"from": "dialog"}


async def revised(house: House, **more: Any) -> int:
    """An automation whose draft has a step less than what is live."""
    made = await house.live()
    document = cart_flow(**more)
    document["steps"]["remind"]["next"] = {"sent": "thank"}
    del document["steps"]["reply"]
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, document, house.clock())
    return made


def mark_in(text: str) -> str:
    found = re.search(r'name="expected" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def test_it_opens_with_what_changes_and_who_waits(house: House) -> None:
    made = await revised(house)
    await seed_run(house, made)
    client = await house.signed_in("editor")
    shown = await client.get(f"/automations/{made}/publish", headers=HTMX)
    assert shown.status_code == 200
    assert "<html" not in shown.text
    assert '<dialog class="publishing"' in shown.text
    assert "Publish revision 2" in shown.text
    assert "1 contact is inside an older revision" in shown.text
    assert "removed" in shown.text
    page = await client.get(f"/automations/{made}/publish")
    assert "<html" in page.text


async def test_publishing_closes_it_and_can_be_taken_back(house: House) -> None:
    made = await revised(house)
    client = await house.signed_in("editor")
    shown = await client.get(f"/automations/{made}/publish", headers=HTMX)
    form = IN_DIALOG | {"expected": mark_in(shown.text), "comment": "No more waiting"}
    done = await client.put(f"/automations/{made}/published", data=form, headers=HTMX)
    assert done.status_code == 200
    assert "<html" not in done.text
    assert "Revision 2 is live." in done.text
    assert f'href="/automations/{made}?mode=results"' in done.text
    assert "Undo: back to revision 1" in done.text
    assert 'hx-target="#status-bar"' in done.text
    assert "Live · revision 2" in done.text
    back = f"/automations/{made}/revisions/1/published"
    assert f'hx-put="{back}"' in done.text
    undone = await client.put(back, data=IN_DIALOG, headers=HTMX)
    assert "Revision 3 is live." in undone.text
    async with house.web.database.read() as tx:
        found = await automations.get(tx, house.company, made)
        live = (await automations.documents(tx, [found.live_revision_id or 0])).popitem()[1]
    assert "reply" in live["steps"]
    assert "reply" not in found.draft["steps"], "the draft is not touched by going back"


async def test_the_first_revision_has_nothing_to_go_back_to(house: House) -> None:
    made = await house.automation(cart_flow())
    client = await house.signed_in("editor")
    done = await client.put(f"/automations/{made}/published", data=IN_DIALOG, headers=HTMX)
    assert "Revision 1 is live." in done.text
    assert "Undo: back" not in done.text


async def test_errors_are_named_by_step_and_lead_there(house: House) -> None:
    document = cart_flow(start="nowhere")
    document["steps"]["reply"]["next"].pop("no_reply")
    made = await house.automation(document)
    client = await house.signed_in("editor")
    shown = await client.get(f"/automations/{made}/publish", headers=HTMX)
    assert "2 errors to solve first." in shown.text
    assert 'data-goto="reply"' in shown.text
    assert 'data-field="/steps/reply/next/no_reply"' in shown.text
    refused = await client.put(f"/automations/{made}/published", data=IN_DIALOG, headers=HTMX)
    assert refused.status_code == 422
    assert '<dialog class="publishing"' in refused.text
    assert "Not published: 2 errors to solve first." in refused.text


async def test_a_draft_changed_meanwhile_is_shown_again(house: House) -> None:
    made = await revised(house)
    client = await house.signed_in("editor")
    form = IN_DIALOG | {"expected": "of-another-draft", "comment": "Kept words"}
    refused = await client.put(f"/automations/{made}/published", data=form, headers=HTMX)
    assert refused.status_code == 409
    assert '<dialog class="publishing"' in refused.text
    assert "Kept words" in refused.text


async def test_a_plan_is_carried_out_and_a_wrong_one_explained(house: House) -> None:
    made = await revised(house)
    await seed_run(house, made)
    client = await house.signed_in("editor")
    wrong = IN_DIALOG | {"plan/reply": "move:nowhere"}
    refused = await client.put(f"/automations/{made}/published", data=wrong, headers=HTMX)
    assert refused.status_code == 422
    assert 'id="wrong-reply"' in refused.text
    right = IN_DIALOG | {"plan/reply": "move:thank"}
    done = await client.put(f"/automations/{made}/published", data=right, headers=HTMX)
    assert "1 contact moved" in done.text


async def test_failing_tests_are_told_and_may_be_overruled(house: House) -> None:
    made = await house.automation(cart_flow())
    test = {
        "name": "Says yes",
        "first": {"type": "api"},
        "expect": {"goal": "Never reached"},
    }
    async with house.web.database.write() as tx:
        await scenarios.create(tx, house.company, made, test, house.clock())
    client = await house.signed_in("editor")
    shown = await client.get(f"/automations/{made}/publish", headers=HTMX)
    assert "1 of 1 test fails" in shown.text
    address = f"/automations/{made}/published"
    refused = await client.put(address, data=IN_DIALOG, headers=HTMX)
    assert refused.status_code == 422
    assert "1 saved test fails" in refused.text
    done = await client.put(address, data=IN_DIALOG | {"anyway": "yes"}, headers=HTMX)
    assert "Revision 1 is live." in done.text


async def test_who_may_not(house: House) -> None:
    made = await revised(house)
    viewer = await house.signed_in("viewer")
    assert (await viewer.get(f"/automations/{made}/publish", headers=HTMX)).status_code == 403
    put = await viewer.put(f"/automations/{made}/published", data=IN_DIALOG, headers=HTMX)
    assert put.status_code == 403
    other = await house.signed_in("owner", "b")
    assert (await other.get(f"/automations/{made}/publish", headers=HTMX)).status_code == 404


async def test_an_archived_one_says_so_in_a_toast(house: House) -> None:
    made = await revised(house)
    async with house.web.database.write() as tx:
        await automations.archive(tx, house.company, made, house.clock())
    client = await house.signed_in("editor")
    refused = await client.get(f"/automations/{made}/publish", headers=HTMX)
    assert refused.status_code == 409
    assert 'hx-target="#toasts"' in refused.text
