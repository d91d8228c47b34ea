"""Puts the sandbox together: Graph API, control API, phone page and the two background tasks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import uvicorn
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import PermissionDeniedException

from sandbox import control, control_templates, drafting, graph, meta, phone, settings, trouble
from sandbox.config import SandboxConfig, utc_now
from sandbox.delivery import delivering
from sandbox.front import Connection, FrontDoor
from sandbox.gate import is_from_elsewhere
from sandbox.live import Live
from sandbox.timers import keep_firing
from sandbox.world import open_world

log = logging.getLogger("sandbox")

GRACE_S = 1
"""Seconds that open requests get at the end; streams are ended before."""


def create_app(config: SandboxConfig, *, clock: Callable[[], datetime] = utc_now) -> Litestar:
    """Return the sandbox as an ASGI app; `clock` gives aware UTC and may be moved by its owner.

    Whoever serves the app calls `end_streams(app)` when it is asked to stop, as `run` does; else
    open phone pages hold the server until its own time limit.
    """
    live = Live()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        world = open_world(config, clock, live)
        settings.recall(world)
        for body in config.templates:
            drafting.approve(world, config.waba_id, dict(body))
        app.state.world = world
        firing = asyncio.create_task(keep_firing(world), name="sandbox-timers")
        firing.add_done_callback(_say_if_broken)
        try:
            async with delivering(world):
                yield
        finally:
            live.close()
            firing.cancel()
            await asyncio.gather(firing, return_exceptions=True)
            world.memory.close()

    return FrontDoor(
        route_handlers=[
            graph.router,
            control.router,
            control_templates.router,
            meta.router,
            trouble.router,
            phone.router,
            phone.static,
        ],
        lifespan=[lifespan],
        state=State({"live": live}),
        before_request=_same_origin,
        openapi_config=None,
        logging_config=None,
    )


def _say_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.error("the sandbox's timers stopped", exc_info=problem)


async def _same_origin(request: Request[object, object, State]) -> Response[str] | None:
    """Refuse changes that another site's page tries through the developer's browser."""
    if request.method != "GET" and is_from_elsewhere(request.headers):
        raise PermissionDeniedException("this request comes from another site's page")
    return None


def end_streams(app: Litestar) -> None:
    """End the open pages' event streams, so that a server can stop at once."""
    live: Live = app.state.live
    live.close()


class SandboxServer(uvicorn.Server):
    """A uvicorn server that ends the event streams before it waits for open requests."""

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """End the streams, then stop as usual."""
        app = self.config.app
        if isinstance(app, Litestar):
            end_streams(app)
        await super().shutdown(sockets)  # type: ignore[arg-type]


def server(
    config: SandboxConfig,
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    clock: Callable[[], datetime] = utc_now,
) -> SandboxServer:
    """Return a server to `await .serve()` in a loop that is already running."""
    return SandboxServer(
        uvicorn.Config(
            create_app(config, clock=clock),
            host=host,
            port=port,
            http=Connection,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def run(
    config: SandboxConfig,
    host: str = "127.0.0.1",
    port: int = 8090,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Serve the sandbox until SIGINT or SIGTERM; it stops within two seconds."""
    server(config, host=host, port=port, clock=clock).run()
