"""Settings in Chromium: typed, chosen, added and inserted, with the card that follows."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.secrets import VEIL
from store import fields
from tests.web.conftest import NOW, House, cart_flow
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot  # noqa: F401

pytestmark = pytest.mark.browser
STEPS: dict[str, Any] = {
    "hello": {
        "type": "send_message",
        "name": "Hello",
        "text": "Hi, what is holding you back?",
        "options": [{"id": "price", "label": "The price"}],
        "next": {"sent": "pause"},
    },
    "pause": {"type": "delay", "duration": "2d", "next": {"after": "regular"}},
    "regular": {"type": "if_else", "next": {"yes": "remind", "no": "end"}},
    "remind": {"type": "send_template", "next": {"sent": "call"}},
    "call": {
        "type": "webhook",
        "url": "http://127.0.0.1:9/points",
        "headers": {"Authorization": "Bearer 12345"},
        "next": {"ok": "end"},
    },
    "end": {"type": "end"},
}


async def furnish(house: House) -> None:
    async with house.web.database.write() as tx:
        await fields.define(tx, house.company, "size", "T-shirt size", "text", NOW)
    await house.automation(cart_flow("Welcome", start="hello", steps=STEPS))


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Any:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_step(page: Page, site: Site, step: str) -> None:
    page.goto(f"{site.address}/automations/1?step={step}")
    expect(page.locator("#settings")).to_be_visible()


def saved(page: Page) -> Any:
    """What a field's change waits for: its answer."""
    return page.expect_response(lambda answer: "/draft/steps/" in answer.url)


