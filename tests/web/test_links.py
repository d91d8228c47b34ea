"""Links of ours: on to where the author pointed them, counted once for the engine."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import links, resolve
from store.addresses import Address
from store.events import events
from tests.web.conftest import NOW, House

pytestmark = pytest.mark.anyio
URL = "https://shop.example/cart?a=1&b=%20#top"
BROWSER = "Mozilla/5.0 (Linux; Android 14; CUBOT X30) AppleWebKit/537.36 Chrome/140.0 Mobile"


async def link(house: House, token: str = "abcDEF123_-x", url: str = URL) -> int:
    async with house.web.database.write() as tx:
        contact = await resolve.resolve(
            tx, house.company, [Address("phone", "+393331234567")], now=NOW
        )
        row: dict[str, Any] = {
            "token": token,
            "company_id": house.company,
            "contact_id": contact,
            "run_id": 12,
            "automation_id": 3,
            "step": "greet",
            "url": url,
            "created_at": NOW,
        }
        await links.insert_many(tx, [row])
    return contact


async def test_the_first_click_is_an_event_all_are_counted(both_houses: House) -> None:
    house = both_houses
    contact = await link(house)
    for _ in range(3):
        answer = await house.client(**{"user-agent": BROWSER}).get("/l/abcDEF123_-x")
        assert (answer.status_code, answer.headers["location"]) == (302, URL)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        house.clock.pass_by(minutes=1)
    [event] = await house.rows(sa.select(events))
    assert (event.kind, event.contact_id) == ("link_clicked", contact)
    told = {"type": "link_clicked", "url": URL, "run_id": 12, "step": "greet"}
    assert event.data == told
    [row] = await house.rows(sa.select(links.links))
    assert (row.clicks, row.first_clicked_at) == (3, NOW)


@pytest.mark.parametrize(
    "agent",
    [
        "WhatsApp/2.24.1 A",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Slackbot-LinkExpanding 1.0",
        "TelegramBot (like TwitterBot)",
    ],
)
async def test_programs_that_look_ahead_are_not_counted(house: House, agent: str) -> None:
    await link(house)
    answer = await house.client(**{"user-agent": agent}).get("/l/abcDEF123_-x")
    assert (answer.status_code, answer.headers["location"]) == (302, URL)
    head = await house.client(**{"user-agent": BROWSER}).head("/l/abcDEF123_-x")
    assert head.status_code == 302
    assert await house.rows(sa.select(events.c.id)) == []
    assert [row.clicks for row in await house.rows(sa.select(links.links.c.clicks))] == [0]


@pytest.mark.parametrize("token", ["unknown", "abcDEF123_-y", "https:%2F%2Fevil.example", "%00"])
async def test_nobody_is_sent_anywhere_else(house: House, token: str) -> None:
    await link(house)
    answer = await house.client().get(f"/l/{token}?url=https://evil.example")
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_an_unknown_link_says_so_on_a_page(house: House) -> None:
    answer = await house.client().get("/l/unknown")
    assert answer.headers["content-type"].startswith("text/html")
    assert "not known any more" in answer.text


async def test_links_are_forgotten_one_day(house: House) -> None:
    await link(house)
    async with house.web.database.write() as tx:
        await links.forget(tx, NOW)
    assert (await house.client().get("/l/abcDEF123_-x")).status_code == 302
    async with house.web.database.write() as tx:
        await links.forget(tx, NOW + timedelta(seconds=1))
    assert (await house.client().get("/l/abcDEF123_-x")).status_code == 404
