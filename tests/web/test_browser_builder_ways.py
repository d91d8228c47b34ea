"""One automation, built by mouse, by keyboard, and through the outline of a small screen: the same
document each time.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from store import automations
from tests.web.test_browser import Site, enter, nothing

pytestmark = pytest.mark.browser

WANTED: dict[str, Any] = {
    "send_message": {
        "type": "send_message",
        "name": "Greeting",
        "text": "Hello and welcome!",
        "next": {"sent": "wait_for_reply"},
    },
    "wait_for_reply": {
        "type": "wait_for_reply",
        "name": "Did they answer?",
        "next": {"no_reply": "end", "other": "end"},
    },
    "end": {"type": "end"},
}


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, nothing)
    made.start()
    yield made
    made.stop()


def begin(page: Page, site: Site) -> int:
    """A new automation, open in the builder; its id."""
    enter(page, site)
    page.get_by_role("button", name="Start from nothing").click()
    page.wait_for_url(re.compile(r"/automations/\d+"))
    expect(page.get_by_role("region", name=re.compile("^Automation steps"))).to_be_visible()
    found = re.search(r"/automations/(\d+)", page.url)
    assert found is not None
    return int(found[1])


def steps_of(site: Site, automation_id: int) -> dict[str, Any]:
    """The steps of the draft, without their places on the canvas."""
    house = site.house
    assert house is not None

    async def read() -> dict[str, Any]:
        async with house.web.database.read() as tx:
            return (await automations.get(tx, house.company, automation_id)).draft

    draft = asyncio.run_coroutine_threadsafe(read(), site.loop).result(10)
    assert draft["start"] == "send_message"
    steps: dict[str, Any] = draft["steps"]
    return {
        name: {key: value for key, value in step.items() if key != "at"}
        for name, step in steps.items()
    }


def choose(page: Page, kind: str) -> None:
    """A kind from the menu of steps, by a click."""
    menu = page.get_by_role("dialog", name="Add a step")
    menu.get_by_role("button", name=re.compile(f"^{kind}")).click()
    expect(menu).to_be_hidden()
    expect(page.get_by_role("complementary", name=kind)).to_be_visible()


def fill(page: Page, name: str, text: str = "") -> None:
    """The open step's name, and its message."""
    panel = page.get_by_role("complementary")
    panel.get_by_role("textbox", name="Name", exact=True).fill(name)
    if text:
        panel.get_by_role("textbox", name="Message", exact=True).fill(text)


def saved(page: Page, card: str) -> None:
    """The card says what was typed, so the server has it."""
    expect(page.get_by_role("button", name=card, exact=True)).to_be_visible()


def by_mouse(page: Page) -> None:
    page.get_by_role("button", name="Add a step after “Start”").click()
    choose(page, "Send message")
    fill(page, "Greeting", WANTED["send_message"]["text"])
    saved(page, "Send message: Greeting")
    page.get_by_role("button", name="Add a step after “Sent”").click()
    choose(page, "Wait for reply")
    fill(page, "Did they answer?")
    saved(page, "Wait for reply: Did they answer?")
    page.get_by_role("button", name="Add a step after “No reply”").click()
    choose(page, "End")
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("Shift+1")
    wait = page.get_by_role("listitem").filter(
        has=page.get_by_role("button", name="Wait for reply")
    )
    wait.get_by_role("button", name="More exits (1)").click()
    exit_ = page.get_by_role("button", name="Any other reply, not connected")
    end = page.get_by_role("button", name=re.compile("^End"))
    here, there = exit_.bounding_box(), end.bounding_box()
    assert here is not None
    assert there is not None
    page.mouse.move(here["x"] + here["width"] - 2, here["y"] + here["height"] / 2)
    page.mouse.down()
    page.mouse.move(there["x"] + 30, there["y"] + 20, steps=8)
    page.mouse.up()
    expect(page.get_by_role("button", name="Any other reply, goes to End")).to_be_visible()


