"""Looking at results, revisions and two versions in the builder; restoring one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from store import automations
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run

pytestmark = pytest.mark.anyio
MARKED = re.compile(r'data-step="([^"]+)"[^>]*data-mark="([a-z]+)"')


def later() -> dict[str, Any]:
    """The cart flow after somebody worked on it."""
    document: dict[str, Any] = json.loads(json.dumps(cart_flow()))
    steps = document["steps"]
    steps["reply"]["up_to"] = "2d"
    steps["pause"] = {"type": "delay", "duration": "3h", "next": {"after": "end"}}
    steps["reply"]["next"]["other"] = "pause"
    del steps["thank"]
    document["triggers"]["cart"]["wait"] = "2h"
    return document


async def two_revisions(house: House) -> int:
    made = await house.live()
    await seed_run(house, made)
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, later(), NOW)
        await automations.publish(tx, house.company, made, None, "Wait longer", NOW)
    return made


async def test_results_are_drawn_on_what_is_live(house: House) -> None:
    made = await two_revisions(house)
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, cart_flow(steps={}), NOW)
    viewer = await house.signed_in("viewer")
    page = (await viewer.get(f"/automations/{made}?mode=results")).text
    assert 'data-step="pause"' in page
    assert "data-editable" not in page
    assert f'hx-get="/automations/{made}/panel/results?period=30"' in page
    assert f'data-live="/automations/{made}/live?period=30"' in page
    assert '<b data-count="here">1</b>' in page
    old = (await viewer.get(f"/automations/{made}?mode=results&period=7&revision=1")).text
    assert 'data-step="thank"' in old
    assert 'data-step="pause"' not in old
    assert f'data-live="/automations/{made}/live?period=7&amp;revision=1"' in old


async def test_a_revision_is_looked_at_and_restored(both_houses: House) -> None:
    house = both_houses
    made = await two_revisions(house)
    editor = await house.signed_in("editor")
    panel = (await editor.get(f"/automations/{made}/panel/revisions?revision=1")).text
    assert "Wait longer" in panel
    assert "1 contact still inside" in panel
    assert "You are looking at it" in panel
    assert "Restore revision 2 as draft" in panel
    page = (await editor.get(f"/automations/{made}?revision=1")).text
    assert "You are looking at revision 1." in page
    assert 'data-step="thank"' in page
    assert "data-editable" not in page
    step = (await editor.get(f"/automations/{made}/panel/versions/1/step/reply")).text
    assert "1 day" in step
    assert "nowhere: the run ends" not in step.split("Where contacts go next")[0]
    assert (
        await editor.get(f"/automations/{made}/panel/versions/1/step/@start")
    ).status_code == 200
    answer = await editor.put(f"/automations/{made}/draft/restored/1")
    assert answer.headers["hx-redirect"] == f"/automations/{made}?said=restored"
    again = await editor.put(f"/automations/{made}/draft/restored/1")
    assert again.status_code == 200
    page = (await editor.get(f"/automations/{made}?said=restored")).text
    assert "The draft is that revision again." in page
    assert 'data-step="thank"' in page
    assert "Undo: Restore revision 1" in page
    undone = await editor.put(f"/automations/{made}/draft/at", data={"seq": "undo"})
    assert undone.status_code == 200
    assert 'data-step="pause"' in (await editor.get(f"/automations/{made}")).text


async def test_two_versions_are_side_by_side(house: House) -> None:
    made = await two_revisions(house)
    viewer = await house.signed_in("viewer")
    page = (await viewer.get(f"/automations/{made}?compare=1..2")).text
    marks = dict(MARKED.findall(page))
    assert marks == {
        "@start": "changed",
        "reply": "changed",
        "pause": "added",
        "thank": "removed",
    }
    assert "You are comparing revision 1 with revision 2." in page
    panel = (await viewer.get(f"/automations/{made}/panel/compare?compare=1..2")).text
    assert "“Did they answer?”: up to 1 day → 2 days." in panel
    assert 'data-shows="thank"' in panel
    same = (await viewer.get(f"/automations/{made}/panel/compare?compare=2..draft")).text
    assert "Nothing changed but" in same
    by_form = f"/automations/{made}?compare=two&before=2&after=1"
    assert dict(MARKED.findall((await viewer.get(by_form)).text))["pause"] == "removed"
    ghost = f"/automations/{made}/panel/versions/2/step/thank?or=1"
    assert "Thank you!" in (await viewer.get(ghost)).text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("?revision=9", 404),
        ("?revision=two", 400),
        ("?revision=99999999999999999999999", 400),
        ("?compare=1", 400),
        ("?compare=1..nine", 400),
        ("?compare=two&before=1", 400),
        ("?compare=1..77", 404),
        ("?mode=results&revision=77", 200),
        ("/panel/versions/1/step/nowhere", 404),
        ("/panel/versions/x/step/reply", 400),
        ("/panel/compare", 200),
        ("/panel/compare?compare=..", 400),
        ("/panel/revisions?before=x", 400),
        ("/panel/revisions?before=1", 200),
    ],
)
async def test_what_is_not_there_is_said(house: House, address: str, status: int) -> None:
    made = await two_revisions(house)
    editor = await house.signed_in("editor")
    answer = await editor.get(f"/automations/{made}{address}")
    assert answer.status_code == status, answer.text


async def test_a_revision_nobody_can_read_is_drawn_as_far_as_it_can(house: House) -> None:
    made = await house.automation({"name": "Old", "steps": {"a": {"type": "gone"}}, "start": "a"})
    async with house.web.database.write() as tx:
        await automations.publish(tx, house.company, made, None, "", NOW)
        await automations.save_draft(tx, house.company, made, cart_flow(), NOW)
    editor = await house.signed_in("editor")
    for address in ("?revision=1", "?compare=1..draft", "?mode=results"):
        answer = await editor.get(f"/automations/{made}{address}")
        assert answer.status_code == 200
    assert "This step cannot be read" in (await editor.get(f"/automations/{made}?revision=1")).text
    panel = (await editor.get(f"/automations/{made}/panel/compare?compare=1..draft")).text
    assert "cannot be read, so it is not compared" in panel
    step = await editor.get(f"/automations/{made}/panel/versions/1/step/a")
    assert step.status_code == 409


async def test_the_outline_shows_them_as_well(house: House) -> None:
    made = await two_revisions(house)
    viewer = await house.signed_in("viewer")
    for rest in ("?mode=results", "?revision=1", "?compare=1..2"):
        answer = await viewer.get(f"/automations/{made}{rest}&view=outline")
        assert answer.status_code == 200
        assert "data-editable" not in answer.text
        assert 'data-opens="' in answer.text


async def test_who_may_look_and_restore(house: House) -> None:
    made = await two_revisions(house)
    viewer = await house.signed_in("viewer")
    for rest in ("?revision=1", "/panel/revisions"):
        assert "Restore as draft" not in (await viewer.get(f"/automations/{made}{rest}")).text
    assert (await viewer.put(f"/automations/{made}/draft/restored/1")).status_code == 403
    stranger = await house.signed_in("owner", "b")
    for rest in ("?revision=1", "?compare=1..2", "/panel/revisions", "/panel/compare?compare=1..2"):
        assert (await stranger.get(f"/automations/{made}{rest}")).status_code == 404
    assert (await stranger.put(f"/automations/{made}/draft/restored/1")).status_code == 404
    editor = await house.signed_in("editor")
    assert (await editor.put(f"/automations/{made}/draft/restored/9")).status_code == 404
    async with house.web.database.write() as tx:
        await automations.archive(tx, house.company, made, NOW)
    assert (await editor.put(f"/automations/{made}/draft/restored/1")).status_code == 409


async def test_nothing_was_published_yet(house: House) -> None:
    made = await house.automation(cart_flow())
    editor = await house.signed_in("editor")
    panel = (await editor.get(f"/automations/{made}/panel/revisions")).text
    assert "Nothing was published yet" in panel
    assert (
        "Nobody has been here yet" in (await editor.get(f"/automations/{made}/panel/results")).text
    )


async def test_where_nobody_has_been_there_are_no_zeros(house: House) -> None:
    made = await house.live()
    viewer = await house.signed_in("viewer")
    page = (await viewer.get(f"/automations/{made}?mode=results")).text
    assert "data-nobody" in page
    assert "data-count=" not in page
    await seed_run(house, made)
    page = (await viewer.get(f"/automations/{made}?mode=results")).text
    assert "data-nobody" not in page
    assert "data-count=" in page
