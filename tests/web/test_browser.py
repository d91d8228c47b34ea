"""The real pages in Chromium: what people do, at a desk and on a phone, in light and in dark."""

import asyncio
import json
import os
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from tests.web import conftest
from tests.web.conftest import NOW, PASSWORD, House, cart_flow
from tests.web.seed import seed_run
from web.app import create_app
from web.serving import Server

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("TIPTOE_SHOTS", "")  # a folder for pictures to look at
LIBRARY = Path(__file__).parents[2] / "flows" / "library"


class Site:
    """The app on a real port, in a thread with a loop of its own."""

    def __init__(self, url: str, port: int, seed: Callable[[House], Awaitable[None]]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.house: House | None = None
        self.loop: asyncio.AbstractEventLoop
        self._url, self._seed = url, seed
        self._folder = Path(url.removeprefix("sqlite:///")).parent
        self._socket = socket.create_server(("127.0.0.1", port))
        self._server: Server | None = None
        self._ready = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30)
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join()

    async def _run(self) -> None:
        try:
            self.loop = asyncio.get_running_loop()
            self.house = house = await conftest._build(self._url, self._folder / "media")
            await self._seed(house)
            app: Any = create_app(replace(house.web, base_url=self.address))
            config = uvicorn.Config(app, log_level="error", ws="none", lifespan="off")
            self._server = Server(config)
            # Listening already: whoever connects from now on is kept until the server takes it.
            self._socket.listen(64)
            self._ready.set()
            await self._server.serve(sockets=[self._socket])
            await house.web.database.close()
        except Exception as error:  # noqa: BLE001  told to the test that waits
            self._trouble = error
            self._ready.set()


async def furnish(house: House) -> None:
    """Automations in every state, with people inside."""
    await house.automation(cart_flow("Win-back after ninety days", start="nowhere"))
    made = await house.live()
    await seed_run(house, made)
    for place, name in enumerate(("Grace Hopper", "Emanuela De Santis", "李小龙")):
        await seed_run(house, made, name=name, number=f"+39333765432{place}")
    document = json.loads((LIBRARY / "abandoned_cart.json").read_text())
    await house.automation(document | {"name": "Abandoned cart, three reminders"})
    paused = await house.live(cart_flow("Order shipped"))
    async with house.web.database.write() as tx:
        from store import automations

        await automations.pause(tx, house.company, paused, NOW)


async def nothing(house: House) -> None:
    del house


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def empty_site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, nothing)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A page on which the console stays silent: no policy was broken, nothing failed to load."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    yield page
    # The browser notes every refused answer; those that a test provokes are its own business.
    provoked = ("status of 409", "status of 422")
    said = [line for line in said if not any(one in line for one in provoked)]
    assert not said, said


