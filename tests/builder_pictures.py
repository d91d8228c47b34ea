"""Takes the pictures of the builder: `python -m tests.builder_pictures [folder]` writes
docs/pictures. Each is taken in light and in dark; look at them whenever the pages change.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.builder_page import cut
from store.migrate import migrate
from tests.conftest import _finish, find_chromium
from tests.servers import free_port
from tests.web import test_browser_builder_results as results
from tests.web import test_browser_publish as publishing
from tests.web.conftest import House
from tests.web.test_browser import LIBRARY, Site, enter

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
DESK, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
MANY = 300


def welcome(**more: Any) -> dict[str, Any]:
    """The ready-made welcome flow."""
    found: dict[str, Any] = json.loads((LIBRARY / "welcome.json").read_text())
    return found | more


async def furnish(house: House) -> None:
    """A calm one, one with problems, a large one, one to publish, one with numbers."""
    await house.automation(welcome(name="Welcome, as drawn"))
    wrong = welcome(name="Welcome, unfinished")
    wrong["steps"]["wait_choice"]["next"].pop("no_reply")
    wrong["steps"]["interest"]["text"] = ""
    await house.automation(wrong)
    await house.automation(cut(MANY))
    await publishing.furnish(house)
    await results.furnish(house)


def opened(page: Page, site: Site, name: str, more: str = "") -> None:
    """The builder of an automation."""
    page.goto(f"{site.address}/automations?q={name}")
    link = page.get_by_role("link", name=name, exact=True).get_attribute("href")
    page.evaluate("localStorage.clear()")  # where somebody looked last
    page.goto(f"{site.address}{link}{more}")
    page.locator("flow-canvas[data-ready]").wait_for(state="attached")
    page.wait_for_timeout(400)


def with_a_form(page: Page, site: Site) -> None:
    opened(page, site, "Welcome, as drawn")
    page.get_by_role("button", name="Send message: Greeting").click()
    expect(page.get_by_role("complementary", name="Greeting")).to_be_visible()


def with_problems(page: Page, site: Site) -> None:
    opened(page, site, "Welcome, unfinished")
    page.get_by_role("button", name=re.compile(r"\d problems")).click()
    expect(page.get_by_role("complementary", name="Problems")).to_be_visible()


def connecting(page: Page, site: Site) -> None:
    opened(page, site, "Welcome, as drawn")
    box = page.get_by_role("button", name="No reply, goes to No answer").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 160, box["y"] + 170, steps=6)


def dropped(page: Page) -> None:
    page.keyboard.press("Escape")
    page.mouse.up()


def simulating(page: Page, site: Site) -> None:
    opened(page, site, "Welcome, as drawn", "?mode=simulate")
    log = page.get_by_role("complementary", name="Simulator").get_by_role("log")
    log.get_by_role("button", name="Show me offers").click()
    expect(log).to_contain_text("Lovely! What are you looking for?")
    page.wait_for_timeout(300)


def to_publish(page: Page, site: Site) -> None:
    opened(page, site, "Carts")
    page.get_by_role("link", name="Publish changes…").click()
    expect(page.get_by_role("dialog", name="Publish revision 2")).to_be_visible()


def with_results(page: Page, site: Site) -> None:
    opened(page, site, "Abandoned cart", "?mode=results")
    expect(
        page.get_by_role("complementary", name="Results").get_by_role("table").first
    ).to_be_visible()


def compared(page: Page, site: Site) -> None:
    opened(page, site, "Abandoned cart", "?compare=1..2")
    page.wait_for_timeout(500)


def large(page: Page, site: Site) -> None:
    opened(page, site, f"{MANY} steps")
    page.get_by_role("button", name="Zoom out").click()


def outlined(page: Page, site: Site) -> None:
    opened_outline(page, site, "Welcome, as drawn")


def opened_outline(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.address}/automations?q={name}")
    link = page.get_by_role("link", name=name, exact=True).get_attribute("href")
    page.goto(f"{site.address}{link}?view=outline")
    page.wait_for_timeout(300)


def at_a_touch_screen(page: Page, site: Site) -> None:
    with_a_form(page, site)


def on_a_phone(page: Page, site: Site) -> None:
    opened_outline(page, site, "Welcome, as drawn")
    page.get_by_role("button", name="Send message: Greeting").click()
    expect(page.get_by_role("complementary", name="Greeting")).to_be_visible()


def gallery(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/automations/gallery")


def listed(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/automations")


Deed = Callable[[Page, Site], None]
PICTURES: dict[str, tuple[Deed, tuple[int, int]]] = {
    "form": (with_a_form, DESK),
    "problems": (with_problems, DESK),
    "connecting": (connecting, DESK),
    "simulator": (simulating, DESK),
    "publish": (to_publish, DESK),
    "results": (with_results, DESK),
    "compare": (compared, DESK),
    "large": (large, DESK),
    "outline": (outlined, DESK),
    "tablet": (at_a_touch_screen, TABLET),
    "phone": (on_a_phone, PHONE),
    "gallery": (gallery, DESK),
    "list": (listed, DESK),
}


def main(folder: Path) -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{place}/tiptoe.db"
        _finish(migrate(url))
        site = Site(url, free_port(), furnish)
        site.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_chromium(), args=["--no-sandbox"]
                )
                for theme in ("light", "dark"):
                    context = browser.new_context(
                        color_scheme=theme, locale="en-GB", timezone_id="Europe/Rome"
                    )
                    page = context.new_page()
                    enter(page, site)
                    for name, (deed, (width, height)) in PICTURES.items():
                        page.set_viewport_size({"width": width, "height": height})
                        deed(page, site)
                        page.screenshot(path=folder / f"builder-{name}-{theme}.png")
                        if deed is connecting:
                            dropped(page)
                    context.close()
        finally:
            site.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
