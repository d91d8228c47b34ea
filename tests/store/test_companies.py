"""Companies and their settings."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from store import companies, house
from store.companies import CompanySettings, decode_settings, encode_settings
from store.database import Database
from store.errors import InvalidError, NotFoundError

pytestmark = pytest.mark.anyio


async def test_a_company_comes_with_the_usual_settings(db: Database, now: datetime) -> None:
    async with db.write() as tx:
        company_id = await companies.create(tx, "Blue Mugs", zone="Europe/Paris", now=now)
        company = await companies.get(tx, company_id)
    assert (company.name, company.zone, company.language) == ("Blue Mugs", "Europe/Paris", "en")
    assert company.settings == CompanySettings()
    rules = house.rules_for(company.settings, house.HouseSettings())
    assert rules.sending_hours["sat"] == ("09:00", "20:00")
    assert rules.sending_hours["sun"] is None
    assert company.created_at == now


async def test_settings_are_kept(db: Database, company: int) -> None:
    wanted = msgspec.structs.replace(
        CompanySettings(),
        sending_hours={"mon": ("10:00", "24:00")},
        daily_limit=500,
        stop_words=["fermati"],
    )
    async with db.write() as tx:
        await companies.set_settings(tx, company, wanted)
        assert (await companies.get(tx, company)).settings == wanted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gap_minuts": 5}, "gap_minuts"),
        ({"gap_minutes": -1}, "gap_minutes"),
        ({"unconfirmed_rule": "maybe"}, "unconfirmed_rule"),
        ({"sending_hours": {"monday": None}}, "monday"),
        ({"sending_hours": {"mon": ["9", "20:00"]}}, "sending_hours"),
        ({"sending_hours": {"mon": ["20:00", "09:00"]}}, "mon sending hours end before they begin"),
    ],
)
def test_wrong_settings_are_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        decode_settings(encode_settings(CompanySettings()) | change)


async def test_what_does_not_exist(db: Database, company: int, now: datetime) -> None:
    async with db.write() as tx:
        assert await companies.find(tx, company + 1) is None
        with pytest.raises(NotFoundError):
            await companies.get(tx, company + 1)
        with pytest.raises(InvalidError, match="IANA"):
            await companies.create(tx, "Moon", zone="Moon/Base", now=now)
        with pytest.raises(InvalidError, match="created_at"):
            await companies.change(tx, company, created_at="x")


async def test_companies_are_listed_in_pages(db: Database, now: datetime) -> None:
    async with db.write() as tx:
        ids = [await companies.create(tx, f"C{n}", now=now) for n in range(5)]
        first = await companies.page(tx, limit=3)
        rest = await companies.page(tx, after=first[-1].id, limit=3)
        await companies.change(tx, ids[0], name="New", zone="Asia/Tokyo")
        changed = await companies.get(tx, ids[0])
    assert [one.id for one in first + rest] == ids
    assert (changed.name, changed.zone) == ("New", "Asia/Tokyo")