def enter(page: Page, site: Site, role: str = "owner") -> None:
    page.goto(f"{site.address}/signin")
    page.get_by_label("E-mail").fill(f"{role}@a.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Automations", level=1)).to_be_visible()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def assert_no_overflow(page: Page) -> None:
    wide = page.evaluate(
        """() => document.documentElement.scrollWidth > document.documentElement.clientWidth
          && [...document.querySelectorAll("main *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .slice(0, 5).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert not wide, wide


def test_from_import_to_pause(quiet: Page, empty_site: Site) -> None:
    page = quiet
    enter(page, empty_site)
    expect(page.get_by_role("heading", name="Your first automation")).to_be_visible()
    page.get_by_role("link", name="Import an automation").click()
    page.get_by_label("Or paste it here").fill(json.dumps(cart_flow()))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="No problems")).to_be_visible()
    page.get_by_role("button", name="Make a draft of it").click()
    expect(page.get_by_text("Imported as a draft.")).to_be_visible()
    page.get_by_role("link", name="Publish…").click()
    dialog = page.get_by_role("dialog", name="Publish revision 1")
    dialog.get_by_label("Comment").fill("The beginning")
    dialog.get_by_role("button", name="Publish revision 1").click()
    expect(page.get_by_text("Revision 1 is live.")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by Owner of A")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Live again.")).to_be_visible()


def test_the_wait_is_shortened_where_it_is_shown(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Abandoned cart", exact=True).click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="More settings").click()
    wait = page.get_by_label("Wait before a cart counts as left behind")
    wait.fill("soon")
    with page.expect_response(lambda answer: answer.status == 422):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="length of time")).to_be_visible()
    wait.fill("1m")
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("The wait is saved; revision 2 is live.")).to_be_visible()
    expect(page.get_by_text("Cart left behind for 1 minute")).to_be_visible()


def test_problems_keep_it_from_being_published(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Win-back after ninety days").click()
    expect(page.get_by_role("button", name="Solve 1 error")).to_be_disabled()
    start = page.get_by_role("button", name="Start", exact=True).first
    expect(start).to_have_accessible_description(re.compile("first step “nowhere” does not exist"))


def test_search_finds_while_typing(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_label("Search by name").press_sequentially("shipped")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Contacts").click()
    page.get_by_label("Search by name or number").press_sequentially("grace")
    expect(page.get_by_role("row")).to_have_count(2)


def test_a_trace_reads_top_to_bottom_and_the_run_can_be_ended(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_role("link", name="Abandoned cart", exact=True).click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Runs").click()
    page.get_by_role("link", name="Ada Rossi").click()
    expect(page.get_by_text("Hi Ada, your cart is waiting.")).to_be_visible()
    page.get_by_text("Why?").click()
    expect(page.get_by_text("outside sending hours")).to_be_visible()
    page.get_by_role("button", name="End this run").click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_text("The run is being ended.")).to_be_visible()


def test_everything_is_reached_by_keyboard(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.goto(f"{site.address}/automations")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="New")).to_be_focused()


def test_colours_are_remembered(quiet: Page, site: Site) -> None:
    page = quiet
    enter(page, site)
    page.get_by_label("Colours").select_option("dark")
    for _ in range(2):
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(16, 22, 20)"
        page.reload()
    page.get_by_label("Colours").select_option("auto")
    assert page.evaluate("document.documentElement.dataset.theme") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 820, 390])
def test_every_page_fits_in_both_themes(
    browser: Browser, site: Site, width: int, theme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 400 else 844},
        color_scheme=theme,  # type: ignore[arg-type]
        locale="en-GB",
        has_touch=width < 900,
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.goto(f"{site.address}/signin")
    shot(page, f"signin-{width}-{theme}")
    enter(page, site)
    addresses = {
        "automations": "/automations",
        "import": "/automations/import",
        "contacts": "/contacts",
        "phones": "/phones",
        "docs": "/api/v1/docs",
    }
    for name in ("Win-back after ninety days", "Abandoned cart", "Abandoned cart, three reminders"):
        found = page.get_by_role("link", name=name, exact=True).get_attribute("href")
        addresses[name.lower().replace(",", "").replace(" ", "-")] = found or ""
    addresses["runs"] = addresses["abandoned-cart"] + "/runs"
    addresses["settings"] = addresses["abandoned-cart"] + "/more"
    page.goto(site.address + addresses["runs"])
    addresses["run"] = page.get_by_role("link", name="Ada Rossi").get_attribute("href") or ""
    page.goto(f"{site.address}/contacts")
    addresses["contact"] = page.get_by_role("link", name="Ada Rossi").get_attribute("href") or ""
    for name, address in addresses.items():
        page.goto(site.address + address)
        assert_no_overflow(page)
        shot(page, f"{name}-{width}-{theme}")
    assert not said, said
    missing = page.goto(f"{site.address}/nowhere")
    assert missing is not None
    assert missing.status == 404
    assert_no_overflow(page)
    shot(page, f"lost-{width}-{theme}")
    context.close()


def test_empty_pages_say_what_they_are_for(quiet: Page, empty_site: Site) -> None:
    page = quiet
    enter(page, empty_site)
    shot(page, "empty-automations")
    page.goto(f"{empty_site.address}/contacts")
    expect(page.get_by_role("heading", name="No contacts yet")).to_be_visible()
    shot(page, "empty-contacts")
