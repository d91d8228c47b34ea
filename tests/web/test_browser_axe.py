"""What axe finds on every page, in light and in dark: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Page

from tests.web.conftest import House
from tests.web.gateway_seed import furnish as furnish_gateway
from tests.web.test_browser import Site, enter, furnish

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
FOUND = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map((one) => `${one.id}: ${one.help}\\n` + one.nodes.slice(0, 4)
    .map((node) => `    ${node.html.slice(0, 200)}\\n    ${node.any.concat(node.all, node.none)
      .map((check) => check.message).join("; ").slice(0, 200)}`).join("\\n"))"""
LISTS = (
    "/automations",
    "/automations/gallery",
    "/automations/import",
    "/contacts",
    "/queue",
    "/templates",
    "/phones",
    "/alerts",
    "/nowhere",
)
OF_ONE = (  # of the automation that has people inside
    "",
    "?mode=simulate",
    "?mode=results",
    "?view=outline",
    "?step=remind",
    "?step=reply",
    "?step=@start",
    "/more",
    "/publish",
    "/runs",
    "/revisions",
    "/tests",
)


async def furnish_all(house: House) -> None:
    await furnish(house)
    await furnish_gateway(house)


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish_all)
    made.start()
    yield made
    made.stop()


def violations(page: Page) -> str:
    """What axe has to say of the page as it is now."""
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    return "\n".join(page.evaluate(FOUND))


def places(page: Page, site: Site) -> list[str]:
    """The address of every kind of page."""
    page.goto(f"{site.address}/automations")
    carts = page.get_by_role("link", name="Abandoned cart", exact=True)
    base = carts.last.get_attribute("href")
    found = [*LISTS, *(f"{base}{rest}" for rest in OF_ONE)]
    for path, name in (("/contacts", "contacts"), ("/phones", "phones"), (f"{base}/runs", "runs")):
        page.goto(f"{site.address}{path}")
        link = page.locator(f"main a[href^='/{name}/']").first
        found.append(link.get_attribute("href") or "")
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, site: Site, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(f"{site.address}/signin")
    told = {"/signin": violations(page)}
    enter(page, site)
    for address in places(page, site):
        page.goto(site.address + address)
        told[address] = violations(page)
    wrong = [f"{address}\n{said}" for address, said in told.items() if said]
    assert not wrong, "\n\n".join(wrong)
