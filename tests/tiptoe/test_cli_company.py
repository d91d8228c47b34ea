"""`tiptoe company`, `user`, `phone`, `shop` and `key` on a real database."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.ext.asyncio import AsyncConnection

from store import api_keys, companies, phone_use, phones, shops, users
from store.database import Database
from tiptoe.cli import main
from tiptoe.commands.company import ROLES

T = TypeVar("T")
PHONE = [
    "phone", "add", "--name", "Shop", "--number", "+39 06 5550 0100",
    "--phone-number-id", "100", "--account-id", "200",
]  # fmt: skip
SECRETS = {"TIPTOE_PHONE_TOKEN": "the-token", "TIPTOE_PHONE_APP_SECRET": "the-app-secret"}
USER = ["user", "create", "--email", "Ada@Example.com"]
SHOP = ["shop", "add", "--platform", "shopify", "--name", "Mugs", "--secret-stdin"]


class House:
    """A database and the command line that changes it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.runner = CliRunner(
            env={
                "DATABASE_URL": url,
                "TIPTOE_DATA": str(folder),
                "TIPTOE_BASE_URL": "https://tiptoe.example.com",
                **dict.fromkeys((*SECRETS, "TIPTOE_SHOP_SECRET", "TIPTOE_CLOCK"), ""),
            }
        )

    def call(self, *arguments: str, text: str = "", **environ: str) -> Result:
        return self.runner.invoke(main, list(arguments), input=text, env=environ)

    def made(self, *arguments: str, text: str = "", **environ: str) -> dict[str, Any]:
        result = self.call(*arguments, "--json", text=text, **environ)
        assert (result.exit_code, result.stderr) == (0, "")
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def refused(self, *arguments: str, text: str = "", **environ: str) -> str:
        result = self.call(*arguments, text=text, **environ)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr
        return result.stderr

    def look(self, verb: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async def _look() -> T:
            database = Database(self.url)
            try:
                async with database.write() as tx:
                    return await verb(tx)
            finally:
                await database.close()

        return asyncio.run(_look())


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> House:
    return House(sqlite_url, tmp_path / "data")


def test_a_company_with_somebody_who_can_sign_in(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs & Co", "--country", "fr")
    made = house.look(lambda tx: companies.get(tx, int(company["id"])))
    assert (made.name, made.zone, made.country) == ("Mugs & Co", "Europe/Rome", "FR")

    user = house.made(*USER, "--password-stdin", text="a long password\n")
    assert user == {"id": user["id"], "company_id": company["id"], "email": "ada@example.com"}
    ada = house.look(lambda tx: users.verify(tx, "ada@example.com", "a long password"))
    assert ada is not None
    assert (ada.company_id, ada.role) == (made.id, "owner")


def test_on_postgresql_too(postgres_url: str, tmp_path: Path) -> None:
    house = House(postgres_url, tmp_path)
    company = house.made("company", "create", "--name", "Mugs")
    assert house.look(lambda tx: companies.get(tx, int(company["id"]))).name == "Mugs"


def test_the_roles_are_the_stores() -> None:
    assert get_args(users.Role) == ROLES


def test_the_password_is_typed_twice_and_not_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.made("company", "create", "--name", "Mugs")
    monkeypatch.setattr("tiptoe.asking._is_terminal", lambda: True)
    typed = "first try 123\nsecond try 45\na long password\na long password\n"
    result = house.call(*USER, text=typed)
    assert result.exit_code == 0
    assert "long password" not in result.output
    assert house.look(lambda tx: users.verify(tx, "ada@example.com", "a long password"))


def test_a_user_that_cannot_be_made(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs")
    assert "--password-stdin" in house.refused(*USER, text="not a terminal\n")
    assert "at least 10" in house.refused(*USER, "--password-stdin", text="short")
    assert "one line" in house.refused(*USER, "--password-stdin", text="")
    wrong = ["user", "create", "--email", "ada", "--password-stdin"]
    assert "ada@example.com" in house.refused(*wrong, text="a long password")
    house.made(*USER, "--password-stdin", text="a long password")
    again = house.refused(*USER, "--password-stdin", text="another password")
    assert "ada@example.com exists already." in again
    assert "does not exist" in house.refused(
        *USER, "--company", str(int(company["id"]) + 1), "--password-stdin", text="a long password"
    )


def test_a_company_has_to_be_chosen_among_several(house: House) -> None:
    ask = [*USER, "--password-stdin"]
    assert "tiptoe company create" in house.refused(*ask, text="a long password")
    house.made("company", "create", "--name", "Mugs")
    teas = house.made("company", "create", "--name", "Teas")
    assert f"{teas['id']} (Teas)" in house.refused(*ask, text="a long password")
    made = house.made(*ask, "--company", teas["id"], text="a long password")
    assert made["company_id"] == teas["id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--name", " "], "--name"),
        (["--name", "x", "--zone", "Moon/Base"], "Europe/Rome"),
        (["--name", "x", "--country", "Italy"], "two letters such as IT"),
        (["--name", "x", "--language", "English"], "two letters such as en"),
    ],
)
def test_a_company_that_cannot_be_made(house: House, arguments: list[str], words: str) -> None:
    assert words in house.refused("company", "create", *arguments)


