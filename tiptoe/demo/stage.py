"""The stage of a demo: the real processes on a temporary folder, with a clock that can be moved."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from engine.carts import next_due as next_cart
from engine.flowcache import FlowCache
from store import companies, http_calls, runs
from store.carts import carts
from store.companies import CompanySettings
from store.contacts import contacts
from store.database import Database
from store.doorbell import Doorbell
from store.events import events
from store.messages import messages
from store.migrate import migrate
from store.shops import shop_connections
from tiptoe.clock import file_clock, real_clock, set_offset
from tiptoe.demo_company import make, shop_secret
from tiptoe.embedded import children, private_folder
from tiptoe.settings import Settings
from tiptoe.supervisor import Supervisor

READY_WITHIN_S = 60.0
LOOK_S = 0.05
PAGE = 1000


class Stage:
    """The running processes, seen from outside."""

    def __init__(self, settings: Settings, supervisor: Supervisor, redis_url: str) -> None:
        if settings.clock is None:
            raise ValueError("a demo needs a clock of its own")
        self.settings = settings
        self.supervisor = supervisor
        self.clock_file = settings.clock
        self.now = file_clock(settings.clock)
        self.database = Database(settings.database_url)
        self.redis_url = redis_url
        self.bell = Doorbell(redis_url)
        self.http = httpx.AsyncClient(trust_env=False, timeout=30)
        self.flows = FlowCache()
        self.hook = ""

    def move_clock(self, to: datetime) -> None:
        """Put all processes' clocks to `to`; never back."""
        if to > self.now():
            set_offset(self.clock_file, (to - real_clock()).total_seconds())

    async def ring(self) -> None:
        """The clock was moved: nobody needs to wait for their next look."""
        await self.bell.ring_engine()
        await self.bell.ring_gateway()

    async def post(self, topic: str, raw: bytes, event_id: str) -> None:
        """Deliver a signed Shopify webhook, again and again until it is taken, as Shopify does."""
        secret = shop_secret(self.settings).encode()
        signature = base64.b64encode(hmac.new(secret, raw, hashlib.sha256).digest()).decode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Event-Id": event_id,
            "Content-Type": "application/json",
        }
        while True:
            try:
                answer = await self.http.post(self.hook, content=raw, headers=headers)
                if answer.is_success:
                    return
                if answer.is_client_error:
                    answer.raise_for_status()
            except httpx.TransportError:
                pass
            await asyncio.sleep(LOOK_S)

    async def sandbox(self, method: str, path: str, **more: Any) -> Any:
        """A call of the sandbox's control API."""
        answer = await self.http.request(
            method, f"{self.settings.sandbox_url}/sandbox/api{path}", **more
        )
        answer.raise_for_status()
        return answer.json()

    async def phone_messages(self) -> list[dict[str, Any]]:
        """Everything that customers' phones got and sent."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["n"] if found else 0
            query = {"after": after, "limit": PAGE}
            page = (await self.sandbox("GET", "/messages", params=query))["messages"]
            found += page
            if len(page) < PAGE:
                return found

    async def quiet(self) -> bool:
        """Whether nothing is left to do at the clock's time. Database and sandbox are asked one
        after the other: what went from one to the other in between shows in the progress.
        """
        before = await self.progress()
        return await self._looks_quiet() and await self.progress() == before

    async def _looks_quiet(self) -> bool:
        now = self.now()
        busy = (
            sa.exists().where(events.c.handled_at.is_(None)),
            sa.exists().where(messages.c.state == "sending"),
            sa.exists().where(messages.c.state == "queued", messages.c.due_at <= now),
            sa.exists().where(runs.runs.c.status == "waiting", runs.runs.c.wait_until <= now),
        )
        async with self.database.read() as tx:
            if await tx.scalar(sa.select(sa.or_(*busy))):
                return False
            due = await next_cart(tx, self.flows, now)
            if due is not None and due <= now:
                return False
        state = await self.sandbox("GET", "/state")
        return not state["undelivered_webhooks"] and not state["due_now"]

    async def progress(self) -> list[tuple[str, int]]:
        """Something that is different whenever anything has moved."""
        by_state = sa.select(messages.c.state, sa.func.count()).group_by(messages.c.state)
        unhandled = sa.select(sa.func.count()).where(events.c.handled_at.is_(None))
        async with self.database.read() as tx:
            states = sorted((state, n) for state, n in await tx.execute(by_state))
            return [*states, ("unhandled", await tx.scalar(unhandled) or 0)]

    async def next_moment(self) -> datetime | None:
        """When something will be due by itself; None when nothing will."""
        async with self.database.read() as tx:
            queued = await tx.scalar(
                sa.select(sa.func.min(messages.c.due_at)).where(messages.c.state == "queued")
            )
            unsure = await tx.scalar(
                sa.select(sa.func.min(messages.c.claimed_at)).where(
                    messages.c.state == "unconfirmed"
                )
            )
            [company] = await companies.page(tx)
            times = [
                queued,
                unsure and unsure + timedelta(minutes=company.settings.unconfirmed_after_minutes),
                await runs.next_due(tx),
                await http_calls.next_due(tx),
                await next_cart(tx, self.flows, self.now()),
            ]
        at = (await self.sandbox("GET", "/state"))["next_at"]
        times.append(datetime.fromisoformat(at) if at else None)
        return min((one for one in times if one is not None), default=None)

    async def books(self) -> dict[str, int]:
        """What the database says of the company's success; not of delivery."""
        counts = {
            "started": sa.select(sa.func.count()).select_from(runs.runs),
            "unfinished": sa.select(sa.func.count()).where(runs.runs.c.status == "waiting"),
            "recovered": sa.select(sa.func.count()).where(carts.c.status == "recovered"),
            "opted_out": sa.select(sa.func.count()).where(contacts.c.consent == "no"),
        }
        async with self.database.read() as tx:
            return {name: int(await tx.scalar(query) or 0) for name, query in counts.items()}

    async def close(self) -> None:
        """Hang up; the processes are ended by `stage`."""
        await self.http.aclose()
        await self.bell.close()
        await self.database.close()


