"""The live connection over a real server: what changes, who is here, and how it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from store import automations, sessions, step_days
from store.presence import Presence
from store.results import results
from tests.web.conftest import NOW, House, cart_flow
from tests.web.seed import seed_run
from web.app import create_app
from web.builder.live import feeds, routes
from web.serving import Server

pytestmark = pytest.mark.anyio
PATIENCE_S = 20


class Site:
    """The app of a house on a port of its own, in this loop."""

    def __init__(self, house: House, presence: Presence | None = None) -> None:
        self.house = house
        web = house.web if presence is None else replace(house.web, presence=presence)
        self.app: Any = create_app(web)
        self.server = Server(uvicorn.Config(self.app, port=0, log_level="error", lifespan="off"))
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.task = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)

    @property
    def address(self) -> str:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> float:
        """How long it took."""
        began = time.monotonic()
        self.server.should_exit = True
        if self.task is not None:
            await self.task
        return time.monotonic() - began


class Stream:
    """An open connection; `next` waits for an event of some name."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.aiter_lines()

    async def next(self, name: str) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            async for line in self.lines:
                if line == f"event: {name}":
                    return json.loads((await anext(self.lines)).removeprefix("data: "))
        raise AssertionError(f"the stream ended without {name!r}")

    async def ends(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            async for _ in self.lines:
                pass


@pytest.fixture
async def sites(house: House) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Site] = []

    async def open_one(presence: Presence | None = None) -> Site:
        site = Site(house, presence)
        opened.append(site)
        await site.start()
        return site

    yield open_one
    for site in opened:
        await site.stop()


@asynccontextmanager
async def watch(
    site: Site, made: int, role: str = "editor", query: str = ""
) -> AsyncIterator[Stream]:
    browser = await site.house.signed_in(role)
    async with httpx.AsyncClient(base_url=site.address, timeout=PATIENCE_S) as client:
        cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
        address = f"/automations/{made}/live{query}"
        async with client.stream("GET", address, headers=cookies) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Stream(answer)


async def test_numbers_come_whole_and_then_as_they_change(house: House, sites: Any) -> None:
    made = await house.live()
    await seed_run(house, made)
    site = await sites()
    async with watch(site, made) as stream:
        first = await stream.next("counts")
        assert first["remind"]["exits"] == {"sent": 1}
        assert (first["remind"]["passed"], first["reply"]["here"]) == (1, 1)
        place = (made, step_days.day_of(NOW, "UTC"), 1)
        async with house.web.database.write() as tx:
            await step_days.count(tx, {(*place, "remind", "exit", "sent"): 4})
        second = await stream.next("counts")
        assert set(second) == {"remind"}
        assert second["remind"]["passed"] == 5


async def test_each_page_gets_the_numbers_of_its_own_period(house: House, sites: Any) -> None:
    made = await house.live()
    await seed_run(house, made)
    site = await sites()
    old = "?period=custom&to=2026-02-01"
    async with watch(site, made) as usual, watch(site, made, "viewer", old) as past:
        assert (await usual.next("counts"))["remind"]["passed"] == 1
        assert set(await past.next("counts")) == {"reply"}  # who waits now, and nothing else


async def test_others_changes_and_states_are_told(house: House, sites: Any) -> None:
    made = await house.live()
    site = await sites()
    async with watch(site, made) as stream:
        assert await stream.next("draft") == {"version": 0}
        assert await stream.next("status") == {"status": "live", "revision": 1}
        async with house.web.database.write() as tx:
            await automations.save_draft(tx, house.company, made, cart_flow("Another"), NOW)
        assert (await stream.next("draft"))["version"] == 1
        async with house.web.database.write() as tx:
            await automations.pause(tx, house.company, made, NOW)
        assert await stream.next("status") == {"status": "paused", "revision": 1}


async def test_colleagues_see_each_other_come_and_go(house: House, sites: Any) -> None:
    made = await house.live()
    site = await sites()
    async with watch(site, made, "editor") as mine:
        await mine.next("draft")
        async with watch(site, made, "editor") as again, watch(site, made, "admin") as other:
            assert await mine.next("here") == ["Admin of A"]  # one's own other tab is nobody else
            assert await other.next("here") == ["Editor of A"]
            assert await again.next("here") == ["Admin of A"]
        assert await mine.next("here") == []


async def test_colleagues_of_another_process_are_seen_too(
    house: House, sites: Any, redis_url: str
) -> None:
    made = await house.live()
    here, there = Presence(redis_url), Presence(redis_url)
    one, two = await sites(here), await sites(there)
    async with watch(one, made, "editor") as mine:
        await mine.next("draft")
        async with watch(two, made, "admin") as other:
            assert await other.next("here") == ["Editor of A"]
            assert await mine.next("here") == ["Admin of A"]
    await one.stop()
    await two.stop()
    await here.close()
    await there.close()


async def test_nothing_is_asked_when_nobody_watches_and_once_for_many(
    house: House, sites: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await house.live()
    site = await sites()
    looks: list[str] = []

    @sa.event.listens_for(house.web.database.engine.sync_engine, "before_cursor_execute")
    def listen(_db: Any, _cursor: Any, sql: str, _given: Any, _context: Any, _many: Any) -> None:
        if "step_days" in sql:
            looks.append(sql)

    monkeypatch.setattr(feeds, "EACH_S", 0.3)
    all_feeds = feeds.feeds_of(site.app)
    async with watch(site, made) as one, watch(site, made) as two, watch(site, made) as three:
        for stream in (one, two, three):
            await stream.next("draft")
        looks.clear()
        await asyncio.sleep(1.0)
        assert 1 <= len(looks) <= 4
        assert all_feeds.watched == {made}
    async with asyncio.timeout(PATIENCE_S):
        while all_feeds.watched:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.05)
    looks.clear()
    await asyncio.sleep(0.7)
    assert not looks


async def test_the_server_stops_at_once_with_streams_open(house: House, sites: Any) -> None:
    made = await house.live()
    site = await sites()
    async with watch(site, made) as stream:
        await stream.next("draft")
        stopping = asyncio.create_task(site.stop())
        await stream.ends()
        assert await stopping < 1.5


async def test_the_stream_ends_with_the_session(
    house: House, sites: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await house.live()
    site = await sites()
    monkeypatch.setattr(routes, "ALIVE_S", 0.2)
    async with watch(site, made) as stream:
        await stream.next("draft")
        async with house.web.database.write() as tx:
            await tx.execute(sa.update(sessions.sessions).values(revoked_at=NOW))
        assert await stream.next("over") == {}
        await stream.ends()


async def test_a_database_that_is_away_for_a_moment_ends_no_stream(
    house: House, sites: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await house.live()
    await seed_run(house, made)
    site = await sites()
    faults = [1, 2]

    async def fails(*given: Any) -> Any:
        if faults:
            faults.pop()
            raise OSError("the database is away")
        return await results(*given)

    monkeypatch.setattr(feeds, "results", fails)
    monkeypatch.setattr(feeds, "AFTER_A_FAULT_S", 0.05)
    async with watch(site, made) as stream:
        assert (await stream.next("counts"))["remind"]["passed"] == 1
    assert not faults


async def test_who_may_not_watch(house: House) -> None:
    made = await house.live()
    stranger = await house.signed_in("owner", "b")
    assert (await stranger.get(f"/automations/{made}/live")).status_code == 404
    nobody = house.client()
    assert (await nobody.get(f"/automations/{made}/live")).status_code == 303