def by_keyboard(page: Page) -> None:
    press, type_ = page.keyboard.press, page.keyboard.type
    for _ in range(60):
        press("Tab")
        if page.evaluate("document.activeElement.closest('flow-canvas') !== null"):
            break
    press("Home")
    press("e")
    press("a")
    expect(page.get_by_role("dialog", name="Add a step")).to_be_visible()
    type_("Send mess")
    press("Enter")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    type_("Greeting")
    message = page.get_by_role("textbox", name="Message", exact=True)
    press("Tab")
    expect(message).to_be_focused()
    type_(WANTED["send_message"]["text"])
    saved(page, "Send message: Greeting")
    press("Escape")
    expect(page.get_by_role("button", name="Send message: Greeting")).to_be_focused()
    press("e")
    press("a")
    type_("Wait for rep")
    press("Enter")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    type_("Did they answer?")
    saved(page, "Wait for reply: Did they answer?")
    press("Escape")
    press("e")
    to_exit(page, "No reply, not connected")
    press("a")
    type_("End")
    press("Enter")
    expect(page.get_by_role("complementary", name="End")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    press("Escape")
    press("ArrowLeft")
    press("e")
    to_exit(page, "More exits (1)")
    press("Enter")
    to_exit(page, "Any other reply, not connected")
    press("Enter")
    for _ in range(6):
        if page.evaluate("document.activeElement.getAttribute('aria-label') || ''").startswith(
            "End"
        ):
            break
        press("ArrowRight")
    press("Enter")
    expect(page.get_by_role("button", name="Any other reply, goes to End")).to_be_visible()


def to_exit(page: Page, name: str) -> None:
    """Down the exits of a card until this one has the focus."""
    wanted = page.get_by_role("button", name=name)
    for _ in range(6):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("ArrowDown")
    expect(wanted).to_be_focused()


def by_outline(page: Page) -> None:
    page.get_by_role("button", name="Add a step after “Start”").click()
    choose(page, "Send message")
    fill(page, "Greeting", WANTED["send_message"]["text"])
    saved(page, "Send message: Greeting")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Add a step after “Sent”").click()
    choose(page, "Wait for reply")
    fill(page, "Did they answer?")
    saved(page, "Wait for reply: Did they answer?")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Add a step after “No reply”").click()
    menu = page.get_by_role("dialog", name="Add a step")
    menu.get_by_role("button", name=re.compile("^End")).click()
    saved(page, "End")
    page.wait_for_load_state("networkidle")  # its settings may or may not have opened by themselves
    page.get_by_role("button", name="Wait for reply: Did they answer?").click()
    page.get_by_role("combobox", name="Any other reply").select_option(label="End")
    page.get_by_role("button", name="Close").click()


def test_a_late_answer_does_not_change_another_steps_settings(page: Page, site: Site) -> None:
    begin(page, site)
    page.get_by_role("button", name="Add a step after “Start”").click()
    choose(page, "Send message")
    fill(page, "Greeting", "Hello!")
    saved(page, "Send message: Greeting")
    greeting = page.get_by_role("listitem").filter(has_text="Greeting")
    expect(greeting.get_by_text("Hello!", exact=True)).to_be_visible()  # nothing is on its way
    held: list[Route] = []
    late = threading.Event()

    def hold(route: Route) -> None:
        if late.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route("**/draft/steps/send_message", hold)
    page.get_by_role("textbox", name="Name", exact=True).fill("")
    page.get_by_role("textbox", name="Message", exact=True).fill("Hello again!")
    page.get_by_role("button", name="Add a step after “Sent”").click()
    choose(page, "Wait for reply")
    late.set()  # what is sent only now is not held up
    while held:
        with page.expect_response("**/draft/steps/send_message"):
            held.pop().continue_()
    card = page.get_by_role("listitem").filter(has_text="Hello again!")
    expect(card.first).to_be_visible()
    panel = page.get_by_role("complementary", name="Wait for reply")
    expect(panel.get_by_role("combobox", name="No reply")).to_be_visible()
    expect(page.get_by_role("combobox", name="Sent")).to_have_count(0)


WAYS: dict[str, tuple[Callable[[Page], None], int, int]] = {
    "mouse": (by_mouse, 1440, 900),
    "keyboard": (by_keyboard, 1440, 900),
    "outline": (by_outline, 390, 844),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_is_built(browser: Browser, site: Site, way: str) -> None:
    build, width, height = WAYS[way]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    made = begin(page, site)
    build(page)
    page.wait_for_load_state("networkidle")
    assert steps_of(site, made) == WANTED
    context.close()
