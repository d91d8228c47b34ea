"""Messages, phones, alerts, queue and templates in Chromium, at a desk and on a phone."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from store.messages import messages
from store.phones import phones
from tests.web.gateway_seed import LATE, NEW, OUTLET, SHOP, TILL, furnish
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def write(site: Site, phone_id: int, **told: object) -> None:
    """What the owner of a linked device writes about it."""
    house = site.house
    assert house is not None

    async def change() -> None:
        async with house.web.database.write() as tx:
            await tx.execute(sa.update(phones).where(phones.c.id == phone_id).values(**told))

    asyncio.run_coroutine_threadsafe(change(), site.loop).result(10)


def message_ids(site: Site) -> dict[str, int]:
    """The last message of each state."""
    house = site.house
    assert house is not None
    query = sa.select(messages.c.state, messages.c.id).order_by(messages.c.id.desc())
    rows = asyncio.run_coroutine_threadsafe(house.rows(query), site.loop).result(10)
    return {row.state: row.id for row in rows}


def test_a_message_tells_its_story_and_is_recalled(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Contacts").click()
    page.get_by_role("link", name="Ada Rossi").click()
    page.get_by_text("Why?").click()
    page.get_by_role("link", name="Its whole story").click()
    expect(page.get_by_role("heading", name="Why through Shop")).to_be_visible()
    expect(page.get_by_role("row", name="Sent today × seniority 20 × 0.46 9.2")).to_be_visible()
    page.get_by_text("All that was asked").click()
    expect(page.get_by_text("It answers a live chat.")).to_be_visible()
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("link", name="Emanuela De Santis").last.click()
    page.get_by_role("button", name="Recall").click()
    page.get_by_role("dialog").get_by_role("button", name="Recall it").click()
    expect(page.get_by_text("Recalled: it is not sent any more.")).to_be_visible()


def test_campaigns_are_sent_again_only_knowingly(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    banner = page.get_by_text("Shop: campaigns rest until Sat 7 Mar")
    expect(banner).to_be_visible()
    page.get_by_role("link", name="See the phone").click()
    page.get_by_role("button", name="Send campaigns again…").click()
    dialog = page.get_by_role("dialog", name="Send campaigns again?")
    dialog.get_by_role("button", name="Send campaigns again").click()
    expect(dialog).to_be_visible()  # the tick is missing
    dialog.get_by_label("I know that the number can be lost").check()
    dialog.get_by_role("button", name="Send campaigns again").click()
    expect(page.get_by_text("Campaigns go through this phone again.")).to_be_visible()
    expect(banner).to_be_hidden()


def test_a_phone_is_paused_limited_and_resumed(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Phones").click()
    page.get_by_role("link", name="Till").click()
    page.get_by_label("Messages a day").fill("none")
    with page.expect_response(lambda answer: answer.status == 422):
        page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="A whole number")).to_be_visible()
    page.get_by_label("Messages a day").fill("40")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("progressbar", name="Messages today: 52 of 40")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("It sends nothing until it is resumed.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("It sends as usual again.")).to_be_visible()


def test_the_code_renews_itself_until_the_phone_is_connected(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.goto(f"{site.address}/phones/{NEW}/pair")
    expect(page.get_by_role("img", name="The code to scan")).to_be_visible()
    write(site, NEW, pairing={"state": "scanned"})
    expect(page.get_by_text("Scanned, connecting…")).to_be_visible()
    told = {"pairing": {"state": "connected"}, "status": "connected", "number": "+393330001112"}
    write(site, NEW, **told)
    expect(page.get_by_text("Connected as +393330001112.")).to_be_visible()
    page.get_by_role("link", name="Go to its page").click()
    expect(page.get_by_role("heading", name="New", level=1)).to_be_visible()
    page.goto(f"{site.address}/phones/{LATE}/pair")
    page.get_by_role("button", name="Ask for a new code").click()
    expect(page.get_by_text("Asking WhatsApp for a code…")).to_be_visible()
    page.get_by_label("The phone’s number").fill("+39 333 1234567")
    with page.expect_response("**/pairing"):
        page.get_by_role("button", name="Get a code to type").click()
    write(site, LATE, pairing={"state": "waiting_code", "code": "ABCD-EFGH"}, wanted=None)
    expect(page.get_by_text("ABCD-EFGH")).to_be_visible()


def test_alerts_are_worked_off(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Alerts, 1 critical").click()
    page.get_by_label("Snooze “Template stopped”").select_option("1 day")
    expect(page.get_by_text("Snoozed for 1 day.")).to_be_visible()
    page.get_by_role("button", name="Resolve “Logged out”").click()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("link", name="Alerts", exact=True)).to_be_visible()


def test_templates_are_found_while_typing(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Templates").click()
    page.get_by_label("Search by name").press_sequentially("shipped")
    expect(page.get_by_role("listitem").filter(has_text="Category")).to_have_count(1)


def test_on_a_phone_the_rest_of_the_navigation_is_behind_more(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    enter(page, site)
    expect(page.get_by_role("link", name="Phones")).to_be_hidden()
    page.get_by_role("navigation", name="Main").get_by_role("button", name="More").click()
    shot(page, "more-390")
    page.get_by_role("link", name="Phones").click()
    expect(page.get_by_role("heading", name="Phones", level=1)).to_be_visible()
    context.close()


@pytest.mark.parametrize(
    ("width", "theme"), [(1440, "light"), (1440, "dark"), (820, "light"), (390, "dark")]
)
def test_every_page_fits(browser: Browser, site: Site, width: int, theme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 400 else 844},
        color_scheme=theme,  # type: ignore[arg-type]
        locale="en-GB",
        has_touch=width < 900,
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    enter(page, site)
    ids = message_ids(site)
    places = {
        "message-read": f"/messages/{ids['read']}",
        "message-failed": f"/messages/{ids['failed']}",
        "message-queued": f"/messages/{ids['queued']}",
        "phones": "/phones",
        "phone-cloud": f"/phones/{SHOP}",
        "phone-linked": f"/phones/{TILL}",
        "phone-out": f"/phones/{OUTLET}",
        "phone-add": "/phones/new",
        "phone-pair": f"/phones/{NEW}/pair",
        "alerts": "/alerts",
        "queue": "/queue",
        "templates": "/templates",
    }
    for name, address in places.items():
        page.goto(site.address + address)
        assert_no_overflow(page)
        shot(page, f"{name}-{width}-{theme}")
    assert not said, said
    context.close()
