"""Results, revisions and the live connection in Chromium."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from store import automations, step_days, users
from store.automations import revisions
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot
from tests.web.test_browser_axe import violations

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser
NAMES = ("Ada Rossi", "Grace Hopper", "Emanuela De Santis", "李小龙", "Maximiliane von Hohenstein")


def later() -> dict[str, Any]:
    """The cart flow after somebody worked on it."""
    document: dict[str, Any] = json.loads(json.dumps(cart_flow()))
    steps = document["steps"]
    steps["reply"]["up_to"] = "2d"
    steps["pause"] = {"type": "delay", "duration": "3h", "next": {"after": "end"}}
    steps["reply"]["next"]["other"] = "pause"
    steps["end"]["goal"] = "cart recovered"
    del steps["thank"]
    document["triggers"]["cart"]["wait"] = "2h"
    return document


async def furnish(house: House) -> None:
    """Two revisions, contacts in both, a month of numbers."""
    made = await house.live()
    for place, name in enumerate(NAMES[:2]):
        await seed_run(house, made, name=name, number=f"+39333765432{place}")
    async with house.web.database.write() as tx:
        await automations.save_draft(tx, house.company, made, later(), NOW)
        owner = (await users.of_company(tx, house.company))[-1].id
        await automations.publish(tx, house.company, made, owner, "Two days for the reply", NOW)
    for place, name in enumerate(NAMES[2:], 2):
        await seed_run(house, made, name=name, number=f"+39333765432{place}")
    async with house.web.database.write() as tx:
        query = sa.select(revisions.c.id).where(revisions.c.automation_id == made)
        revision = (await tx.execute(query.order_by(revisions.c.id.desc()))).scalars().first()
        day = step_days.day_of(NOW, "UTC") - 3
        place_ = (made, day, int(revision or 0))
        counted: dict[tuple[str, Any, str], int] = {
            ("", "run", "started"): 102_400,
            ("", "run", "done"): 61_000,
            ("", "run", "stopped"): 1_200,
            ("", "goal", "cart recovered"): 18_250,
            ("remind", "exit", "sent"): 101_900,
            ("remind", "exit", "failed"): 480,
            ("remind", "left", "done"): 480,
            ("remind", "message", "sent"): 101_900,
            ("remind", "message", "delivered"): 99_210,
            ("remind", "message", "read"): 71_400,
            ("remind", "message", "failed"): 480,
            ("remind", "message", "unconfirmed"): 12,
            ("reply", "exit", "other"): 38_000,
            ("reply", "exit", "no_reply"): 26_400,
            ("reply", "left", "stopped"): 1_200,
            ("pause", "exit", "after"): 37_700,
            ("end", "left", "done"): 60_520,
            ("second_reminder", "exit", "sent"): 120,
        }
        await step_days.count(tx, {(*place_, *key): n for key, n in counted.items()})


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def do(site: Site, work: Any) -> None:
    """Change something in the house behind the pages' backs."""

    async def inside() -> None:
        assert site.house is not None
        async with site.house.web.database.write() as tx:
            await work(tx, site.house)

    asyncio.run_coroutine_threadsafe(inside(), site.loop).result(10)


def open_at(page: Page, site: Site, more: str, role: str = "owner") -> str:
    enter(page, site, role)
    link = page.get_by_role("link", name="Abandoned cart", exact=True).get_attribute("href")
    page.goto(f"{site.address}{link}{more}")
    expect(page.locator("#canvas[data-ready]")).to_be_attached()
    return f"{site.address}{link}"


def test_from_a_number_to_the_people_behind_it(quiet: Page, site: Site) -> None:
    page = quiet
    page.set_viewport_size({"width": 1440, "height": 900})
    open_at(page, site, "?mode=results")
    panel = page.get_by_role("complementary", name="Results")
    expect(panel.get_by_text("cart recovered")).to_be_visible()
    expect(panel.get_by_text("Steps that are not here any more")).to_be_visible()
    card = page.locator("#step-remind")
    expect(card.locator('[data-count="passed"]')).to_have_text("102k")
    expect(card.locator('[data-share="sent"]')).to_have_text("100%")
    panel.get_by_role("button", name="Remind of the cart", exact=True).click()
    step = page.get_by_role("complementary", name="Remind of the cart")
    expect(step.get_by_role("row", name="Delivered")).to_contain_text("97%")
    expect(step.get_by_role("heading", name="Remind of the cart")).to_be_focused()
    step.get_by_role("button", name="All results").click()
    panel.get_by_role("button", name="5 wait here, Did they answer?").click()
    people = page.get_by_role("complementary", name="Wait here")
    expect(people.get_by_role("link", name="李小龙")).to_be_visible()
    people.get_by_label("Search these contacts").fill("ada")
    page.keyboard.press("Enter")
    expect(people.get_by_role("listitem")).to_have_count(1)
    people.get_by_text("Create list").click()
    people.get_by_label("Name of the list").fill("Waiting")
    people.get_by_role("button", name="Put them on the list").click()
    expect(people.get_by_text("1 contact is on the list “Waiting” now")).to_be_visible()
    people.get_by_role("button", name="End for these").click()
    dialog = page.get_by_role("dialog", name="End 1 run?")
    dialog.get_by_role("button", name="End 1 run").click()
    expect(people.get_by_text("1 run is being ended.")).to_be_visible()
    # The card is the short way to the same.
    card.locator('[data-count="passed"]').click()
    expect(page.get_by_role("complementary", name="Went on")).to_be_visible()
    page.get_by_role("button", name="Sent, goes to Did they answer?").click()
    expect(page.get_by_role("complementary", name="Left by “Sent”")).to_be_visible()
    card.get_by_role("button", name="Send template: Remind of the cart").click()
    expect(page.get_by_role("complementary", name="Remind of the cart")).to_be_visible()


