"""The simulator in Chromium: two days of the welcome flow in a minute, and a test of it."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from store import automations
from tests.web.conftest import NOW, House
from tests.web.seed import seed_run
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot
from tests.web.test_browser_axe import violations
from tests.web.tryout_panel import library

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser
CURRENT = re.compile(r"\bcurrent\b")  # the class of the card the run is at


async def furnish(house: House) -> None:
    await house.automation(library("welcome"))
    await seed_run(house, await house.live())


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_simulator(page: Page, site: Site, name: str, role: str = "owner") -> Locator:
    """The panel of the automation of that name."""
    enter(page, site, role)
    link = page.get_by_role("link", name=name, exact=True)
    page.goto(f"{site.address}{link.get_attribute('href')}?mode=simulate")
    panel = page.get_by_role("complementary", name="Simulator")
    expect(panel.get_by_role("log")).to_be_visible()
    return panel


def card(page: Page, name: str) -> Locator:
    """The card with that step's name."""
    head = page.get_by_role("button", name=name, exact=True)
    return page.locator("#cards > li").filter(has=head)


def test_two_days_of_the_welcome_flow(quiet: Page, site: Site) -> None:
    page = quiet
    page.set_viewport_size({"width": 1440, "height": 900})
    panel = open_simulator(page, site, "Welcome")
    log = panel.get_by_role("log")
    waits = panel.get_by_role("region", name="Where it stands").get_by_role("status")

    expect(log).to_contain_text("Bot: Hi Ada, welcome to Company A!")
    expect(waits).to_contain_text("Waits until Mon 2 Mar 23:00 (12 hours)")
    expect(card(page, "Wait for reply: What do they need?")).to_have_class(CURRENT)
    shot(page, "simulator-begins")

    log.get_by_role("button", name="Show me offers").click()
    expect(log).to_contain_text("Lovely! What are you looking for?")
    expect(card(page, "Wait for reply: Their choice")).to_have_class(CURRENT)
    log.get_by_text("Choose", exact=True).click()
    log.get_by_role("button", name="For the home").click()
    expect(log).to_contain_text("For the home: great choice!")
    expect(waits).to_contain_text("Goal reached: Showed interest")
    expect(panel.get_by_text("Tag + interested")).to_be_visible()

    panel.get_by_role("button", name="Step back").click()
    expect(log).not_to_contain_text("great choice")
    panel.get_by_role("button", name="1 day").click()
    expect(waits).to_contain_text("Finished")
    expect(panel.get_by_role("list").get_by_text("No reply", exact=False).first).to_be_visible()
    shot(page, "simulator-after-a-day")

    panel.get_by_role("button", name="From here again").first.click()
    expect(waits).to_contain_text("Waits until Mon 2 Mar 23:00")
    panel.get_by_role("button", name="Jump there").click()
    expect(waits).to_contain_text("Finished")
    panel.get_by_text("Pick a time").click()
    panel.get_by_label("Go on to").fill("2026-03-04T09:00")
    panel.get_by_role("button", name="Go", exact=True).click()
    expect(panel).to_contain_text("Wed 4 Mar 09:00")

    panel.get_by_text("Save as test…").click()
    panel.get_by_label("Name of the test").fill("Says nothing")
    panel.get_by_role("button", name="Save the test").click()
    expect(panel.get_by_text("The test “Says nothing” is saved.")).to_be_visible()
    panel.get_by_text("Tests (1)").click()
    expect(panel.get_by_role("list", name="Tests")).to_contain_text("Says nothing: passed")
    shot(page, "simulator-tests")

    panel.get_by_text("as Ada Byron").click()
    panel.get_by_text("What happens outside").click()
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert not violations(page)

    panel.get_by_role("button", name="What do they need?").first.click()
    expect(page.get_by_role("complementary", name="What do they need?")).to_be_visible()


