"""Publishing, revisions and levers in Chromium: at a desk and on a phone, in light and in dark."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from store import automations, publishing, users
from store.runs import runs
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run
from tests.web.test_browser import Site, assert_no_overflow, enter, quiet, shot

__all__ = ["quiet"]  # a fixture
pytestmark = pytest.mark.browser

LONG = "Good news, {{ contact.first_name }}: your cart is still here, and shipping is free today. "


def edited() -> dict[str, Any]:
    """The cart flow after a colleague worked on it for an afternoon."""
    document: dict[str, Any] = json.loads(json.dumps(cart_flow()))
    steps = document["steps"]
    steps["reply"]["up_to"] = "2d"
    steps["thank"]["text"] = LONG * 2
    steps["pause"] = {"type": "delay", "duration": "3h", "next": {"after": "thank"}}
    steps["reply"]["next"]["other"] = "pause"
    steps["second"] = steps.pop("remind") | {"name": "Remind, second version"}
    document["start"] = "second"
    document["exit_rules"].append({"on": "tag.added", "name": "vip"})
    document["triggers"]["cart"]["wait"] = "2h"
    return document


async def furnish(house: House) -> None:
    """Two revisions, contacts in both, an edited draft, a failed run."""
    made = await house.live()
    async with house.web.database.write() as tx:
        owner = (await users.of_company(tx, house.company))[-1].id
    for place, name in enumerate(("Grace Hopper", "Emanuela De Santis", "李小龙", "Ada Rossi")):
        await seed_run(house, made, name=name, number=f"+39333765432{place}")
    async with house.web.database.write() as tx:
        await tx.execute(sa.update(runs).where(runs.c.contact_id == 2).values(step="remind", seq=1))
        longer = cart_flow()
        longer["steps"]["reply"]["up_to"] = "36h"
        await automations.save_draft(tx, house.company, made, longer, NOW)
        later = NOW + timedelta(hours=3)
        await publishing.publish(
            *(tx, house.company, made, owner, "Wait a little longer for the answer", later)
        )
    run, _ = await seed_run(house, made, name="Linus Pauling", number="+393337654399")
    async with house.web.database.write() as tx:
        failed = {"status": "failed", "ended_at": NOW, "reason": "Webhook (call): no answer"}
        await tx.execute(sa.update(runs).where(runs.c.id == run).values(failed))
        await automations.save_draft(tx, house.company, made, edited(), NOW)


@pytest.fixture
def site(sqlite_url: str, free_port: int) -> Iterator[Site]:
    made = Site(sqlite_url, free_port, furnish)
    made.start()
    yield made
    made.stop()


def open_automation(page: Page, site: Site) -> str:
    enter(page, site)
    page.get_by_role("link", name="Abandoned cart", exact=True).click()
    return page.url


def test_publishing_tells_first_and_moves_who_is_inside(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_automation(page, site)
    page.goto(f"{address}/publish")
    expect(page.get_by_role("heading", name="Publish revision 3")).to_be_visible()
    expect(page.get_by_text("“Did they answer?”: up to 1 day 12 hours → 2 days.")).to_be_visible()
    expect(page.get_by_text("Removed “Remind of the cart” (Send template)")).to_be_visible()
    gone = page.get_by_label("What happens to those who wait at Remind of the cart")
    assert gone.locator("option", has_text="Go on from here").count() == 0
    gone.select_option("Leave the automation")
    stays = page.get_by_label("What happens to those who wait at Did they answer?")
    stays.select_option("Go on from here in the new one")
    page.get_by_label("Comment").fill("Free shipping")
    page.get_by_role("button", name="Publish revision 3").click()
    expect(page.get_by_text("Revision 3 is live. 3 moved and 1 run ended.")).to_be_visible()
    expect(page.get_by_role("link", name="Undo: back to revision 2")).to_be_visible()
    assert page.url == f"{address}/more"
    page.get_by_role("link", name="Revisions").click()
    expect(page.get_by_text("Free shipping")).to_be_visible()


def test_what_changed_underneath_is_shown_again(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_automation(page, site)
    page.goto(f"{address}/publish")
    page.get_by_label("Comment").fill("Mine")
    other = page.context.new_page()
    other.goto(f"{address}/more")
    other.get_by_text("Edit the draft as JSON").click()
    text = other.get_by_label("Document").input_value().replace('"2d"', '"5d"')
    other.get_by_label("Document").fill(text)
    other.get_by_role("button", name="Save draft").click()
    expect(other.get_by_text("The draft is saved.")).to_be_visible()
    with page.expect_response(lambda answer: answer.status == 409):
        page.get_by_role("button", name="Publish revision 3").click()
    expect(page.get_by_text("The draft was changed while you were looking")).to_be_visible()
    expect(page.get_by_text("→ 5 days.")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("Mine")
    page.get_by_role("button", name="Publish revision 3").click()
    expect(page.get_by_text("Revision 3 is live.")).to_be_visible()


def test_revisions_are_compared_restored_and_made_live_again(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_automation(page, site)
    page.goto(f"{address}/revisions")
    expect(page.get_by_text("Wait a little longer for the answer")).to_be_visible()
    page.get_by_role("link", name="What changed in revision 2").click()
    expect(page.get_by_text("up to 1 day → 1 day 12 hours.")).to_be_visible()
    page.get_by_label("To", exact=True).select_option("The draft")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("“Did they answer?”: up to 1 day → 2 days.")).to_be_visible()
    page.get_by_role("link", name="Revisions").click()
    page.get_by_role("button", name="Restore revision 1 as draft").click()
    expect(page.get_by_role("dialog").get_by_text("never published")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Replace it").click()
    expect(page.get_by_text("The draft is revision 1 again.")).to_be_visible()
    page.get_by_role("link", name="Revisions").click()
    page.get_by_role("link", name="Make revision 1 live again").click()
    page.get_by_role("button", name="Publish it as revision 3").click()
    expect(page.get_by_text("Revision 3 is live.")).to_be_visible()


def test_a_run_is_moved_and_a_failed_one_tried_again(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_automation(page, site)
    page.goto(f"{address}/runs")
    page.get_by_role("link", name="Grace Hopper").click()
    page.get_by_role("button", name="Move…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Go on at").select_option(label="Send message")
    dialog.get_by_role("button", name="Move").click()
    expect(page.get_by_text("The contact is being moved.")).to_be_visible()
    page.goto(f"{address}/runs?status=failed")
    page.get_by_role("link", name="Linus Pauling").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The step is being tried again.")).to_be_visible()


def test_levers_of_an_automation(quiet: Page, site: Site) -> None:
    page = quiet
    address = open_automation(page, site)
    page.goto(f"{address}/more")
    page.get_by_label("Only let in").fill("+39 333 7654321")
    page.get_by_role("button", name="Begin the test").click()
    expect(page.get_by_text("Only 1 chosen contact may enter")).to_be_visible()
    expect(page.get_by_role("link", name="Emanuela De Santis")).to_be_visible()
    page.get_by_role("button", name="End the test").click()
    expect(page.get_by_text("The test is over")).to_be_visible()
    page.get_by_label("Priority").fill("7")
    page.get_by_role("button", name="Set priority").click()
    expect(page.get_by_text("Its priority is 7.")).to_be_visible()
    page.goto(f"{address}/runs?step=reply")
    page.get_by_role("button", name="End ").click()
    page.get_by_role("dialog").get_by_role("button", name="End ").click()
    expect(page.get_by_text("being ended.")).to_be_visible()
    page.goto(f"{address}/more")
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("4 contacts who are inside leave now")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Archive and end 4 runs").click()
    expect(page.get_by_text("Archived.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
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
    address = open_automation(page, site)
    places = ("", "/more", "/publish", "/revisions", "/compare", "/compare?before=1&after=2")
    for place in (*places, "/revisions/1/publish", "/runs?status=waiting"):
        page.goto(address + place)
        assert_no_overflow(page)
        name = "".join(one if one.isalnum() else "-" for one in place) or "-automation"
        shot(page, f"levers{name}-{width}-{theme}")
    for status, opener in (("waiting", "Move…"), ("failed", "Try again")):
        page.goto(f"{address}/runs?status={status}")
        page.get_by_role("row" if width > 400 else "cell").get_by_role("link").first.click()
        expect(page.get_by_role("button", name=opener)).to_be_visible()
        assert_no_overflow(page)
        shot(page, f"levers-run-{status}-{width}-{theme}")
        if status == "waiting":
            page.get_by_role("button", name=opener).click()
            assert_no_overflow(page)
            shot(page, f"levers-move-{width}-{theme}")
    page.goto(f"{address}/revisions")
    page.get_by_role("button", name="Restore revision 1 as draft").click()
    shot(page, f"levers-restore-{width}-{theme}")
    assert not said, said
    context.close()