def test_a_message_is_written_and_the_card_follows(quiet: Page, site: Site) -> None:  # noqa: F811
    page = quiet
    enter(page, site)
    open_step(page, site, "hello")
    panel = page.locator("#panel")
    card = page.get_by_role("button", name="Send message: Hello")
    expect(card).to_be_visible()
    message = panel.get_by_label("Message", exact=True)
    message.fill("Dear ")
    expect(panel.get_by_text("5/1024")).to_be_visible()
    panel.get_by_role("button", name="Message: insert a variable").click()
    menu = page.get_by_role("dialog", name="Insert a variable")
    menu.get_by_label("Search variables").fill("first")
    with saved(page):
        menu.get_by_role("button", name="First name").click()
    expect(message).to_have_value('Dear {{ contact.first_name | default: "there" }}')
    expect(message).to_be_focused()
    expect(
        panel.get_by_role("region", name="How it looks").get_by_text("Dear Ada", exact=True)
    ).to_be_visible()
    expect(page.locator("#step-hello .summary")).to_contain_text("Dear first name")

    panel.get_by_role("button", name="Add an option").click()
    second = panel.get_by_role("textbox", name="Option 2")
    expect(second).to_be_focused()
    second.fill("Delivery takes too long for me")
    expect(panel.get_by_text("30/20")).to_be_visible()
    expect(panel.get_by_text("This is too long: 30 characters, at most 24 fit.")).to_be_hidden()
    expect(panel.get_by_text("Not saved: this is too long: 30 characters")).to_be_visible()
    expect(second).to_have_attribute("aria-invalid", "true")
    second.fill("Delivery")
    expect(panel.get_by_text("Not saved")).to_have_count(0)
    expect(second).not_to_have_attribute("aria-invalid", "true")
    panel.get_by_role("button", name="Option 2: Delivery: move up").click()
    expect(panel.get_by_role("textbox", name="Option 1")).to_have_value("Delivery")
    expect(panel.get_by_role("textbox", name="Option 1")).to_be_focused()
    options = panel.get_by_role("list", name="Options").get_by_role("listitem")
    expect(options).to_have_text(["Delivery", "The price"])

    with saved(page):
        panel.get_by_label("Sent", exact=True).select_option("New: Note")
    expect(panel.get_by_role("heading", name="Note")).to_be_visible()
    expect(panel.get_by_text("Write the note.")).to_be_hidden()  # nobody was in its field yet
    panel.get_by_label("Note", exact=True).first.focus()
    page.keyboard.press("Tab")
    expect(panel.get_by_text("Write the note.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_waiting_choosing_and_asking(quiet: Page, site: Site) -> None:  # noqa: F811
    page = quiet
    enter(page, site)
    open_step(page, site, "pause")
    panel = page.locator("#panel")
    expect(panel.get_by_text("goes on Wed 4 Mar")).to_be_visible()
    length = panel.get_by_label("How long", exact=True)
    length.fill("abc")
    expect(panel.get_by_text("Not saved: write it like 30m, 2h or 1d.")).to_be_visible()
    expect(page.locator("#step-pause .summary")).to_have_text("2 days")
    length.fill("3")
    expect(page.locator("#step-pause .summary")).to_have_text("3 days")
    expect(panel.get_by_text("Not saved")).to_have_count(0)
    panel.get_by_label("Wait", exact=True).select_option("Around a date of the contact")
    expect(panel.get_by_role("combobox", name="Field with the date")).to_be_visible()
    expect(panel.get_by_text("Say which field holds the date.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(length).to_have_value("3")

    open_step(page, site, "regular")
    panel.get_by_role("button", name="Add condition").click()
    what = panel.get_by_role("combobox", name="What is looked at").first
    expect(what).to_be_focused()
    panel.get_by_label("What it is compared with").fill("vip")
    expect(panel.get_by_text("Tags contains “vip”.")).to_be_visible()
    what.select_option("T-shirt size")
    panel.get_by_label("How it is compared").select_option("is one of")
    panel.get_by_placeholder("One on each line").fill("S\nM")
    expect(panel.get_by_text("Fields.size is one of “S, M”.")).to_be_visible()
    panel.get_by_role("button", name="Add group").click()
    turn = panel.get_by_role("button", name="Turn round: must not hold")
    expect(turn).to_have_count(3)
    turn.last.click()
    expect(panel.get_by_text("and not (tags contains", exact=False)).to_be_visible()
    shot(page, "condition")

    open_step(page, site, "remind")
    panel.get_by_label("Search templates").fill("cart")
    panel.get_by_role("button", name="cart_reminder").click()
    empty = panel.get_by_text("This is empty; WhatsApp refuses an empty variable.")
    panel.get_by_role("textbox", name="{{1}}").focus()
    expect(empty).to_be_hidden()  # nobody was in its field yet
    page.keyboard.press("Tab")
    expect(empty).to_be_visible()
    panel.get_by_role("textbox", name="{{1}}").fill("Ada")
    looks = panel.get_by_role("region", name="How it looks")
    expect(looks.get_by_text("Hi Ada, your cart is waiting.")).to_be_visible()
    assert_no_overflow(page)

    open_step(page, site, "call")
    expect(panel.get_by_label("Value: Authorization")).to_have_value(VEIL)
    panel.get_by_role("button", name="Try it").click()
    expect(panel.get_by_text("an address inside a private network")).to_be_visible()
    assert "12345" not in page.content()


def test_the_start_is_set_up(quiet: Page, site: Site) -> None:  # noqa: F811
    page = quiet
    enter(page, site)
    open_step(page, site, "@start")
    panel = page.locator("#panel")
    panel.get_by_text("Add a trigger").click()
    panel.get_by_role("button", name="Tag added").click()
    expect(panel.get_by_text("Any tag added")).to_be_visible()
    panel.get_by_label("Tag", exact=True).fill("vip")
    expect(panel.get_by_text("Tag “vip” added")).to_be_visible()
    panel.get_by_label("How often").select_option("Once ever")
    expect(page.locator("#start-card .summary")).to_contain_text("once ever")
    panel.get_by_role("button", name="Remove “Tag added”").click()
    expect(panel.get_by_text("Tag “vip” added")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_no_overflow(page)


def test_a_viewer_looks_and_changes_nothing(quiet: Page, site: Site) -> None:  # noqa: F811
    page = quiet
    enter(page, site, "viewer")
    open_step(page, site, "hello")
    panel = page.locator("#panel")
    expect(panel.get_by_text("You may look at it, but not change it.")).to_be_visible()
    expect(panel.get_by_label("Message", exact=True)).to_be_disabled()
    expect(panel.get_by_role("button", name="Delete step")).to_have_count(0)