@contextlib.asynccontextmanager
async def stage(
    settings: Settings,
    rules: CompanySettings,
    start: datetime,
    show: Callable[[str, str], None],
) -> AsyncIterator[Stage]:
    """Start everything at `start` with the demo company; nothing is left running afterwards."""
    if settings.clock is None:
        raise ValueError("a demo needs a clock of its own")
    set_offset(settings.clock, (start - real_clock()).total_seconds())
    await migrate(settings.database_url)
    with private_folder(settings.data) as sockets:
        redis_url = settings.redis_url or f"unix://{sockets / 'redis.sock'}"
        supervisor = Supervisor(
            children(settings, sockets),
            logs=settings.data / "logs",
            show=show,
            severity=logging.ERROR,
        )
        found = Stage(settings, supervisor, redis_url)
        async with found.database.write() as tx:
            await make(tx, settings, start, rules, "demo-password")
            key = await tx.scalar(sa.select(shop_connections.c.key))
        found.hook = f"{settings.base_url}/hooks/shops/{key}"
        running = asyncio.create_task(supervisor.run())
        try:
            await _ready(found, running)
            yield found
        finally:
            supervisor.stop()
            await running
            await found.close()


async def _ready(found: Stage, running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(READY_WITHIN_S):
        while not running.done():
            with contextlib.suppress(httpx.HTTPError):
                health = await found.http.get(f"{found.settings.base_url}/health")
                if health.is_success and await found.sandbox("GET", "/state"):
                    return
            await asyncio.sleep(LOOK_S)
    raise RuntimeError("the processes did not start")


def folder_settings(folder: Path, port: int, sandbox_port: int) -> dict[str, str]:
    """The environment of a demo in `folder`."""
    return {
        "TIPTOE_DATA": str(folder),
        "TIPTOE_PORT": str(port),
        "TIPTOE_SANDBOX_PORT": str(sandbox_port),
        "TIPTOE_CLOCK": str(folder / "clock"),
    }
