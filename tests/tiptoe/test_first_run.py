"""An installation without the demo: nothing is made, and where to begin is said."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from store.companies import companies
from store.database import Database
from tiptoe.demo_company import pretend_phone, seed, unseeded
from tiptoe.settings import load_settings
from tiptoe.whatsapp_demo import sandbox_config

pytestmark = pytest.mark.anyio


async def test_without_the_demo_nothing_is_made(sqlite_url: str, tmp_path: Path) -> None:
    settings = load_settings({"DATABASE_URL": sqlite_url, "TIPTOE_DATA": str(tmp_path)})
    welcome = await unseeded(settings)
    assert welcome is not None
    assert welcome.email == ""
    database = Database(sqlite_url)
    async with database.read() as tx:
        assert (await tx.execute(sa.select(companies))).all() == []
    await database.close()
    await seed(settings)
    assert await unseeded(settings) is None, "somebody can sign in"


def test_the_pretend_number_is_the_one_the_sandbox_has(tmp_path: Path) -> None:
    settings = load_settings({"TIPTOE_DATA": str(tmp_path)})
    phone, config = pretend_phone(settings), sandbox_config(settings)
    assert (phone.remote_id, phone.account_id) == (config.phone_number_id, config.waba_id)
    assert (phone.token, phone.app_secret) == (config.access_token, config.app_secret)
    assert phone.base_url == settings.sandbox_url
