"""The processes of Tiptoe: each takes the settings and runs until SIGTERM or SIGINT.

Rule: here settings become arguments; nothing below this package knows the environment.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tiptoe.clock import clock_from, real_clock
from tiptoe.secret import secret_of
from tiptoe.settings import Settings, SettingsError
from tiptoe.whatsapp_demo import sandbox_config, verify_token

if TYPE_CHECKING:
    from gateway.prices import Prices

WEB_GRACE_S = 2
"""Seconds that open requests get when the web process stops; event streams are ended before."""
STARTUP_FAILURE = 3
"""The exit code of a server that could not listen, as uvicorn has it."""


def run_web(settings: Settings) -> None:
    """Serve the pages, the API and the hooks."""
    from store.database import Database
    from store.doorbell import Doorbell
    from store.presence import Presence
    from tiptoe import killpoints
    from tiptoe.demo_company import pretend_phone
    from web.app import create_app
    from web.config import WebConfig
    from web.serving import Server

    killpoints.listen(settings.kill_points)
    app = create_app(
        WebConfig(
            database=Database(settings.database_url),
            clock=clock_from(settings.clock),
            real_clock=real_clock,
            bell=Doorbell(settings.redis_url),
            secret=secret_of(settings),
            base_url=settings.base_url,
            verify_token=verify_token(settings),
            sandbox_url=settings.sandbox_page_url,
            pretend=pretend_phone(settings),
            cloud_api_url=settings.cloud_api_url,
            cloud_api_version=settings.cloud_api_version,
            allow_private_webhooks=settings.allow_private_webhooks,
            media=settings.media,
            prices=_prices(settings),
            presence=Presence(settings.redis_url),
            redis_answers=_redis_probe(settings.redis_url),
        )
    )
    server = Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=WEB_GRACE_S,
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn passes on what stopped it
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def run_engine(settings: Settings) -> None:
    """Move contacts through flows."""
    from engine.mail import Mailer
    from engine.worker import run
    from tiptoe import killpoints

    killpoints.listen(settings.kill_points)
    if settings.redis_url is None:
        raise SettingsError(
            "`tiptoe engine` needs REDIS_URL, for example redis://127.0.0.1:6379/0. "
            "(`tiptoe up` brings a Redis of its own.)"
        )
    asyncio.run(
        run(
            settings.database_url,
            settings.redis_url,
            clock_from(settings.clock),
            allow_private_webhooks=settings.allow_private_webhooks,
            public_url=settings.base_url,
            mailer=Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None,
        )
    )


def run_gateway(settings: Settings) -> None:
    """Deliver messages. Without a Redis it only looks for work less promptly."""
    from gateway.channels import kinds
    from gateway.channels.cloud_api import CloudApi
    from gateway.channels.neonize import Neonize
    from gateway.worker import run
    from tiptoe import killpoints

    killpoints.listen(settings.kill_points)

    async def deliver() -> None:
        channels = {
            "cloud_api": CloudApi(
                base_url=settings.cloud_api_url, version=settings.cloud_api_version
            ),
            "neonize": Neonize(
                settings.data / "phones",
                media=settings.media,
                allow_private_files=settings.allow_private_webhooks,
            ),
        }
        channels |= {kind: found() for kind, found in kinds().items() if kind not in channels}
        clock = clock_from(settings.clock)
        await run(
            settings.database_url,
            settings.redis_url,
            clock,
            channels=channels,
            media=settings.media,
        )

    asyncio.run(deliver())


def run_sandbox(settings: Settings) -> None:
    """Serve the pretend WhatsApp."""
    from sandbox.server import run

    settings.data.mkdir(parents=True, exist_ok=True)
    run(
        sandbox_config(settings),
        host=settings.host,
        port=settings.sandbox_port,
        clock=clock_from(settings.clock),
    )


def _prices(settings: Settings) -> "Prices":
    from gateway.prices import load_prices

    try:
        return load_prices(settings.prices)
    except (OSError, ValueError) as problem:
        raise SettingsError(f"TIPTOE_PRICES cannot be used: {problem}") from problem


def _redis_probe(url: str | None) -> Callable[[], Awaitable[bool]] | None:
    if url is None:
        return None

    async def answers() -> bool:
        try:
            async with Redis.from_url(url, socket_timeout=1.0) as redis:
                return bool(await redis.ping())
        except (RedisError, OSError):
            return False

    return answers