def test_a_phone_is_connected(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs")
    made = house.made(*PHONE, "--base-url", "http://localhost:8001/", **SECRETS)
    assert made["number"] == "+390655500100"
    assert made["webhook"] == "https://tiptoe.example.com/hooks/cloud-api"
    phone = house.look(lambda tx: phones.find(tx, int(company["id"]), int(made["id"])))
    assert phone is not None
    assert (phone.remote_id, phone.account_id) == ("100", "200")
    assert (phone.base_url, phone.status) == ("http://localhost:8001", "connected")
    secrets = house.look(lambda tx: phones.secrets(tx, [phone.id]))
    assert secrets[phone.id] == {"token": "the-token", "app_secret": "the-app-secret"}
    assert "connected already" in house.refused(*PHONE, **SECRETS)


def test_a_phones_secrets_from_standard_input_or_a_prompt(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.made("company", "create", "--name", "Mugs")
    one = house.made(*PHONE, "--secrets-stdin", text="token one\nsecret one\n")
    monkeypatch.setattr("tiptoe.asking._is_terminal", lambda: True)
    result = house.call(*PHONE, "--phone-number-id", "101", text="token two\nsecret two\n")
    assert result.exit_code == 0
    assert "token two" not in result.output
    secrets = house.look(lambda tx: phone_use.app_secrets(tx, "cloud_api"))
    assert (one["number"], secrets) == ("+390655500100", ["secret one", "secret two"])


def test_a_phone_to_pair(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs")
    result = house.call("phone", "add", "--kind", "neonize", "--name", "Own", "--json")
    assert result.exit_code == 0
    assert "against WhatsApp's terms" in result.stderr
    assert "banned" in result.stderr
    made = json.loads(result.stdout)
    assert made["pair"] == f"https://tiptoe.example.com/phones/{made['id']}/pair"
    phone = house.look(lambda tx: phones.find(tx, int(company["id"]), int(made["id"])))
    assert phone is not None
    assert (phone.kind, phone.status, phone.remote_id) == ("neonize", "pairing", None)
    wrong = ["phone", "add", "--kind", "neonize", "--name", "Own", "--number", "+390655500100"]
    assert "it is for Cloud API numbers" in house.refused(*wrong)
    assert "--number" in house.refused("phone", "add", "--name", "Shop")


@pytest.mark.parametrize(
    ("arguments", "text", "environ", "words"),
    [
        ([], "", {}, "Set TIPTOE_PHONE_TOKEN and TIPTOE_PHONE_APP_SECRET"),
        ([], "", {"TIPTOE_PHONE_TOKEN": "x"}, "Set TIPTOE_PHONE_APP_SECRET"),
        (["--secrets-stdin"], "one line", {}, "must hold 2 lines; it holds 1"),
        (["--number", "12"], "", SECRETS, "+390655500100"),
        (["--phone-number-id", "x"], "", SECRETS, "digits"),
        (["--base-url", "ftp://x"], "", SECRETS, "http"),
    ],
)
def test_a_phone_that_cannot_be_connected(
    house: House, arguments: list[str], text: str, environ: dict[str, str], words: str
) -> None:
    house.made("company", "create", "--name", "Mugs")
    assert words in house.refused(*PHONE, *arguments, text=text, **environ)


def test_no_option_takes_a_secret() -> None:
    for group in ("user", "phone", "shop"):
        for command in main.commands[group].commands.values():  # type: ignore[attr-defined]
            for parameter in command.params:
                secret = any(word in parameter.name for word in ("password", "secret", "token"))
                assert not secret or parameter.is_flag, (group, command.name, parameter.name)


def test_a_shop_is_connected_and_listed(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs", "--country", "GB")
    made = house.made(*SHOP, "--domain", "mugs.example.com", text="shop secret\n")
    (shop,) = house.look(lambda tx: shops.of_company(tx, int(company["id"])))
    assert (shop.secrets, shop.country) == (["shop secret"], "GB")
    assert made["webhook"] == f"https://tiptoe.example.com/hooks/shops/{shop.key}"
    assert house.made("shop", "list") == {"shops": [made]}
    listed = house.made("shop", "list", "--secrets")
    assert listed == {"shops": [made | {"secrets": ["shop secret"]}]}
    words = house.call("shop", "list").stdout
    assert made["webhook"] in words
    assert "shop secret" not in words
    assert "one of " in house.refused("shop", "add", "--platform", "base", "--name", "x")


def test_an_api_key_is_shown_once(house: House) -> None:
    company = house.made("company", "create", "--name", "Mugs")
    key = house.made("key", "create", "--name", "Till")["key"]
    found = house.look(lambda tx: api_keys.find_company(tx, key))
    assert found is not None
    assert (found.company_id, found.name) == (int(company["id"]), "Till")
    assert house.call("key", "create", "--name", "Till").stdout.startswith(api_keys.PREFIX)


def test_a_database_that_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    house = House(f"sqlite:///{path}", tmp_path)
    assert "Run `tiptoe migrate` first." in house.refused("company", "create", "--name", "x")
    assert not path.exists()
    away = House("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    assert "DATABASE_URL" in away.refused("company", "create", "--name", "x")
