"""What the web process is told when it starts. Whoever starts it fills this in.

Rule: nothing here is read from the environment; settings arrive as arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.prices import Prices, load_prices
from store.database import Database
from store.doorbell import Doorbell
from store.presence import Presence


@dataclass(frozen=True, kw_only=True)
class PretendPhone:
    """The number of the pretend WhatsApp, and what opens it; `base_url` is its API's."""

    name: str
    number: str
    remote_id: str
    account_id: str
    token: str
    app_secret: str
    base_url: str
    version: str


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """Everything the pages, the API and the hooks need.

    `clock` is the time automations live by, `real_clock` the wall's (heartbeats carry that one).
    `secret` signs cookies, at least 32 characters. `base_url` is how browsers reach us.
    `sandbox_url` is the page of the pretend WhatsApp, `pretend` its number, where there is one.
    `cloud_api_url` and `cloud_api_version` are asked about a number before it is connected. `media`
    is the folder of files, `prices` what messages cost. `presence` knows who has pages open.
    `redis_answers` is asked by /health; None where no Redis is
    used.
    """

    database: Database
    clock: Callable[[], datetime]
    real_clock: Callable[[], datetime]
    bell: Doorbell
    secret: str
    base_url: str = "http://localhost:8000"
    verify_token: str = ""
    sandbox_url: str = ""
    pretend: PretendPhone | None = None
    cloud_api_url: str = "https://graph.facebook.com"
    cloud_api_version: str = "v24.0"
    media: Path = Path("var/media")
    prices: Prices = field(default_factory=load_prices)
    presence: Presence = field(default_factory=lambda: Presence(None))
    redis_answers: Callable[[], Awaitable[bool]] | None = None
    session_lasts: timedelta = timedelta(days=14)
    sign_in_tries: int = 8  # wrong passwords per address and e-mail in a quarter of an hour
    api_calls_per_minute: int = 600
    allow_private_webhooks: bool = False  # whether a webhook may be tried inside our own network
    heartbeat_names: tuple[str, ...] = ("engine", "gateway")

    @property
    def https(self) -> bool:
        """Whether browsers reach us encrypted, so that cookies may insist on it."""
        return self.base_url.startswith("https://")
