"""The first five minutes of somebody who has never seen Tiptoe, with the real processes: setup, a
ready-made automation, a change, two days in the simulator, publishing, a phone that is answered.

With TIPTOE_SHOTS set to a folder, its pictures are kept there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import servers
from tests.web.test_browser import SHOTS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AT_MOST_S = 60
GREETING = "Ciao {{ contact.first_name | default: 'there' }}, welcome to Mug House!"


@pytest.fixture
def house(tmp_path: Path, free_ports: Callable[[], int]) -> Iterator[tuple[str, str]]:
    """`tiptoe up` without the demo: the addresses of the pages and of the pretend phone."""
    pages, phone = free_ports(), free_ports()
    process = subprocess.Popen(
        [sys.executable, "-m", "tiptoe", "up", "--no-demo"],
        cwd=servers.ROOT,
        env=os.environ
        | {
            "TIPTOE_DATA": str(tmp_path / "data"),
            "TIPTOE_PORT": str(pages),
            "TIPTOE_SANDBOX_PORT": str(phone),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "Ctrl+C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield f"http://127.0.0.1:{pages}", f"http://127.0.0.1:{phone}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def keep(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/first-{name}.png")


def set_up(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Name of the company").fill("Mug House")
    page.get_by_label("Your name").fill("Ada Rossi")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("Try with the pretend WhatsApp")).to_be_checked()
    keep(page, "1-whatsapp")
    page.get_by_role("button", name="Go on").click()
    keep(page, "2-gallery")
    page.get_by_role("article", name="Welcome").get_by_role("button", name="Try this one").click()
    expect(page.get_by_role("heading", name="Simulator")).to_be_visible()


def change_the_greeting(page: Page) -> None:
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator("flow-canvas[data-ready]").wait_for()
    page.get_by_role("button", name="Send message: Greeting").click()
    panel = page.get_by_role("complementary", name="Greeting")
    panel.get_by_role("textbox", name="Message", exact=True).fill(GREETING)
    expect(page.get_by_role("button", name=re.compile("^Undo: "))).to_be_enabled()
    expect(panel.get_by_text("welcome to Mug House!")).not_to_have_count(0)
    keep(page, "3-changed")


def live_two_days(page: Page) -> None:
    page.get_by_role("link", name="Simulate", exact=True).click()
    panel = page.get_by_role("complementary", name="Simulator")
    expect(panel.get_by_role("log")).to_contain_text("Ciao Ada, welcome to Mug House!")
    keep(page, "4-simulated")
    for _ in range(2):
        panel.get_by_role("button", name="1 day", exact=True).click()
    expect(panel.get_by_text("Finished", exact=True)).to_be_visible()


def publish(page: Page) -> None:
    page.get_by_role("link", name="Publish…").click()
    dialog = page.get_by_role("dialog", name="Publish revision 1")
    expect(dialog.get_by_role("heading", name="2 tests passed")).to_be_visible()
    keep(page, "5-publish")
    dialog.get_by_role("button", name="Publish revision 1").click()
    expect(page.get_by_text("Live · revision 1")).to_be_visible()


def write_from_the_phone(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.get_by_text("New customer", exact=True).click()
    phone.get_by_label("Name", exact=True).fill("Ben Bianchi")
    phone.get_by_role("button", name="Open their phone").click()
    phone.get_by_role("textbox", name="Message", exact=True).fill("hi")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_text("welcome to Mug House!").last).to_be_visible(timeout=20_000)
    keep(phone, "6-phone")


def see_results(page: Page) -> None:
    page.get_by_role("link", name="Results", exact=True).click()
    panel = page.get_by_role("complementary", name="Results")
    expect(panel).to_be_visible()
    waits = page.get_by_role("listitem").filter(
        has=page.get_by_role("button", name="Wait for reply: What do they need?")
    )
    expect(waits).to_contain_text("1 here")
    expect(panel.get_by_role("table").first).to_be_visible()
    page.evaluate("localStorage.clear()")  # where somebody looked last
    page.reload()
    expect(panel.get_by_role("table").first).to_be_visible()
    keep(page, "7-results")


def test_the_first_five_minutes(browser: Browser, house: tuple[str, str]) -> None:
    pages, phone = house
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Rome"
    )
    page = context.new_page()
    began = time.monotonic()
    set_up(page, pages)
    change_the_greeting(page)
    live_two_days(page)
    publish(page)
    write_from_the_phone(context.new_page(), phone)
    page.bring_to_front()
    see_results(page)
    taken = time.monotonic() - began
    context.close()
    assert taken < AT_MOST_S
