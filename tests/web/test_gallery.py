"""The gallery of ready-made flows: looked at, used, and its templates handed in at WhatsApp."""

import re

import pytest

from engine import saved
from flows import library
from gateway.channel import SendError
from gateway.channels.cloud_api.account import Account, Made
from store import automations, scenarios, templates
from tests.web.conftest import House
from web.automations import gallery, stories
from web.builder.picture import picture

pytestmark = pytest.mark.anyio


async def test_all_are_shown_and_filtered_by_goal(house: House) -> None:
    client = await house.signed_in("viewer")
    everything = (await client.get("/automations/gallery")).text
    assert everything.count('<article class="card ready"') == len(library.names())
    asked = (await client.get("/automations/gallery?goal=ask")).text
    assert asked.count('<article class="card ready"') == len(library.SHELVES["ask"])
    odd = (await client.get("/automations/gallery?goal=nonsense")).text
    assert odd.count('<article class="card ready"') == len(library.names())


@pytest.mark.parametrize("key", library.names())
async def test_each_has_a_page_that_tells_what_it_needs(house: House, key: str) -> None:
    client = await house.signed_in("viewer")
    ready = gallery.find(key)
    assert ready is not None
    page = (await client.get(f"/automations/gallery/{key}")).text
    assert ready.sentence.split("’")[0][:40] in page
    assert page.count('<li class="step ') == ready.steps
    assert all(name in page for name in (*ready.templates, *ready.needs))
    assert "What customers see" in page
    assert "Use this" not in page, "a viewer cannot"


async def test_what_is_not_there(house: House) -> None:
    client = await house.signed_in("editor")
    for method, address in (
        ("GET", "/automations/gallery/nothing"),
        ("POST", "/automations/gallery/nothing"),
        ("POST", "/automations/gallery/nothing/templates"),
        ("GET", "/automations/gallery/..%2Fwelcome"),
    ):
        assert (await client.request(method, address)).status_code == 404, address


@pytest.mark.parametrize("key", library.names())
def test_a_picture_shows_every_step_and_every_line(key: str) -> None:
    flow = gallery.flow_of(key)
    drawn = picture(flow)
    lines = sum(len(step.next) for step in flow.steps.values()) + 1
    assert len(drawn.boxes) == len(flow.steps) + 1
    assert len(drawn.lines) == lines
    assert re.fullmatch(r"-?\d+ -?\d+ \d+ \d+", drawn.frame)


@pytest.mark.parametrize("key", library.names())
def test_its_tests_are_told_as_chats(key: str) -> None:
    told = stories.stories(key)
    assert [one.name for one in told] == [one["name"] for one in library.scenarios(key)]
    said = [line for story in told for line in story.said]
    assert any(line.who == "us" for line in said)
    assert all("{{" not in line.text for line in said), "every variable is filled in"
    assert all(story.end for story in told)


def test_a_tap_on_a_template_is_told_by_its_words() -> None:
    [story] = [one for one in stories.stories("abandoned_cart") if one.name == "Says stop"]
    assert [one.who for one in story.said] == ["between", "us", "between", "them", "us"]
    assert story.said[1].options == ("I have a question", "Stop")
    assert story.said[2].text == "1 hour later"
    assert story.said[3].text == "Stop"
    assert story.end == "Ends: the contact said stop"


async def test_using_one_makes_a_draft_with_its_tests(house: House) -> None:
    client = await house.signed_in("editor")
    for name in ("Birthday", "Birthday 2"):
        answer = await client.post("/automations/gallery/birthday", data={"then": "edit"})
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("?said=templates")
        made = int(answer.headers["location"].split("?")[0].rsplit("/", 1)[1])
        opened = await client.get(answer.headers["location"])
        assert "Some of its templates are not there yet" in opened.text
        async with house.web.database.read() as tx:
            found = await automations.get(tx, house.company, made)
            tests = await scenarios.of_automation(tx, house.company, made)
        assert (found.name, found.status) == (name, "draft")
        assert len(tests) == len(library.scenarios("birthday"))
        # Texts are there to be changed: that alone must not make the tests fail.
        for step in found.draft["steps"].values():
            step.update({"text": "Another text"} if "text" in step else {})
        async with house.web.database.read() as tx:
            run = await saved.run_all(tx, house.company, made, found.draft)
        assert run
        assert all(one.passed for one in run), run
    tried = await client.post("/automations/gallery/welcome", data={"then": "simulate"})
    assert tried.headers["location"].endswith("?mode=simulate")


async def test_a_viewer_may_look_only(house: House) -> None:
    client = await house.signed_in("viewer")
    assert (await client.post("/automations/gallery/welcome")).status_code == 403
    assert (await client.post("/automations/gallery/birthday/templates")).status_code == 403


async def test_templates_that_are_missing_are_handed_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[str] = []

    async def create(self: Account, told: dict[str, object]) -> object:
        del self
        handed.append(str(told["name"]))
        return Made(f"id-{told['name']}", "PENDING", str(told["category"]))

    monkeypatch.setattr(Account, "create", create)
    client = await house.signed_in("editor")
    page = await client.get("/automations/gallery/abandoned_cart")
    assert "2 are not there yet" in page.text
    done = await client.post("/automations/gallery/abandoned_cart/templates")
    assert handed == ["cart_reminder_day_2", "cart_reminder_last"]
    assert "2 templates handed in." in done.text
    assert done.text.count("In review") == 2
    again = await client.post("/automations/gallery/abandoned_cart/templates")
    assert len(handed) == 2
    assert again.status_code == 200


async def test_what_whatsapp_refuses_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def create(self: Account, told: dict[str, object]) -> object:
        del self, told
        return SendError("template", 100, "The name was used before")

    monkeypatch.setattr(Account, "create", create)
    client = await house.signed_in("editor")
    refused = await client.post("/automations/gallery/birthday/templates")
    assert refused.status_code == 422
    assert "“birthday”: WhatsApp refused it: The name was used before" in refused.text
    async with house.web.database.read() as tx:
        assert "birthday" not in {one.name for one in await templates.of_company(tx, house.company)}


async def test_without_a_number_it_says_what_to_do_first(house: House) -> None:
    client = await house.signed_in("owner", "b")
    page = await client.get("/automations/gallery/birthday")
    assert "Connect a number of the Cloud API first" in page.text
    assert "Hand it in at WhatsApp" not in page.text
