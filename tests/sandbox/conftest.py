"""Each test gets its own sandbox with an empty data file and its own receiver of webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from sandbox.config import SandboxConfig
from sandbox.server import create_app
from tests.sandbox.bench import Bench, FakeClock, Receiver, Running, config_for


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    receiver.url = f"http://{host}:{port}/hooks/whatsapp"
    yield receiver
    server.close()


@pytest.fixture
def config(tmp_path: Path, receiver: Receiver) -> SandboxConfig:
    return config_for(tmp_path, receiver.url)


@pytest.fixture
def running(config: SandboxConfig, receiver: Receiver) -> Running:
    @asynccontextmanager
    async def start(clock: FakeClock | None = None, **changes: Any) -> AsyncIterator[Bench]:
        clock = clock or FakeClock()
        changed = replace(config, **changes)
        app = create_app(changed, clock=clock)
        # The app shares the test's loop, so that it can call the receiver while a test waits.
        transport = httpx.ASGITransport(cast("Any", app))
        async with (
            app.lifespan(),
            httpx.AsyncClient(
                transport=transport, base_url="http://sandbox.test", follow_redirects=True
            ) as client,
        ):
            yield Bench(client, clock, receiver, changed)

    return start


@pytest.fixture
async def bench(running: Running) -> AsyncIterator[Bench]:
    async with running() as bench:
        yield bench
