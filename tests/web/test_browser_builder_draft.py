"""Two people with the same automation open in Chromium: who changes what, and what each is told."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import PASSWORD, House, cart_flow
from tests.web.test_browser import Site, shot

pytestmark = pytest.mark.browser

REPLY = "Wait for reply: Did they answer?"


async def furnish(house: House) -> None:
    await house.automation(cart_flow())


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_builder(browser: Browser, site: Site, role: str, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{site.address}/signin?next=/automations/1")
    page.get_by_label("E-mail").fill(f"{role}@a.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("flow-canvas[data-ready]")).to_be_attached()
    return page


def send(page: Page, *changes: dict[str, object]) -> None:
    """Put changes into the page's queue, as its parts do, and wait for the answer."""
    with page.expect_response(re.compile("/draft/changes")):
        page.evaluate(
            """(changes) => document.dispatchEvent(
              new CustomEvent("flow:send", { detail: { changes } }))""",
            list(changes),
        )


def test_two_editors(browser: Browser, site: Site) -> None:
    ann = open_builder(browser, site, "editor")
    ema = open_builder(browser, site, "owner", "dark")

    # What one adds, the other sees; where a new card is added it opens, elsewhere it does not.
    send(ann, {"do": "add", "kind": "tag", "after": {"step": "thank", "exit": "sent"}})
    expect(ann.get_by_role("button", name="Tag", exact=True)).to_be_visible()
    expect(ann.get_by_role("complementary")).to_be_visible()
    expect(ema.get_by_role("button", name="Tag", exact=True)).to_be_visible()
    expect(ema.get_by_role("complementary")).to_be_hidden()
    expect(ema.get_by_role("button", name="Undo: Add Tag")).to_be_enabled()

    # Both set the same field; the later one is told, and can take it back.
    ema.evaluate("document.querySelector('flow-canvas').queue.catchUp = () => {}")  # hears nothing
    send(ann, {"do": "edit", "place": "/steps/reply/up_to", "value": "2d"})
    expect(ann.get_by_text("up to 2 days")).to_be_visible()
    send(ema, {"do": "edit", "place": "/steps/reply/up_to", "value": "3d"})
    toast = ema.get_by_role("alert").filter(has_text="Editor of A set this to 2 days just now.")
    expect(toast).to_be_visible()
    shot(ema, "builder-conflict-dark")
    with ema.expect_response(re.compile("/draft/at")):
        toast.get_by_role("button", name="Undo").click()
    expect(ema.get_by_text("up to 2 days")).to_be_visible()
    expect(ann.get_by_role("button", name="Redo: Edit Did they answer?: up to")).to_be_enabled()

    # A step that somebody deleted is gone for whoever still wanted to use it.
    send(ann, {"do": "delete", "steps": ["tag", "thank"]})
    send(ema, {"do": "connect", "step": "reply", "exit": "no_reply", "to": "thank"})
    expect(ema.get_by_role("alert").filter(has_text="is not there any more")).to_be_visible()
    expect(ema.get_by_role("button", name="Send message", exact=True)).to_be_hidden()
    shot(ema, "builder-vanished-dark")

    # And all of it comes back by the keys, wherever one is in the canvas.
    ann.get_by_role("button", name=REPLY, exact=True).focus()
    with ann.expect_response(re.compile("/draft/at")):
        ann.keyboard.press("Control+z")
    expect(ann.get_by_role("button", name="Tag", exact=True)).to_be_visible()
    expect(ann.get_by_role("status").filter(has_text="Undone: Delete 2 steps")).to_be_attached()
    for page in (ann, ema):
        page.context.close()
