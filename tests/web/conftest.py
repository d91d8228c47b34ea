"""A house to visit: two companies, people of every role, keys, and the real app over HTTP.

Rule: requests go through the whole application; only the network card is left out.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from litestar import Litestar

from store import api_keys, automations, companies, phones, shops, templates, users
from store.database import Database
from store.doorbell import Doorbell
from web.app import create_app, serve
from web.config import WebConfig

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BASE = "http://tiptoe.test"
PASSWORD = "correct horse battery"
APP_SECRET = "app-secret-of-tests"
SHOP_SECRET = "shpss_secret_of_tests"
ROLES = ("viewer", "agent", "editor", "admin", "owner")
SAMPLES = Path(__file__).parent.parent / "samples"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
CSRF_ON_BODY = re.compile(r'"X-CSRF-Token":"([0-9a-f]{64})"')

TEMPLATE: dict[str, Any] = {
    "name": "cart_reminder",
    "language": "en",
    "category": "MARKETING",
    "status": "APPROVED",
    "components": [
        {"type": "BODY", "text": "Hi {{1}}, your cart is waiting."},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}]},
    ],
}


def cart_flow(name: str = "Abandoned cart", **more: Any) -> dict[str, Any]:
    """A document without problems: a cart, a template, a wait for a reply, two ends."""
    return {
        "spec": 1,
        "name": name,
        "triggers": {
            "cart": {"type": "shop", "on": "cart.abandoned", "wait": "30m"},
            "api": {"type": "api"},
        },
        "start": "remind",
        "exit_rules": [{"on": "order.created"}],
        "steps": {
            "remind": {
                "type": "send_template",
                "name": "Remind of the cart",
                "template": "cart_reminder",
                "language": "en",
                "body": ['{{ contact.first_name | default: "there" }}'],
                "next": {"sent": "reply"},
            },
            "reply": {
                "type": "wait_for_reply",
                "name": "Did they answer?",
                "up_to": "24h",
                "next": {"other": "thank", "no_reply": "end"},
            },
            "thank": {"type": "send_message", "text": "Thank you!", "next": {"sent": "end"}},
            "end": {"type": "end"},
        },
        **more,
    }


@dataclass
class Clock:
    """A time that only moves when told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass
class House:
    """The app and what is in its database."""

    app: Litestar
    web: WebConfig
    clock: Clock
    company: int
    other_company: int
    key: str
    other_key: str
    shop: shops.Shop
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A browser or machine that nobody knows yet."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        made = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self.clients.append(made)
        return made

    def machine(self, key: str = "") -> httpx.AsyncClient:
        """A client with an API key."""
        return self.client(authorization=f"Bearer {key or self.key}")

    async def signed_in(self, role: str = "owner", company: str = "a") -> httpx.AsyncClient:
        """A browser of a user of that role, with the form token as its default header."""
        client = self.client()
        answer = await sign_in(client, f"{role}@{company}.test", PASSWORD)
        assert answer.status_code == 303, answer.text
        page = await client.get("/automations")
        found = CSRF_ON_BODY.search(page.text)
        assert found is not None
        client.headers["x-csrf-token"] = found[1]
        return client

    async def automation(self, document: dict[str, Any], company: int = 0) -> int:
        """An automation of that document, as a draft."""
        async with self.web.database.write() as tx:
            return await automations.create(tx, company or self.company, document, self.clock())

    async def live(self, document: dict[str, Any] | None = None, company: int = 0) -> int:
        """The same, published."""
        made = await self.automation(document or cart_flow(), company)
        async with self.web.database.write() as tx:
            await automations.publish(tx, company or self.company, made, None, "", self.clock())
        return made

    async def rows(self, query: Any) -> list[Any]:
        """What the database holds."""
        async with self.web.database.read() as tx:
            return list((await tx.execute(query)).all())


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    """Fetch the form and send it, as a browser does."""
    form = await client.get("/signin")
    found = CSRF.search(form.text)
    assert found is not None
    return await client.post(
        "/signin", data={"csrf": found[1], "email": email, "password": password}
    )


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in life, with less work: thousands of sign-ins add up."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher.from_parameters(CHEAPEST))


@pytest.fixture
async def build_house(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[House]]]:
    houses: list[House] = []

    async def build(url: str) -> House:
        house = await _build(url, tmp_path / "media", create_app if houses else _app_of)
        houses.append(house)
        return house

    yield build
    for house in houses:
        for client in house.clients:
            await client.aclose()
        await house.web.database.close()


@pytest.fixture
async def house(build_house: Callable[[str], Awaitable[House]], sqlite_url: str) -> House:
    """On SQLite."""
    return await build_house(sqlite_url)


@pytest.fixture
async def both_houses(build_house: Callable[[str], Awaitable[House]], database_url: str) -> House:
    """On SQLite and on PostgreSQL."""
    return await build_house(database_url)


async def _build(
    url: str,
    media: Path = Path("var/media"),
    app_of: Callable[[WebConfig], Litestar] = create_app,
) -> House:
    database, clock = Database(url), Clock()
    ids: dict[str, int] = {}
    keys: dict[str, str] = {}
    async with database.write() as tx:
        for letter in ("a", "b"):
            company = await companies.create(tx, f"Company {letter.upper()}", now=NOW)
            ids[letter] = company
            keys[letter] = await api_keys.create(tx, company, "Tests", NOW)
            await templates.upsert(tx, company, [TEMPLATE], NOW)
            for role in ROLES if letter == "a" else ("owner",):
                await tx.execute(
                    sa.insert(users.users).values(
                        company_id=company,
                        email=f"{role}@{letter}.test",
                        name=f"{role.title()} of {letter.upper()}",
                        role=role,
                        password_hash=_hashed(),
                        created_at=NOW,
                    )
                )
        await phones.create(
            tx,
            ids["a"],
            "cloud_api",
            NOW,
            name="Main",
            number="+390212345678",
            remote_id="100000000000001",
            account_id="200000000000002",
            credentials={"token": "t", "app_secret": APP_SECRET},
        )
        shop = await shops.create(
            tx, ids["a"], "shopify", NOW, name="Shop", shop_secrets=[SHOP_SECRET], country="IT"
        )
    web = WebConfig(
        database=database,
        clock=clock,
        real_clock=clock,
        bell=Doorbell(None),
        secret="s" * 40,
        base_url=BASE,
        verify_token="verify-me",
        sandbox_url="http://sandbox.test",
        media=media,
    )
    return House(
        app=app_of(web),
        web=web,
        clock=clock,
        company=ids["a"],
        other_company=ids["b"],
        key=keys["a"],
        other_key=keys["b"],
        shop=shop,
    )


def _app_of(web: WebConfig) -> Litestar:
    """The process's application, for this house now: making one takes longer than most tests."""
    if not _APP:
        _APP.append(create_app(web))
    serve(_APP[0], web)
    return _APP[0]


_APP: list[Litestar] = []


@cache
def _hashed() -> str:
    """One hash for all."""
    return users.HASHER.hash(PASSWORD)