def test_another_period_is_another_page(quiet: Page, site: Site) -> None:
    page = quiet
    open_at(page, site, "?mode=results")
    page.get_by_label("When").select_option("Today")
    expect(page).to_have_url(re.compile("period=today"))
    expect(page.locator('#step-remind [data-count="passed"]')).to_have_text("5")
    page.get_by_label("Revision").select_option("Revision 1")
    expect(page).to_have_url(re.compile("revision=1"))
    expect(page.locator("#step-thank")).to_be_visible()
    page.get_by_label("When").select_option("Between two days")
    page.get_by_label("From", exact=True).fill("2026-02-27")
    page.get_by_label("To", exact=True).fill("2026-02-28")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("from=2026-02-27"))
    expect(page.locator('#step-remind [data-count="passed"]')).to_have_text("0")


def test_numbers_and_colleagues_arrive_by_themselves(
    quiet: Page, site: Site, browser: Browser
) -> None:
    page = quiet
    page.set_viewport_size({"width": 1440, "height": 900})
    address = open_at(page, site, "?mode=results")
    passed = page.locator('#step-reply [data-count="passed"]')
    expect(passed).to_have_text("64,400")

    async def more(tx: Any, house: House) -> None:
        del house
        made = int(address.rsplit("/", 1)[1])
        place = (made, step_days.day_of(NOW, "UTC"), 2)
        await step_days.count(tx, {(*place, "reply", "exit", "no_reply"): 7})

    do(site, more)
    expect(passed).to_have_text("64,407")
    expect(page.locator('[data-number="reply passed"]')).to_have_text("64,407")
    other = browser.new_context().new_page()
    open_at(other, site, "", "editor")
    expect(page.get_by_text("Editor of A is here too")).to_be_visible()
    expect(other.get_by_text("Owner of A is here too")).to_be_visible()
    page.goto(address)
    expect(page.get_by_text("Editor of A is here too")).to_be_visible()

    async def pause(tx: Any, house: House) -> None:
        made = int(address.rsplit("/", 1)[1])
        await automations.pause(tx, house.company, made, NOW)

    do(site, pause)
    expect(other.get_by_text("Paused", exact=True)).to_be_visible()
    other.context.close()
    expect(page.get_by_text("is here too")).to_be_hidden()


def test_the_first_contact_brings_the_numbers(quiet: Page, site: Site) -> None:
    page = quiet
    made: list[int] = []

    async def publish() -> None:
        assert site.house is not None
        made.append(await site.house.live(cart_flow("Brand new")))

    asyncio.run_coroutine_threadsafe(publish(), site.loop).result(10)
    enter(page, site)
    page.goto(f"{site.address}/automations/{made[0]}?mode=results")
    expect(page.get_by_role("heading", name="Nobody has been here yet")).to_be_visible()

    async def first(tx: Any, _house: House) -> None:
        place = (made[0], step_days.day_of(NOW, "UTC"), 3)
        await step_days.count(tx, {(*place, "remind", "exit", "sent"): 1})

    do(site, first)
    expect(page.locator('#step-remind [data-count="passed"]')).to_have_text("1")


def test_an_old_revision_is_compared_and_restored(quiet: Page, site: Site) -> None:
    page = quiet
    page.set_viewport_size({"width": 1440, "height": 900})
    open_at(page, site, "")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Revisions").click()
    panel = page.get_by_role("complementary", name="Revisions")
    expect(panel.get_by_text("Two days for the reply")).to_be_visible()
    panel.get_by_role("link", name="What changed in revision 2").click()
    compared = page.get_by_role("complementary", name="Compare")
    ghost = page.locator("#step-thank")
    expect(ghost).to_have_attribute("data-mark", "removed")
    compared.get_by_role("button", name="“Did they answer?”: up to 1 day → 2 days.").click()
    expect(page.locator("#step-reply")).to_have_class(re.compile(r"\bselected\b"))
    ghost.get_by_role("button", name="Send message", exact=True).click()
    expect(page.get_by_role("complementary").get_by_text("Thank you!").first).to_be_visible()
    page.get_by_role("link", name="Back to the draft").click()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Revisions").click()
    page.get_by_role("link", name="Look at revision 1").click()
    expect(page.get_by_text("You are looking at revision 1.")).to_be_visible()
    page.get_by_role("button", name="Restore as draft", exact=True).click()
    expect(page.get_by_text("The draft is that revision again.")).to_be_visible()
    page.get_by_role("button", name="Undo: Restore revision 1").click()
    expect(page.locator("#step-pause")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_results_and_versions_fit_in_both_themes(
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
    address = open_at(page, site, "?mode=results")
    for name, more, heading in (
        ("results", "?mode=results", "Results"),
        ("revision", "?revision=1", "Revisions"),
        ("compare", "?compare=1..2", "Compare"),
    ):
        page.goto(address + more)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.locator("#canvas[data-ready]")).to_be_attached()
        assert_no_overflow(page)
        assert not violations(page), violations(page)
        shot(page, f"builder-{name}-{width}-{theme}")
    page.goto(f"{address}?mode=results")
    page.get_by_role("button", name="Did they answer?", exact=True).click()
    expect(page.get_by_text("Where they went")).to_be_visible()
    shot(page, f"builder-results-step-{width}-{theme}")
    page.get_by_role("button", name="All results").click()
    page.get_by_role("button", name="5 wait here, Did they answer?").click()
    expect(page.get_by_role("link", name="Ada Rossi")).to_be_visible()
    page.get_by_text("Create list").click()
    assert_no_overflow(page)
    assert not violations(page), violations(page)
    shot(page, f"builder-results-people-{width}-{theme}")
    assert not said, said
    context.close()
