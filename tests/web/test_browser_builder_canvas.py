"""The canvas of the builder in Chromium: everything one can do there by mouse and by keys."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from store import automations
from tests.web.conftest import PASSWORD, House, cart_flow
from tests.web.test_browser import Site, quiet, shot

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser

STEP = "Send template: Remind of the cart"
REPLY = "Wait for reply: Did they answer?"


async def furnish(house: House) -> None:
    """The cart flow with a step that nothing leads to, and an empty automation."""
    document = cart_flow()
    document["steps"]["loose"] = {"type": "tag", "name": "Mark them", "add": ["asked"]}
    document["steps"]["loose"]["at"] = [336, 320]
    await house.automation(document)
    await house.automation({"spec": 1, "name": "Other", "triggers": {}, "steps": {}})


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_builder(page: Page, site: Site, number: int = 1, role: str = "owner") -> None:
    """The builder of an automation; the first time somebody signs in."""
    address = f"/automations/{number}"
    if page.url == "about:blank":
        page.emulate_media(reduced_motion="reduce")  # the view jumps instead of gliding
        page.goto(f"{site.address}/signin?next={address}")
        page.get_by_label("E-mail").fill(f"{role}@a.test")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    else:
        page.goto(site.address + address)
    expect(page.locator("flow-canvas[data-ready]")).to_be_attached()


def draft(site: Site, number: int = 1) -> dict[str, Any]:
    """The document as the server has it."""

    async def read() -> dict[str, Any]:
        assert site.house is not None
        async with site.house.web.database.read() as tx:
            return (await automations.get(tx, site.house.company, number)).draft

    return asyncio.run_coroutine_threadsafe(read(), site.loop).result(10)


def in_the_end(look: Callable[[], Any], wanted: Any) -> None:
    """What is saved a moment later is looked at until it is as wanted."""
    for _ in range(100):
        if look() == wanted:
            return
        time.sleep(0.1)
    assert look() == wanted


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def exit_of(page: Page, label: str, step: str) -> Locator:
    item = page.get_by_role("listitem").filter(has=card(page, step)).first
    return item.get_by_role("button", name=re.compile(rf"^{label}, "))


def middle(one: Locator) -> tuple[float, float]:
    box = one.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def saved(page: Page) -> Any:
    """Wait for the answer to a change: `with saved(page): …`."""
    return page.expect_response(lambda answer: "/draft/" in answer.url and answer.status == 200)


def on_line(page: Page, step: str, exit_: str, part: float = 0.5) -> tuple[float, float]:
    """A point of the window on a line, `part` of the way along it."""
    found = page.evaluate(
        """([step, exit, part]) => {
          const line = `g.line[data-step="${step}"][data-exit="${exit}"]`;
          const path = document.querySelector(`${line} .edge`);
          const { x, y } = path.getPointAtLength(part * (path.getTotalLength() - 20));
          const { a, d, e, f } = path.getScreenCTM();
          return [x * a + e, y * d + f];
        }""",
        [step, exit_, part],
    )
    return found[0], found[1]


def empty_spot(page: Page) -> tuple[float, float]:
    box = page.locator("flow-canvas").bounding_box()
    assert box is not None
    return box["x"] + box["width"] - 60, box["y"] + 60


def said(page: Page) -> Locator:
    return page.locator("#announcer")


def close_panel(page: Page) -> None:
    """Wait for the settings that open by themselves, and go back to their card."""
    field = "#panel :is(input:not([type=hidden]), select, textarea)"
    expect(page.locator(field).first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_hidden()


def fit(page: Page) -> None:
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Fit").click()


def test_by_mouse(quiet: Page, site: Site) -> None:
    page = quiet
    page.set_viewport_size({"width": 1440, "height": 900})
    open_builder(page, site)
    fit(page)
    # Cards move in steps of eight, and stay where they were put.
    x, y = middle(card(page, STEP))
    with saved(page):
        drag(page, (x, y), (x + 35, y + 91))
    left, top = draft(site)["steps"]["remind"]["at"]
    assert left % 8 == 0 and top % 8 == 0 and top > 0  # noqa: PT018  one place
    expect(page.get_by_role("complementary")).to_be_hidden()  # a drag is no click
    # Esc in a drag puts everything back.
    before = card(page, REPLY).bounding_box()
    page.mouse.move(*middle(card(page, REPLY)))
    page.mouse.down()
    page.mouse.move(700, 700, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert card(page, REPLY).bounding_box() == before
    # Connect by drag; the reason is said where it cannot be.
    with saved(page):
        drag(page, middle(exit_of(page, "Any other reply", REPLY)), middle(card(page, "End")))
    expect(exit_of(page, "Any other reply", REPLY)).to_have_accessible_name(
        "Any other reply, goes to End"
    )
    assert draft(site)["steps"]["reply"]["next"]["other"] == "end"
    drag(page, middle(exit_of(page, "Any other reply", REPLY)), middle(card(page, "Start")))
    expect(said(page)).to_have_text("Nothing can lead to Start.")
    # Connect by two clicks.
    exit_of(page, "Any other reply", REPLY).click()
    expect(said(page)).to_contain_text("Connecting “Any other reply”")
    with saved(page):
        card(page, "Send message").click()
    assert draft(site)["steps"]["reply"]["next"]["other"] == "thank"
    # A line's end can be taken elsewhere, and its tools remove it or put a step on it.
    with saved(page):
        drag(page, on_line(page, "reply", "other", 0.97), middle(card(page, "End")))
    assert draft(site)["steps"]["reply"]["next"]["other"] == "end"
    page.mouse.move(*on_line(page, "remind", "sent"))
    page.get_by_role("button", name="Add a step on this line").click()
    page.get_by_role("searchbox").fill("dela")
    with saved(page):
        page.keyboard.press("Enter")
    steps = draft(site)["steps"]
    assert steps["remind"]["next"]["sent"] == "delay"
    assert steps["delay"]["next"]["after"] == "reply"
    close_panel(page)
    fit(page)
    page.mouse.move(*on_line(page, "thank", "sent"))
    with saved(page):
        page.get_by_role("button", name="Remove this line").click()
    assert "sent" not in draft(site)["steps"]["thank"].get("next", {})
    # A loose step dragged onto a line is inserted there.
    fit(page)
    with saved(page):
        drag(page, middle(card(page, "Tag: Mark them")), on_line(page, "@start", "start"))
    steps = draft(site)["steps"]
    assert draft(site)["start"] == "loose"
    assert steps["loose"]["next"]["done"] == "remind"
    # Undo takes back one thing at a time; its button says which.
    with saved(page):
        page.get_by_role("button", name=re.compile("^Undo: ")).click()
    assert draft(site)["start"] == "remind"
    shot(page, "canvas-mouse")


def test_by_mouse_menus_and_boxes(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site)
    # Dropped on empty canvas: the menu of kinds.
    fit(page)
    drag(page, middle(exit_of(page, "Done", "Tag: Mark them")), empty_spot(page))
    expect(page.get_by_role("dialog", name="Add a step")).to_be_visible()
    with saved(page):
        page.get_by_role("dialog").get_by_role("button", name=re.compile("^End")).click()
    steps = draft(site)["steps"]
    assert steps["loose"]["next"]["done"] == "end_2"
    close_panel(page)
    # A kind dragged out of the menu stands where it was dropped.
    page.get_by_role("button", name="Add step").click()
    kind = page.get_by_role("dialog", name="Add a step").get_by_role("button", name="Delay").first
    kind.scroll_into_view_if_needed()
    x, y = empty_spot(page)
    with saved(page):
        drag(page, middle(kind), (x - 200, y + 10))
    assert draft(site)["steps"]["delay"]["at"]
    close_panel(page)
    fit(page)
    # The context menu of a card, a line and of nothing.
    card(page, "Send message").click(button="right")
    with saved(page):
        page.get_by_role("menuitem", name="Duplicate").click()
    assert "send_message" in draft(site)["steps"] or "thank_2" in draft(site)["steps"]
    page.mouse.click(*on_line(page, "@start", "start"), button="right")
    with saved(page):
        page.get_by_role("menuitem", name="Remove the line").click()
    assert not draft(site).get("start")
    page.mouse.click(*empty_spot(page), button="right")
    page.get_by_role("menuitem", name="Select all").click()
    expect(said(page)).to_contain_text("steps selected")
    page.mouse.click(*empty_spot(page))
    # A box takes what it touches; the bar acts on it.
    first = card(page, "Start").bounding_box()
    assert first is not None
    page.keyboard.down("Shift")
    drag(page, (first["x"] - 10, first["y"] - 10), middle(card(page, STEP)))
    page.keyboard.up("Shift")
    bar = page.get_by_role("toolbar", name="Selection")
    expect(bar).to_contain_text("2 selected")
    with saved(page):
        bar.get_by_role("button", name="Delete").click()
    assert "remind" not in draft(site)["steps"]
    expect(card(page, STEP)).to_have_count(0)
    # Click a line, press Delete.
    page.mouse.click(*on_line(page, "reply", "other", 0.3))
    with saved(page):
        page.keyboard.press("Delete")
    assert "other" not in draft(site)["steps"]["reply"]["next"]


def test_by_keyboard(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site)
    card(page, "Start").focus()
    for key, there in (
        ("ArrowRight", STEP),
        ("ArrowRight", REPLY),
        ("ArrowRight", "Send message"),
        ("ArrowLeft", REPLY),
        ("ArrowLeft", STEP),
        ("Home", "Start"),
    ):
        page.keyboard.press(key)
        expect(card(page, there)).to_be_focused()
    # One stop for Tab: the card one was at.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(card(page, STEP)).to_be_focused()
    # Several moves by keys are one change.
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+Shift+ArrowRight")
    expect(said(page)).to_have_text("Remind of the cart moved right")
    in_the_end(lambda: draft(site)["steps"]["remind"].get("at"), [416, 8])
    # To the exits, choose one, connect, disconnect.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("e")
    expect(exit_of(page, "Any other reply", REPLY)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(exit_of(page, "No reply", REPLY)).to_be_focused()
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text(
        "Connecting “No reply”. Choose a step and press Enter, or Escape to cancel"
    )
    page.keyboard.press("Escape")
    expect(exit_of(page, "No reply", REPLY)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(card(page, "Send message")).to_be_focused()
    with saved(page):
        page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("“No reply” connected to Send message")
    assert draft(site)["steps"]["reply"]["next"]["no_reply"] == "thank"
    card(page, REPLY).focus()
    page.keyboard.press("e")
    with saved(page):
        page.keyboard.press("Delete")
    assert "other" not in draft(site)["steps"]["reply"]["next"]
    # A on the exit adds there and leads into the new card's settings.
    page.keyboard.press("a")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("tag")
    page.keyboard.press("ArrowDown")
    with saved(page):
        page.keyboard.press("Enter")
    assert draft(site)["steps"]["reply"]["next"]["other"] == "tag"
    close_panel(page)
    # Select, copy the other ways, delete and take it back.
    card(page, "Send message").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("toolbar", name="Selection")).to_contain_text("2 selected")
    with saved(page):
        page.keyboard.press("Control+d")
    assert len(draft(site)["steps"]) == 8
    with saved(page):
        page.keyboard.press("Delete")
    expect(said(page)).to_contain_text("2 steps deleted. Undo with Control Z")
    with saved(page):
        page.keyboard.press("Control+z")
    expect(said(page)).to_have_text("Undone: Delete 2 steps")
    with saved(page):
        page.keyboard.press("Control+Shift+z")
    assert len(draft(site)["steps"]) == 6
    # The gap closes with Ctrl.
    card(page, STEP).focus()
    page.keyboard.press("Escape")
    with saved(page):
        page.keyboard.press("Control+Delete")
    assert draft(site)["start"] == "reply"
    expect(card(page, "Start")).to_be_focused()  # the card before
    # Looking around.
    page.keyboard.press("Control+-")
    page.keyboard.press("Control+0")
    expect(page.get_by_role("button", name="Zoom to 100%")).to_have_text("100%")
    page.keyboard.press("Shift+?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("F8")
    expect(said(page)).not_to_be_empty()
    shot(page, "canvas-keyboard")


def test_what_is_copied_goes_into_another_automation(browser: Browser, site: Site) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    open_builder(page, site)
    card(page, STEP).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Control+c")
    expect(said(page)).to_have_text("2 steps copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert set(copied["steps"]) == {"remind", "reply"}
    open_builder(page, site, 2)
    card(page, "Start").focus()
    with saved(page):
        page.keyboard.press("Control+v")
    pasted = draft(site, 2)["steps"]
    assert pasted["remind"]["next"] == {"sent": "reply"}
    assert not pasted["reply"].get("next")  # their targets stayed behind
    expect(card(page, REPLY)).to_be_visible()
    with saved(page):
        page.keyboard.press("Control+a")
        page.keyboard.press("Control+x")
    assert draft(site, 2)["steps"] == {}
    context.close()


def test_a_viewer_only_looks(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site, role="viewer")
    x, y = middle(card(page, STEP))
    drag(page, (x, y), (x + 100, y + 80))
    card(page, STEP).focus()
    for key in ("Delete", "a", "Control+z", "Alt+ArrowDown", "Control+d"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    exit_of(page, "Sent", STEP).click()
    expect(page.get_by_role("complementary")).to_be_visible()  # reading is allowed
    expect(page.get_by_role("button", name=re.compile("^Add a step"))).to_have_count(0)
    assert "at" not in draft(site)["steps"]["remind"]


def test_the_view_is_as_it_was_left(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site)
    zoom = page.get_by_role("group", name="Zoom")
    page.mouse.move(*empty_spot(page))
    page.mouse.wheel(0, 40)
    for _ in range(6):
        zoom.get_by_role("button", name="Zoom out").click()
    level = zoom.get_by_role("button", name="Zoom to 100%").inner_text()
    assert int(level.rstrip("%")) < 50
    expect(exit_of(page, "Sent", STEP)).to_be_hidden()  # from far away only icon and name
    place = middle(card(page, "Start"))
    page.wait_for_function("() => localStorage.getItem('tiptoe-view-1')?.includes('\"k\":0.3')")
    page.reload()
    expect(zoom.get_by_role("button", name="Zoom to 100%")).to_have_text(level)
    assert middle(card(page, "Start")) == pytest.approx(place, abs=1)
    # Going to a step makes it readable again.
    card(page, "Start").focus()
    page.keyboard.press("ArrowRight")
    expect(exit_of(page, "Sent", STEP)).to_be_visible()


def test_what_is_searched_is_gone_through(quiet: Page, site: Site) -> None:
    page = quiet
    open_builder(page, site)
    card(page, "Start").focus()
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search this automation")
    expect(field).to_be_focused()
    field.fill("the")
    page.keyboard.press("Enter")  # Remind of the cart, Did they answer?, Mark them
    expect(card(page, STEP)).to_be_focused()
    expect(said(page)).to_have_text("1 of 3")
    page.keyboard.press("n")
    expect(card(page, REPLY)).to_be_focused()
    page.get_by_role("complementary").get_by_role("button", name="Mark them").click()
    expect(page.get_by_role("heading", name="Mark them")).to_be_visible()
    card(page, "Tag: Mark them").focus()
    page.keyboard.press("Shift+N")  # its list is remembered, though the panel shows settings
    expect(card(page, REPLY)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile("mode=simulate"))
