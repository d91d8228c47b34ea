"""The builder's page in Chromium: cards, bar, panels, outline, at a desk and on a phone."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.kinds import catalog
from flows.library import document, names
from store import automations
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot
from tests.web.test_browser_axe import violations

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser

MEASURE = """() => [...document.querySelectorAll("#cards > li")].map((one) => ({
  step: one.dataset.step, said: Number(one.dataset.h), is: one.offsetHeight,
  cut: [...one.querySelectorAll("button, p, li")].filter((row) =>
    !row.closest("[hidden], .summary") && row.scrollHeight > row.clientHeight + 1)
    .map((row) => row.outerHTML.slice(0, 90)),
}))"""


def of_every_kind() -> dict[str, Any]:
    """Each kind twice: its exits connected, and not."""
    known = {
        step["type"]: {k: v for k, v in step.items() if k not in ("next", "at", "name")}
        for name in names()
        for step in document(name)["steps"].values()
    }
    steps: dict[str, Any] = {"finish": {"type": "end"}}
    for kind, found in catalog().steps.items():
        settings = known.get(kind) or {"type": kind, **found.example}
        steps[f"{kind}_loose"] = settings
        steps[kind] = {**settings, "name": "Ein recht langer Name für diesen einen Schritt hier"}
        flow = catalog().decode({"name": "x", "steps": {kind: steps[kind]}})
        exits = [one.name for one in flow.steps[kind].exits()]
        steps[kind]["next"] = dict.fromkeys(exits, "finish")
    return {**cart_flow("Every kind"), "start": "ask", "steps": steps}


async def furnish(house: House) -> None:
    """A cart flow that is live, one with mistakes, and every kind as a draft and live."""
    made = await house.live()
    await seed_run(house, made)
    broken = cart_flow("With mistakes", start="nowhere")
    broken["steps"]["reply"]["next"].pop("no_reply")
    broken["triggers"]["cart"]["wait"] = "1s"
    broken["steps"]["odd"] = {"type": "nothing_of_ours", "next": {"on": "end"}}
    await house.automation(broken)
    await house.automation(of_every_kind())
    await house.live(of_every_kind() | {"name": "Every kind, live"})
    paused = await house.live(cart_flow("Order shipped"))
    async with house.web.database.write() as tx:
        await automations.pause(tx, house.company, paused, NOW)


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_builder(page: Page, site: Site, name: str, more: str = "") -> str:
    """Sign in, open the automation of that name; its address."""
    enter(page, site)
    return go_to(page, site, name, more)


def go_to(page: Page, site: Site, name: str, more: str = "") -> str:
    """Open the automation of that name; its address."""
    page.goto(f"{site.address}/automations")
    link = page.get_by_role("link", name=name, exact=True)
    address = site.address + (link.get_attribute("href") or "")
    page.goto(address + more)
    expect(page.locator("#canvas[data-ready]")).to_be_attached()
    return address


def test_cards_are_as_high_as_the_server_says(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    for name in ("Every kind", "Every kind, live", "With mistakes"):
        go_to(page, site, name)
        level = page.get_by_role("button", name="Zoom to 100%")
        level.click()  # from afar cards look otherwise
        expect(level).to_have_text("100%")
        cards = page.evaluate(MEASURE)
        assert len(cards) > 4
        assert [one for one in cards if one["said"] != one["is"] or one["cut"]] == []


def test_problems_are_listed_fixed_and_undone(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site, "With mistakes")
    expect(page.get_by_role("button", name="This step cannot be read")).to_be_visible()
    stage = page.get_by_role("region", name="Automation steps, 5 steps, 4 problems")
    expect(stage).to_be_visible()
    page.get_by_role("button", name="4 problems").click()
    panel = page.get_by_role("complementary", name="Problems")
    expect(panel.get_by_role("heading", name="Problems")).to_be_focused()
    expect(panel.get_by_text("is not a kind of step")).to_be_visible()
    panel.get_by_role("button", name="Go to Start").first.click()
    expect(page.locator(":focus")).to_have_attribute("name", "/triggers/cart/wait~number")
    page.get_by_role("button", name="4 problems").click()
    panel.get_by_role("button", name="Go to Did they answer?").click()
    expect(page.get_by_label("No reply", exact=True)).to_be_focused()
    page.get_by_role("button", name="4 problems").click()
    panel.get_by_role("button", name="Connect to End").click()
    expect(panel.get_by_role("button", name="Connect to End")).to_have_count(0)
    expect(page.get_by_role("button", name="3 problems")).to_be_visible()
    expect(page.get_by_role("region", name="Automation steps, 5 steps, 3 problems")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_hidden()
    expect(page.get_by_role("button", name="3 problems")).to_be_focused()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="History of the draft").click()
    history = page.get_by_role("complementary", name="History of the draft")
    expect(history.get_by_text("Owner of A")).to_be_visible()
    history.get_by_role("button", name="Go to the draft before all these changes").click()
    expect(history.get_by_text("Undone")).to_be_visible()
    expect(page.get_by_role("button", name="4 problems")).to_be_visible()


def test_a_step_is_found_by_what_it_says(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site, "Abandoned cart")
    page.get_by_role("button", name="Search", exact=True).click()
    field = page.get_by_role("searchbox", name="Search this automation")
    expect(field).to_be_focused()
    field.press_sequentially("thank you")
    page.get_by_role("button", name="Send message").filter(has_text="Thank you!").click()
    expect(page.get_by_role("complementary")).to_be_visible()
    expect(page.get_by_role("complementary", name="Search")).to_have_count(0)


def test_the_name_is_changed_where_it_stands(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_builder(page, site, "Abandoned cart")
    page.keyboard.press("F2")
    name = page.get_by_label("Name of the automation")
    expect(name).to_have_value("Abandoned cart")
    name.fill("Carts, second try")
    name.press("Enter")
    expect(page.get_by_text("Draft has changes")).to_be_visible()
    page.get_by_role("button", name="Undo: Rename").click()
    expect(page.get_by_role("heading", name="Abandoned cart")).to_be_visible()
    page.get_by_role("button", name="Redo: Rename").click()
    expect(page.get_by_role("heading", name="Carts, second try")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("heading", name="Carts, second try")).to_be_visible()
    page.get_by_role("button", name="Carts, second try", exact=True).click()
    page.get_by_label("Name of the automation").fill("Not this")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Carts, second try")).to_be_visible()


def test_paused_resumed_and_archived_without_leaving(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site, "Order shipped")
    expect(page.get_by_text("Nobody new comes in")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Live · revision 1")).to_be_visible()
    expect(page.get_by_text("Nobody new comes in")).to_be_hidden()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by Owner of A")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Archive…").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("Archived: it starts nobody")).to_be_visible()
    expect(page.get_by_role("button", name="Add step")).to_have_count(0)
    page.get_by_role("button", name="Take out of the archive").first.click()
    expect(page.get_by_role("button", name="Add step")).to_be_visible()


def test_a_new_step_is_quiet_until_its_form_was_left(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_builder(page, site, "Abandoned cart")
    page.get_by_role("button", name="Add step").click()
    page.get_by_role("dialog", name="Add a step").get_by_role("searchbox").fill("send message")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Send message")).to_be_visible()
    card = page.get_by_role("button", name="Send message 2", exact=True)
    expect(card).to_have_accessible_description(re.compile("Not filled in yet"))
    page.get_by_role("button", name="Close", exact=True).click()
    expect(card).not_to_have_accessible_description(re.compile("Not filled in yet"))
    page.goto(address)
    expect(card).not_to_have_accessible_description(re.compile("Not filled in yet"))


def test_the_first_step_follows_the_start(quiet: Page, site: Site) -> None:
    page = quiet
    page.emulate_media(reduced_motion="reduce")  # nothing glides while it is measured
    enter(page, site)
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_role("button", name="Empty").click()
    expect(page.locator("#canvas[data-ready]")).to_be_attached()
    start = page.get_by_role("button", name="Start", exact=True).first
    expect(start).to_have_accessible_description(re.compile("Add the first step"))
    page.get_by_role("button", name="Add step").click()
    page.get_by_role("dialog", name="Add a step").get_by_role("searchbox").fill("delay")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Start, goes to Delay")).to_be_visible()
    places = page.locator("#cards > li").evaluate_all(  # at once: the view may be on its way
        "cards => cards.map((one) => one.getBoundingClientRect().toJSON())"
    )
    assert places[0]["x"] + places[0]["width"] < places[1]["x"]


def test_the_outline_is_edited_without_the_canvas(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site, "Abandoned cart", "?view=outline")
    steps = page.get_by_role("region", name="Automation steps")
    expect(steps).to_have_accessible_name("Automation steps, 4 steps, 0 problems")
    expect(steps.get_by_role("link", name="3 Send message")).to_be_visible()
    steps.get_by_role("button", name="Add a step after “Any other reply”").click()
    menu = page.get_by_role("dialog", name="Add a step")
    menu.get_by_role("searchbox").fill("delay")
    menu.get_by_role("searchbox").press("Enter")
    expect(steps.get_by_role("link", name="3 Delay")).to_be_visible()
    expect(page.get_by_role("complementary")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(steps.get_by_role("link", name="4 Send message")).to_be_visible()
    expect(steps).to_have_accessible_name("Automation steps, 5 steps, 0 problems")
    steps.get_by_role("button", name="Delete Delay").click()
    expect(steps.get_by_role("link", name="3 Send message")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(steps.get_by_role("link", name="3 Delay")).to_be_visible()
    page.emulate_media(media="print")
    shot(page, "builder-print")
    expect(page.get_by_role("navigation", name="Tools")).to_be_hidden()
    expect(steps.get_by_role("link", name="3 Delay")).to_be_visible()


def test_the_panel_keeps_its_width(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_builder(page, site, "Abandoned cart")
    page.get_by_role("button", name="No problems").click()
    grip = page.get_by_role("separator", name="Width of the panel")
    grip.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    panel = page.get_by_role("complementary", name="Problems")
    assert panel.evaluate("(one) => one.offsetWidth") == 380 + 3 * 16
    page.goto(address)
    page.get_by_role("button", name="No problems").click()
    expect(panel).to_be_visible()
    assert panel.evaluate("(one) => one.offsetWidth") == 380 + 3 * 16


@pytest.mark.parametrize("width", [1440, 1000, 820, 390])
def test_it_fits_in_both_themes(browser: Browser, site: Site, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": {390: 844, 820: 1180}.get(width, 900)},
        locale="en-GB",
        has_touch=width < 900,
        reduced_motion="reduce",  # colours change at once
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    address = open_builder(page, site, "With mistakes")
    assert ("view=outline" in page.url) == (width == 390)
    for view in ("canvas", "outline"):
        page.goto(f"{address}?view={view}")
        expect(page.locator("#canvas[data-ready]")).to_be_attached()
        look_at(page, f"builder-{view}", width)
        page.locator("#problems-button").click()
        expect(page.get_by_role("complementary", name="Problems")).to_be_visible()
        look_at(page, f"builder-{view}-problems", width)
    page.get_by_role("button", name="More actions").click()
    look_at(page, "builder-menu", width)
    page.get_by_role("button", name="Keyboard").click()
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    look_at(page, "builder-keys", width)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add step").click()
    page.get_by_role("dialog", name="Add a step").get_by_role("searchbox").fill("wait")
    look_at(page, "builder-add", width)
    assert json.dumps(said) == "[]"
    context.close()


def look_at(page: Page, name: str, width: int) -> None:
    """In light and in dark: nothing sticks out, and at a desk axe has nothing to say."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        shot(page, f"{name}-{width}-{theme}")
        if width == 1440:
            assert violations(page) == ""
    assert_no_overflow(page)
