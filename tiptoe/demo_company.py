"""The company a newcomer finds: a phone in the pretend WhatsApp, a shop, live automations.

Rule: made once, only in a database without any company; never touched again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import library
from store import automations, companies, first_run, phones, shops, templates, users
from store.companies import CompanySettings, Day
from store.database import Database
from tiptoe.clock import clock_from
from tiptoe.embedded import Welcome
from tiptoe.secret import derived, secret_of
from tiptoe.settings import Settings
from tiptoe.whatsapp_demo import (
    BUSINESS_NAME,
    DISPLAY_PHONE_NUMBER,
    PHONE_NAME,
    PHONE_NUMBER_ID,
    VERSION,
    WABA_ID,
    access_token,
    app_secret,
)
from web.config import PretendPhone

EMAIL = "owner@example.com"
PASSWORD_LENGTH = 12
SHOWN = ("abandoned_cart", "order_shipped", "welcome", "win_back")
"""The ready-made flows it begins with; the rest waits in the gallery."""
LIVE = ("abandoned_cart", "welcome", "order_shipped")
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PHONE_AGE = timedelta(days=365)  # a number that is known to WhatsApp, so that no warm-up slows it

ALWAYS_OPEN = CompanySettings(
    # A newcomer may try things on a Sunday night; real companies start with 9 to 20.
    sending_hours=dict.fromkeys(DAYS, ("00:00", "24:00")),
    gap_minutes=0,
    quiet_on_holidays=False,
    # The pretend WhatsApp always reports what it accepted, so silence means: it never arrived.
    unconfirmed_after_minutes=5,
    unconfirmed_rule="send_again",
)


async def seed(settings: Settings) -> Welcome | None:
    """Make the demo company where there is none; how to sign in, as long as nothing was changed."""
    password = derived(secret_of(settings), "demo password")[:PASSWORD_LENGTH]
    database = Database(settings.database_url)
    try:
        async with database.write() as tx:
            if not await companies.page(tx, limit=1):
                await make(tx, settings, clock_from(settings.clock)(), ALWAYS_OPEN, password)
        async with database.read() as tx:
            if await users.find_by_email(tx, EMAIL) is None:
                return None
            known = await users.verify(tx, EMAIL, password)
    finally:
        await database.close()
    return Welcome(EMAIL, password if known else None)


async def unseeded(settings: Settings) -> Welcome | None:
    """Make nothing; say where to begin, as long as nobody can sign in."""
    database = Database(settings.database_url)
    try:
        async with database.read() as tx:
            return Welcome("", None) if await first_run.nobody_yet(tx) else None
    finally:
        await database.close()


def pretend_phone(settings: Settings) -> PretendPhone:
    """Return the number a company may begin with."""
    return PretendPhone(
        name=PHONE_NAME,
        number=DISPLAY_PHONE_NUMBER,
        remote_id=PHONE_NUMBER_ID,
        account_id=WABA_ID,
        token=access_token(settings),
        app_secret=app_secret(settings),
        base_url=settings.sandbox_url,
        version=VERSION,
    )


def shop_secret(settings: Settings) -> str:
    """The key with which the demo shop signs its webhooks."""
    return derived(secret_of(settings), "demo shop secret")


async def make(
    tx: AsyncConnection,
    settings: Settings,
    now: datetime,
    rules: CompanySettings,
    password: str,
) -> int:
    """A company with an owner, a sandbox phone, a Shopify connection and live automations."""
    company = await companies.create(
        tx, BUSINESS_NAME, now=now, zone="Europe/Rome", language="en", country="IT", settings=rules
    )
    await users.create(
        tx, company, email=EMAIL, password=password, name="Owner", role="owner", now=now
    )
    one = pretend_phone(settings)
    await phones.create(
        tx,
        company,
        "cloud_api",
        now - PHONE_AGE,
        name=one.name,
        number=one.number,
        remote_id=one.remote_id,
        account_id=one.account_id,
        credentials={"token": one.token, "app_secret": one.app_secret},
        base_url=one.base_url,
        version=one.version,
    )
    approved = [one | {"status": "APPROVED", "account_id": WABA_ID} for one in library.templates()]
    await templates.upsert(tx, company, approved, now)
    await shops.create(
        tx,
        company,
        "shopify",
        now,
        name="Demo shop",
        domain="demo-shop.myshopify.com",
        shop_secrets=[shop_secret(settings)],
        country="GB",
    )
    for name in SHOWN:
        await _automation(tx, company, library.document(name), now, live=name in LIVE)
    return company


async def _automation(
    tx: AsyncConnection, company: int, document: dict[str, Any], now: datetime, *, live: bool
) -> None:
    automation = await automations.create(tx, company, document, now)
    if live:
        await automations.publish(tx, company, automation, None, "Ready-made", now)