def test_typing_keeps_the_focus_and_edits_are_played_at_once(quiet: Page, site: Site) -> None:
    page = quiet
    panel = open_simulator(page, site, "Welcome")
    log = panel.get_by_role("log")
    reply = panel.get_by_label("Reply as Ada")

    reply.click()
    page.keyboard.type("My order")
    page.keyboard.press("Enter")
    page.keyboard.type("#1001")  # before the first answer is there
    page.keyboard.press("Enter")
    expect(log).to_contain_text("We have noted “#1001”")
    expect(log).to_contain_text("Sure! What is your order number?")
    expect(reply).to_be_focused()
    expect(reply).to_have_value("")

    automation = int(page.url.rpartition("/")[2].partition("?")[0])
    changed = library("welcome")
    changed["steps"]["looking"]["text"] = "Noted {{ answers.wait_number }}. One moment!"
    asyncio.run_coroutine_threadsafe(save(site, automation, changed), site.loop).result(10)
    page.evaluate("document.dispatchEvent(new CustomEvent('flow:changed'))")
    expect(log).to_contain_text("Noted #1001. One moment!")

    # Whatever the panel shows meanwhile, the try-out goes on where it was: a late answer, too.
    late: list[Route] = []
    page.route("**/simulate", lambda route: late.append(route), times=1)  # noqa: PLW0108  it marks it
    with page.expect_request("**/simulate"):
        page.evaluate("document.dispatchEvent(new CustomEvent('flow:changed'))")
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('flow:open', {detail: {step: 'looking'}}))"
    )
    settings = page.get_by_role("complementary", name="We look it up")
    expect(settings).to_be_visible()
    with page.expect_response("**/simulate"):
        late[0].continue_()
    expect(settings).to_be_visible()
    expect(page.locator("#walk")).to_have_attribute("data-current", "end_help")
    words = page.get_by_role("textbox", name="Message", exact=True)
    words.fill("We look for {{ answers.wait_number }}.")
    words.press("Tab")
    page.get_by_role("link", name="Simulate").click()
    expect(log).to_contain_text("We look for #1001.")
    panel.get_by_role("button", name="Close").click()
    expect(page.locator("#walk")).not_to_have_attribute("data-current", "end_help")
    page.get_by_role("link", name="Simulate").click()
    expect(log).to_contain_text("We look for #1001.")

    panel.get_by_text("as Ada Byron").click()
    panel.get_by_label("As a copy of a contact").fill("ross")
    panel.get_by_role("list", name="Contacts found").get_by_role("button").click()
    expect(panel.get_by_text("as Ada Rossi (a copy)")).to_be_visible()
    expect(panel.get_by_text("ada@example.com")).to_be_visible()
    panel.get_by_label("Started by").select_option(label="By hand, without a trigger")
    expect(panel.get_by_text("started by hand")).to_be_visible()


def test_at_night_on_a_small_screen(quiet: Page, site: Site) -> None:
    page = quiet
    page.set_viewport_size({"width": 390, "height": 844})
    panel = open_simulator(page, site, "Abandoned cart", "viewer")
    expect(panel.get_by_role("log")).to_contain_text("Hi Ada, your cart is waiting.")
    panel.get_by_text("as Ada Byron").click()
    panel.get_by_label("Begins at").fill("2026-03-03T03:12")
    panel.get_by_label("Phone without buttons").check()
    panel.get_by_role("button", name="Begin with this").click()
    waits = panel.get_by_role("region", name="Where it stands").get_by_role("status")
    expect(waits).to_contain_text("Its message leaves Tue 3 Mar 09:00")
    expect(waits).to_contain_text("outside the sending hours")
    assert_no_overflow(page)
    panel.get_by_text("as Ada Byron").click()
    shot(page, "simulator-small")
    expect(panel.get_by_text("Save as test…")).to_have_count(0)


async def save(site: Site, automation: int, document: dict[str, Any]) -> None:
    assert site.house is not None
    async with site.house.web.database.write() as tx:
        await automations.save_draft(tx, site.house.company, automation, document, NOW)
