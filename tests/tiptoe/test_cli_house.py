"""`tiptoe house` and what an operator changes about companies, on a real database."""

import asyncio
import json
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result

from store import house as houses
from store.companies import CompanyStatus
from store.database import Database
from tiptoe.cli import main
from tiptoe.commands.company import STATUSES


class House:
    """A database and the command line that changes it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.runner = CliRunner(
            env={"DATABASE_URL": url, "TIPTOE_DATA": str(folder), "TIPTOE_CLOCK": ""}
        )

    def call(self, *arguments: str, text: str = "") -> Result:
        return self.runner.invoke(main, list(arguments), input=text)

    def told(self, *arguments: str, text: str = "") -> dict[str, object]:
        result = self.call(*arguments, "--json", text=text)
        assert (result.exit_code, result.stderr) == (0, "")
        found: dict[str, object] = json.loads(result.stdout)
        return found

    def refused(self, *arguments: str, text: str = "") -> str:
        result = self.call(*arguments, text=text)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr
        return result.stderr

    def opens(self, key: str) -> bool:
        async def look() -> bool:
            database = Database(self.url)
            async with database.read() as tx:
                found = await houses.opens(tx, key)
            await database.close()
            return found

        return asyncio.run(look())


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> House:
    return House(sqlite_url, tmp_path / "data")


def test_the_statuses_are_the_stores() -> None:
    assert get_args(CompanyStatus) == STATUSES


def test_settings_are_shown_and_changed(house: House) -> None:
    assert house.told("house", "show")["gap_minutes"] == 60
    house.told("house", "set", "gap_minutes=0", "delay_ms=[8000, 30000]", "alert_email=a@b.test")
    told = house.told("house", "show")
    assert (told["gap_minutes"], told["delay_ms"]) == (0, [8000, 30000])
    assert told["alert_email"] == "a@b.test"
    assert "gap_minutes=0\n" in house.call("house", "show").stdout


def test_on_postgresql_too(postgres_url: str, tmp_path: Path) -> None:
    house = House(postgres_url, tmp_path)
    assert house.told("house", "set", "daily_limit=5")["daily_limit"] == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("gap=1", "no gap. There are: sending_hours"),
        ("gap_minutes", "gap_minutes=30"),
        ("gap_minutes=soon", "gap_minutes"),
        ("hourly_limit=0", "hourly_limit"),
        ("delay_ms=[9, 1]", "least delay"),
        ('sending_hours={"mon": ["20:00", "09:00"]}', "mon"),
    ],
)
def test_a_setting_that_cannot_be_kept(house: House, change: str, words: str) -> None:
    assert words in house.refused("house", "set", change)
    assert house.told("house", "show")["gap_minutes"] == 60


def test_an_admin_key_is_made_or_taken(house: House) -> None:
    made = str(house.told("house", "admin-key")["key"])
    assert house.opens(made)
    given = "an admin key of our own"
    assert given not in house.call("house", "admin-key", "--key-stdin", text=given).output
    assert (house.opens(made), house.opens(given)) == (False, True)
    assert "at least 12" in house.refused("house", "admin-key", "--key-stdin", text="short")


def test_a_company_is_put_on_hold_and_listed(house: House) -> None:
    assert house.call("company", "list").stdout == "There is no company yet.\n"
    house.told("company", "create", "--name", "Mugs")
    change = ("company", "change")
    told = house.told(*change, "--status", "suspended", "--daily-limit", "50", "--name", "Cups")
    assert (told["on_hold"], told["daily_limit"]) == ("the company is suspended", 50)
    assert house.call("company", "list").stdout == "1  Cups  on hold: the company is suspended\n"
    told = house.told(*change, "--status", "active", "--subscription-until", "2020-01-01")
    assert told["subscription_ends_at"] == "2020-01-01T00:00:00+00:00"
    assert told["on_hold"] == "the subscription ended on 1 Jan 2020"
    told = house.told(*change, "--subscription-until", "never", "--daily-limit", "none")
    assert (told["on_hold"], told["daily_limit"]) == ("", None)
    assert house.told("company", "list") == {"companies": [told]}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--subscription-until", "soon"), "2027-01-01"),
        (("--daily-limit", "0"), "a number from 1 on"),
        (("--zone", "Moon/Base"), "Europe/Rome"),
        (("--country", "Italy"), "two letters"),
        (("--company", "9"), "does not exist"),
    ],
)
def test_a_change_that_cannot_be_made(house: House, option: tuple[str, str], words: str) -> None:
    house.told("company", "create", "--name", "Mugs")
    assert words in house.refused("company", "change", *option)
