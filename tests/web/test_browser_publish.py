"""Publishing in the builder, the list's menus, the gallery and the first run, in Chromium."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, ViewportSize, expect

from store import automations
from store.users import users
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot
from tests.web.test_browser_axe import violations

__all__ = ["quiet"]  # a fixture

pytestmark = pytest.mark.browser
SMALL: ViewportSize = {"width": 390, "height": 844}


async def furnish(house: House) -> None:
    """A live automation with somebody inside, whose draft has lost their step; and a paused one."""
    made = await house.live(cart_flow("Carts"))
    await seed_run(house, made)
    document = cart_flow("Carts")
    document["steps"]["remind"]["next"] = {"sent": "thank"}
    del document["steps"]["reply"]
    paused = await house.live(cart_flow("Shipped"))
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, document, NOW)
        await automations.pause(tx, house.company, paused, NOW)


async def nobody(house: House) -> None:
    """Nobody can sign in yet."""
    async with house.web.database.write() as tx:
        await tx.execute(sa.delete(users))


def assert_clean(page: Page) -> None:
    """Axe finds nothing, in either theme."""
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert violations(page) == ""


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def new_site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, nobody)
    made.start()
    yield made
    made.stop()


def test_publishing_asks_first_and_can_be_taken_back(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site, "editor")
    page.get_by_role("link", name="Carts").click()
    publish = page.get_by_role("link", name="Publish changes…")
    publish.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Publish revision 2")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("Removed “Did they answer?”")).to_be_visible()
    assert_clean(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(publish).to_be_focused()

    page.keyboard.press("Enter")
    fate = dialog.get_by_label("What happens to those who wait at Did they answer?")
    fate.select_option("Leave the automation")
    dialog.get_by_label("Comment").fill("No more waiting")
    page.set_viewport_size(SMALL)
    assert_no_overflow(page)
    shot(page, "publish-dialog-390")
    page.set_viewport_size({"width": 1440, "height": 900})
    dialog.get_by_role("button", name="Publish revision 2").click()
    expect(page.get_by_text("Revision 2 is live. 1 run ended.")).to_be_visible()
    expect(dialog).to_be_hidden()
    bar = page.locator("#status-bar")
    expect(bar.get_by_text("Live · revision 2")).to_be_visible()
    expect(page.get_by_role("link", name="See results")).to_be_visible()
    page.get_by_role("button", name="Undo: back to revision 1").click()
    expect(page.get_by_text("Revision 3 is live.")).to_be_visible()
    expect(bar.get_by_text("Draft has changes")).to_be_visible()
    page.get_by_role("button", name="Close this message").click()
    expect(page.get_by_text("Revision 3 is live.")).to_be_hidden()


def test_a_refused_plan_comes_back_and_a_problem_leads_to_its_step(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site, "editor")
    page.get_by_role("link", name="Carts").click()
    page.get_by_role("link", name="Publish changes…").click()
    dialog = page.get_by_role("dialog")
    # The draft changes while the dialog is open: what was looked at is not what there is.
    dialog.locator("input[name=expected]").evaluate("one => one.value = 'of another draft'")
    dialog.get_by_label("Comment").fill("Kept words")
    dialog.get_by_role("button", name="Publish revision 2").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Not published.")
    expect(dialog.get_by_label("Comment")).to_have_value("Kept words")
    dialog.get_by_role("button", name="Go to").first.click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("complementary")).to_be_visible()


def test_the_menu_of_a_line_works_by_keyboard(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site, "editor")
    more = page.get_by_role("button", name="More for Carts")
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Duplicate")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Folder…")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Folder of “Carts”")
    dialog.get_by_label("Name of the folder").fill("Shop")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Carts” is in the folder “Shop” now.")).to_be_visible()
    row = page.get_by_role("row", name=re.compile("Carts"))
    expect(row.get_by_text("Shop")).to_be_visible()

    more.click()
    page.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("Paused")).to_be_visible()
    page.locator("#toasts").get_by_role("button", name="Resume").click()
    expect(row.get_by_text("Live", exact=True)).to_be_visible()

    page.once("dialog", lambda one: one.accept())
    more.click()
    page.get_by_role("button", name="Archive").click()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Take it out again").click()
    expect(page.get_by_role("row", name=re.compile("Carts"))).to_contain_text("Paused")

    page.get_by_label("Starts by").select_option("Campaign")
    expect(page.get_by_role("heading", name="No automation fits")).to_be_visible()
    page.set_viewport_size(SMALL)
    page.goto(f"{site.address}/automations")
    page.get_by_role("button", name="New", exact=True).click()
    menu = page.get_by_role("link", name="From the gallery")
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SMALL["width"]
    assert_no_overflow(page)
    menu.click()
    expect(page.get_by_role("heading", name="Gallery", level=1)).to_be_visible()
    assert_no_overflow(page)
    shot(page, "gallery-390")


def test_the_gallery_leads_to_the_simulator(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site, "editor")
    page.goto(f"{site.address}/automations/gallery")
    page.get_by_role("link", name="Ask and learn").click()
    expect(page.get_by_role("article")).to_have_count(3)
    page.get_by_role("link", name="Lead qualification").click()
    expect(page.get_by_role("img", name="Picture of the flow: 13 steps")).to_be_visible()
    assert_clean(page)
    page.set_viewport_size(SMALL)
    assert_no_overflow(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Use and try it").click()
    expect(page.get_by_role("heading", name="Lead qualification", level=1)).to_be_visible()
    expect(page.get_by_role("heading", name="Simulator")).to_be_visible()


def test_the_first_run_ends_in_the_simulator(quiet: Page, new_site: Site) -> None:
    page, site = quiet, new_site
    page.goto(site.address)
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    assert_clean(page)
    page.get_by_label("Name of the company").fill("Mug House")
    page.get_by_label("Your name").fill("Ada Rossi")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.set_viewport_size(SMALL)
    assert_no_overflow(page)
    shot(page, "setup-390")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Your WhatsApp")).to_be_visible()
    page.get_by_label("Connect a number of the Cloud API").check()
    expect(page.get_by_label("Phone number id")).to_be_visible()
    assert_clean(page)
    assert_no_overflow(page)
    page.get_by_label("Later").check()
    expect(page.get_by_label("Phone number id")).to_be_hidden()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Your first automation")).to_be_visible()
    assert_clean(page)
    assert_no_overflow(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("article", name="Welcome").get_by_role("button", name="Try this one").click()
    expect(page.get_by_role("heading", name="Simulator")).to_be_visible()
