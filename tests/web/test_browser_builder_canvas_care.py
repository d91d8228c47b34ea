"""The canvas when things go wrong or come from elsewhere: no network, a session that is over, a
colleague, fingers, and what the simulator and the results draw on it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, expect

from tests.web.conftest import PASSWORD
from tests.web.test_browser import Site, shot
from tests.web.test_browser_builder_canvas import (
    REPLY,
    STEP,
    card,
    draft,
    exit_of,
    furnish,
    in_the_end,
    middle,
    open_builder,
    said,
    saved,
)

pytestmark = pytest.mark.browser
CHANGES = "**/draft/changes"


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def test_nothing_is_lost_while_the_network_is_away(page: Page, site: Site) -> None:
    open_builder(page, site)
    page.route(CHANGES, lambda route: route.abort("connectionrefused"))
    card(page, STEP).focus()
    page.keyboard.press("Alt+ArrowDown")
    state = page.locator("[data-save-state]")
    expect(state).to_contain_text("Not saved. Trying again in")
    card(page, REPLY).focus()
    page.keyboard.press("Control+Delete")
    where = card(page, STEP).bounding_box()
    leaving = "() => dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert page.evaluate(leaving) is False  # the page asks before it is left
    shot(page, "canvas-not-saved")
    page.unroute(CHANGES)
    with saved(page):
        page.get_by_role("button", name="Try now").click()
    expect(card(page, REPLY)).to_have_count(0)
    expect(state).to_contain_text("Saved")
    assert card(page, STEP).bounding_box() == where
    steps = draft(site)["steps"]
    assert steps["remind"]["at"] == [336, 8]
    assert "reply" not in steps
    assert page.evaluate(leaving) is True
    # The server did it, but its answer got lost: asking again does not do it twice.

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(CHANGES, lose, times=1)
    card(page, "Tag: Mark them").focus()
    page.keyboard.press("Control+d")
    expect(state).to_contain_text("Not saved")
    assert len(draft(site)["steps"]) == 5
    with saved(page):
        page.get_by_role("button", name="Try now").click()
    expect(card(page, "Tag: Mark them")).to_have_count(2)
    assert len(draft(site)["steps"]) == 5


def test_what_is_refused_goes_back_to_where_it_was(page: Page, site: Site) -> None:
    open_builder(page, site)

    def spoil(route: Route) -> None:
        fields = dict(parse_qsl(route.request.post_data or ""))
        wrong = [{"do": "connect", "step": "remind", "exit": "sent", "to": "nowhere"}]
        fields["changes"] = json.dumps([*json.loads(fields["changes"]), *wrong])
        route.continue_(post_data=urlencode(fields))

    page.route(CHANGES, spoil, times=1)
    before = card(page, STEP).bounding_box()
    card(page, STEP).focus()
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(page.locator("#toasts")).to_contain_text("is not there any more")
    in_the_end(lambda: card(page, STEP).bounding_box(), before)
    # A move that waits for its last key goes out before what follows it.
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Control+d")
    in_the_end(lambda: len(draft(site)["steps"]), 6)
    assert draft(site)["steps"]["remind"]["at"] == [336, 8]
    expect(card(page, STEP)).to_have_count(2)


def test_a_session_that_is_over_is_opened_again_in_place(page: Page, site: Site) -> None:
    open_builder(page, site)
    page.context.clear_cookies()
    card(page, STEP).focus()
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("E-mail").fill("owner@a.test")
    dialog.get_by_label("Password").fill("not this one")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    shot(page, "canvas-signed-out")
    dialog.get_by_label("Password").fill(PASSWORD)
    with saved(page):
        dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    expect(card(page, STEP)).to_have_count(0)
    with saved(page):
        page.get_by_role("button", name="Undo: ").click()
    expect(card(page, STEP)).to_be_visible()
    assert "remind" in draft(site)["steps"]


def test_two_people_edit_the_same_automation(browser: Browser, site: Site) -> None:
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]
    ada, bob = (context.new_page() for context in contexts)
    problems: list[str] = []
    ada.on("pageerror", lambda error: problems.append(str(error)))
    open_builder(ada, site)
    open_builder(bob, site, role="editor")
    card(ada, STEP).focus()
    ada.keyboard.press("Alt+Shift+ArrowDown")
    # Bob sees it without doing anything, and keeps what he moves himself meanwhile.
    card(bob, REPLY).focus()
    bob.keyboard.press("Alt+Shift+ArrowUp")
    moved = bob.get_by_role("listitem").filter(has=card(bob, STEP)).first
    expect(moved).to_have_attribute("data-y", "80")
    in_the_end(lambda: draft(site)["steps"]["reply"].get("at"), [672, -80])
    assert draft(site)["steps"]["remind"]["at"] == [336, 80]
    # Ada, who hears nothing any more, connects to a step that Bob has deleted.
    contexts[0].set_offline(True)
    card(bob, "Send message").focus()
    with saved(bob):
        bob.keyboard.press("Delete")
    card(ada, "Send message").focus()
    ada.keyboard.press("Space")
    exit_of(ada, "No reply", REPLY).click()
    card(ada, "Send message").click()
    contexts[0].set_offline(False)
    expect(ada.locator("#toasts")).to_contain_text("is not there any more", timeout=15_000)
    expect(card(ada, "Send message")).to_have_count(0)
    expect(exit_of(ada, "No reply", REPLY)).to_have_accessible_name("No reply, goes to End")
    assert not problems
    for context in contexts:
        context.close()


@pytest.fixture
def tablet(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        viewport={"width": 820, "height": 1180}, has_touch=True, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def touch(fingers: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def test_by_fingers(tablet: Page, site: Site) -> None:
    page = tablet
    open_builder(page, site)
    fingers = page.context.new_cdp_session(page)
    # Tap an exit, then a card.
    exit_of(page, "Done", "Tag: Mark them").tap()
    with saved(page):
        card(page, STEP).tap()
    assert draft(site)["steps"]["loose"]["next"]["done"] == "remind"
    # One finger moves the view.
    x, y = middle(card(page, STEP))
    touch(fingers, "touchStart", (x, y - 90))
    for step in range(1, 5):
        touch(fingers, "touchMove", (x - 20 * step, y - 90 + 20 * step))
    touch(fingers, "touchEnd")
    in_the_end(lambda: middle(card(page, STEP)), pytest.approx((x - 80, y + 80), abs=3))
    # Two zoom.
    touch(fingers, "touchStart", (300, 500), (400, 500))
    touch(fingers, "touchMove", (275, 500), (425, 500))
    touch(fingers, "touchMove", (250, 500), (450, 500))
    touch(fingers, "touchEnd")
    level = page.get_by_role("button", name="Zoom to 100%")
    in_the_end(lambda: int(level.inner_text().rstrip("%")) > 110, wanted=True)
    page.get_by_role("navigation", name="Tools").get_by_role("button", name="Fit").click()
    expect(level).not_to_have_text(re.compile("1..%|200%"))
    # A long press selects, a tap takes one more, the bar acts.
    x, y = middle(card(page, STEP))
    touch(fingers, "touchStart", (x, y))
    bar = page.get_by_role("toolbar", name="Selection")
    expect(bar).to_contain_text("1 selected")
    for step in range(1, 5):
        touch(fingers, "touchMove", (x, y + 20 * step))
    with saved(page):
        touch(fingers, "touchEnd")
    assert draft(site)["steps"]["remind"]["at"][1] > 0
    for _ in range(10):  # Chromium makes no click of a tap right after a drag
        card(page, "End").tap()
        page.wait_for_timeout(300)
        if "2 selected" in bar.inner_text():
            break
    expect(bar).to_contain_text("2 selected")
    shot(page, "canvas-fingers")
    with saved(page):
        bar.get_by_role("button", name="Delete").tap()
    assert {"remind", "end"}.isdisjoint(draft(site)["steps"])


def test_the_way_of_a_try_out_and_the_numbers_are_drawn(page: Page, site: Site) -> None:
    open_builder(page, site)
    page.evaluate(
        """(passed) => Object.assign(document.getElementById("walk").dataset, {
          current: "reply", passed, path: '["@start", "remind", "reply"]' })""",
        json.dumps([["@start", "start"], ["remind", "sent"]]),
    )
    line = page.locator("g.line.passed .edge")
    expect(line).to_have_count(2)
    expect(line.first).to_have_css("stroke-width", "3px")
    now = page.get_by_role("listitem").filter(has=card(page, REPLY)).first
    expect(now).to_have_css("outline-width", "3px")
    shot(page, "canvas-walk")
    page.goto(f"{site.address}/automations/1?mode=results")
    counts: dict[str, Any] = {"reply": {"here": 123_456, "exits": {"other": 3, "no_reply": 1}}}
    page.evaluate(
        """(counts) => document.dispatchEvent(
          new CustomEvent("flow-counts", { detail: { counts } }))""",
        counts,
    )
    widths = [
        page.locator(f'g.line[data-step="reply"][data-exit="{one}"] .edge')
        for one in ("other", "no_reply")
    ]
    expect(widths[0]).to_have_css("stroke-width", "6.375px")
    expect(widths[1]).to_have_css("stroke-width", "3.125px")
    expect(exit_of(page, "Any other reply", REPLY)).to_contain_text("75%")


def test_news_from_elsewhere_is_said(page: Page, site: Site) -> None:
    open_builder(page, site)
    say = "(text) => document.dispatchEvent(new CustomEvent('flow:say', { detail: { text } }))"
    page.evaluate(say, "Bot: Ciao Ada")
    expect(said(page)).to_have_text("Bot: Ciao Ada")
    show = "(step) => document.dispatchEvent(new CustomEvent('flow:show', { detail: step }))"
    page.evaluate(show, {"step": "reply", "exit": "no_reply"})
    expect(exit_of(page, "No reply", REPLY)).to_be_focused()
    page.evaluate(show, {"step": "gone"})
    expect(said(page)).to_have_text("This step is not there any more.")
    changes = [{"do": "disconnect", "step": "reply", "exit": "other"}]
    with saved(page):
        page.evaluate(
            """(changes) => document.dispatchEvent(
              new CustomEvent("flow:send", { detail: { changes } }))""",
            changes,
        )
    assert "other" not in draft(site)["steps"]["reply"]["next"]
