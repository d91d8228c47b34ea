"""Takes the pictures of the docs: `python -m tests.pictures` writes docs/pictures.

The real processes play two days of ten pretend customers; then a browser looks around.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from playwright.async_api import Page, async_playwright

from store.automations import automations
from store.messages import messages as sent
from store.runs import runs
from tests.conftest import find_chromium
from tests.servers import free_port
from tiptoe.demo.cast import Customer, customers
from tiptoe.demo.show import RULES, Director, introduce, next_monday
from tiptoe.demo.stage import Stage, folder_settings, stage
from tiptoe.demo_company import EMAIL
from tiptoe.settings import load_settings

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
LOOKS = {
    "light": ("light", 1440, 900),
    "dark": ("dark", 1440, 900),
    "390": ("light", 390, 844),
    "390-dark": ("dark", 390, 844),
}
PLAYED = timedelta(days=2)
NAMES = ("Ada", "Ben", "Chloé", "Dev", "Eva", "Finn", "Grace", "Hugo", "Ines", "Jonas")


async def main() -> None:
    """Play, look, and leave nothing behind."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(folder_settings(Path(folder), free_port(), free_port()))
        start = next_monday(datetime.now(UTC))
        async with stage(settings, RULES, start, lambda *_: None) as here:
            cast = [
                Customer(one.index, one.number, name, one.story, one.begins)
                for one, name in zip(customers(len(NAMES), start), NAMES, strict=True)
            ]
            await introduce(here, cast)
            await Director(here, cast, until=start + PLAYED).play()
            await _look_around(here)


async def _look_around(here: Stage) -> None:
    automation, run, contact, number, message = await _places(here)
    web, phone = here.settings.base_url, here.settings.sandbox_page_url
    places = {
        "automations": f"{web}/automations",
        "automation": f"{web}/automations/{automation}",
        "simulator": f"{web}/automations/{automation}?mode=simulate",
        "gallery": f"{web}/automations/gallery",
        "gallery-one": f"{web}/automations/gallery/appointment_reminder",
        "run": f"{web}/runs/{run}",
        "contacts": f"{web}/contacts",
        "contact": f"{web}/contacts/{contact}",
        "message": f"{web}/messages/{message}",
        "queue": f"{web}/queue",
        "templates": f"{web}/templates",
        "phones": f"{web}/phones",
        "phone": f"{web}/phones/1",
        "phone-add": f"{web}/phones/new",
        "alerts": f"{web}/alerts",
        "sandbox-phone": f"{phone}/chats/{number}",
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox"]
        )
        for look, (scheme, width, height) in LOOKS.items():
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="en-GB",
                timezone_id="Europe/Rome",
            )
            page = await context.new_page()
            await page.goto(f"{web}/signin")
            await page.screenshot(path=FOLDER / f"signin-{look}.png")
            await _sign_in(page)
            for name, address in places.items():
                await page.goto(address, wait_until="load")
                await page.screenshot(path=FOLDER / f"{name}-{look}.png")
            await context.close()
        await browser.close()


async def _sign_in(page: Page) -> None:
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill("demo-password")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/automations*")


async def _places(here: Stage) -> tuple[int, int, int, str, int]:
    """The cart automation, the run and contact of the customer who tapped a button, and a message
    that was read.
    """
    async with here.database.read() as tx:
        automation = await tx.scalar(
            sa.select(automations.c.id).where(automations.c.name == "Abandoned cart")
        )
        query = sa.select(runs).where(runs.c.status == "done").order_by(runs.c.id).limit(1)
        run = (await tx.execute(query)).one()
        read = sa.select(sa.func.min(sent.c.id)).where(sent.c.state == "read")
        message = await tx.scalar(read)
    messages = await here.phone_messages()
    number = next(one["wa_id"] for one in messages if one["direction"] == "in")
    return int(automation or 0), run.id, run.contact_id, number, int(message or 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
