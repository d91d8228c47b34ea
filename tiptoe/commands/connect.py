"""`tiptoe phone`, `shop` and `key`: what connects a company with WhatsApp, shops and programs.

Rule: a secret is never an argument, and is shown only where the command is named for it.
"""

import os
from typing import TYPE_CHECKING

import click

from tiptoe.options import company_option, country_given, filled, json_option, matching, tell

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from store.shops import Shop


TOKEN_VARIABLE = "TIPTOE_PHONE_TOKEN"  # noqa: S105  the name of a variable
APP_SECRET_VARIABLE = "TIPTOE_PHONE_APP_SECRET"  # noqa: S105  the name of a variable
AGAINST_THE_TERMS = (
    "Warning: a linked device that sends by itself is against WhatsApp's terms. The number can be "
    "banned for good, without notice. Use one that you can do without."
)
SHOP_SECRET_VARIABLE = "TIPTOE_SHOP_SECRET"  # noqa: S105  the name of a variable


@click.group()
def phone() -> None:
    """Connect WhatsApp numbers."""


@phone.command("add")
@company_option
@click.option("--name", required=True, help="What colleagues call it.")
@click.option(
    "--kind",
    type=click.Choice(("cloud_api", "neonize")),
    default="cloud_api",
    show_default=True,
    help="A number of the Cloud API, or a phone to pair as a linked device (neonize).",
)
@click.option("--number", help="In international form, such as +390655500100.")
@click.option("--phone-number-id", help="Meta's id of the number.")
@click.option("--account-id", help="Meta's id of the WhatsApp Business account.")
@click.option("--base-url", help="Another address of the Cloud API, for this number alone.")
@click.option("--secrets-stdin", is_flag=True, help="Read two lines: token, app secret.")
@json_option
def add_phone(
    *,
    company: int | None,
    kind: str,
    name: str,
    number: str | None,
    phone_number_id: str | None,
    account_id: str | None,
    base_url: str | None,
    secrets_stdin: bool,
    as_json: bool,
) -> None:
    """Connect a number of the WhatsApp Cloud API, or add a phone to pair.

    A Cloud API number needs --number, --phone-number-id and --account-id; its access token and app
    secret are asked for, or come from TIPTOE_PHONE_TOKEN and TIPTOE_PHONE_APP_SECRET. A phone to
    pair needs nothing but a name: it tells its number itself.
    """
    name = filled("--name", name)
    if kind == "neonize":
        given = {"number": number, "phone-number-id": phone_number_id, "account-id": account_id}
        _add_linked(company, name, given | {"base-url": base_url}, as_json=as_json)
        return
    _add_of_meta(
        company,
        name,
        _needed("--number", number),
        _needed("--phone-number-id", phone_number_id),
        _needed("--account-id", account_id),
        base_url,
        secrets_stdin=secrets_stdin,
        as_json=as_json,
    )


def _needed(option: str, value: str | None) -> str:
    if value is None:
        raise click.UsageError(f"Missing option '{option}': a Cloud API number needs it.")
    return value


def _add_linked(
    company: int | None, name: str, given: dict[str, str | None], *, as_json: bool
) -> None:
    """Add a phone that is paired later, on its page."""
    from store import phones
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    for option, value in given.items():
        if value is not None:
            raise click.BadParameter("it is for Cloud API numbers.", param_hint=f"--{option}")
    settings = load_settings(os.environ)

    async def work(tx: "AsyncConnection", now: "datetime") -> tuple[int, int]:
        owner = await company_of(tx, company)
        made = await phones.create(tx, owner.id, "neonize", now, name=name, status="pairing")
        return made, owner.id

    made, company_id = change(settings, work)
    page = f"{settings.base_url}/phones/{made}/pair"
    click.echo(AGAINST_THE_TERMS, err=True)
    tell(
        {"id": str(made), "company_id": str(company_id), "pair": page},
        f"Phone {made} is added. Pair it at {page}",
        as_json=as_json,
    )


def _add_of_meta(
    company: int | None,
    name: str,
    number: str,
    phone_number_id: str,
    account_id: str,
    base_url: str | None,
    *,
    secrets_stdin: bool,
    as_json: bool,
) -> None:
    """Connect a number of the Cloud API."""
    from store import phones
    from store.errors import InvalidError
    from store.numbers import parse_phone
    from tiptoe.asking import ask_secrets
    from tiptoe.memory import change, company_of
    from tiptoe.settings import WHATSAPP_HOOK, load_settings

    digits = parse_phone(number)
    if digits is None:
        raise click.BadParameter("write it like +390655500100.", param_hint="--number")
    matching("--phone-number-id", phone_number_id, r"\d+", "the digits that Meta shows")
    matching("--account-id", account_id, r"\d+", "the digits that Meta shows")
    if base_url is not None:
        base_url = matching("--base-url", base_url.rstrip("/"), r"https?://\S+", "an http(s) URL")
    settings = load_settings(os.environ)
    wanted = {TOKEN_VARIABLE: "Access token", APP_SECRET_VARIABLE: "App secret"}
    token, app_secret = ask_secrets(wanted, os.environ, from_stdin=secrets_stdin)

    async def work(tx: "AsyncConnection", now: "datetime") -> tuple[int, int]:
        owner = await company_of(tx, company)
        if await phones.find_by_remote_id(tx, phone_number_id) is not None:
            raise InvalidError(f"the number with the id {phone_number_id} is connected already")
        made = await phones.create(
            tx,
            owner.id,
            "cloud_api",
            now,
            name=name,
            number=digits,
            remote_id=phone_number_id,
            account_id=account_id,
            credentials={"token": token, "app_secret": app_secret},
            base_url=base_url,
        )
        return made, owner.id

    made, company_id = change(settings, work)
    hook = settings.base_url + WHATSAPP_HOOK
    tell(
        {"id": str(made), "company_id": str(company_id), "number": digits, "webhook": hook},
        f"Phone {made} is connected: {digits}.\nIn the settings of your Meta app, send the "
        f"webhook field “messages” to {hook}\nwith the verify token of "
        "TIPTOE_CLOUD_API_VERIFY_TOKEN.",
        as_json=as_json,
    )


@click.group()
def shop() -> None:
    """Connect shops, and see where they send their webhooks."""


@shop.command("add")
@company_option
@click.option("--platform", required=True, help="Which kind of shop, such as shopify.")
@click.option("--name", required=True, help="What colleagues call it.")
@click.option("--domain", default="", help="Such as my-shop.myshopify.com.")
@click.option("--country", default="", help="Whose phone numbers are written without a prefix.")
@click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input.")
@json_option
def add_shop(
    *,
    company: int | None,
    platform: str,
    name: str,
    domain: str,
    country: str,
    secret_stdin: bool,
    as_json: bool,
) -> None:
    """Connect a shop.

    The secret that signs its webhooks is asked for, or comes from TIPTOE_SHOP_SECRET.
    """
    from store import shops
    from tiptoe.asking import ask_secrets
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    name = filled("--name", name)
    matching("--platform", platform, "|".join(_platforms()), f"one of {', '.join(_platforms())}")
    if country:
        country = country_given(country)
    settings = load_settings(os.environ)
    wanted = {SHOP_SECRET_VARIABLE: "Webhook secret"}
    (secret,) = ask_secrets(wanted, os.environ, from_stdin=secret_stdin)

    async def work(tx: "AsyncConnection", now: "datetime") -> shops.Shop:
        owner = await company_of(tx, company)
        return await shops.create(
            tx,
            owner.id,
            platform,
            now,
            name=name,
            domain=domain,
            shop_secrets=[secret],
            country=country or owner.country,
        )

    made = change(settings, work)
    shown = _shop(made, settings.base_url)
    tell(
        shown,
        f"Shop {made.id} is connected: send its webhooks to {shown['webhook']}",
        as_json=as_json,
    )


@shop.command("list")
@company_option
@click.option("--secrets", is_flag=True, help="Show the secrets that sign webhooks, too.")
@json_option
def list_shops(*, company: int | None, secrets: bool, as_json: bool) -> None:
    """List the shops of a company and where each sends its webhooks."""
    from store import shops
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    settings = load_settings(os.environ)

    async def work(tx: "AsyncConnection", _: "datetime") -> list[shops.Shop]:
        owner = await company_of(tx, company)
        return await shops.of_company(tx, owner.id)

    found = change(settings, work)
    shown = []
    lines = []
    for one in found:
        facts = _shop(one, settings.base_url)
        lines.append(f"{one.id}  {one.platform}  {one.name}  {facts['webhook']}")
        if secrets:
            facts["secrets"] = one.secrets
            lines += [f"   secret {secret}" for secret in one.secrets]
        shown.append(facts)
    tell({"shops": shown}, "\n".join(lines) or "No shop is connected.", as_json=as_json)


@click.group()
def key() -> None:
    """Make API keys, with which other programs act for a company."""


@key.command("create")
@company_option
@click.option("--name", required=True, help="Which program will use it.")
@json_option
def create_key(*, company: int | None, name: str, as_json: bool) -> None:
    """Make an API key and show it: the only time it can be seen."""
    from store import api_keys
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    name = filled("--name", name)
    settings = load_settings(os.environ)

    async def work(tx: "AsyncConnection", now: "datetime") -> str:
        owner = await company_of(tx, company)
        return await api_keys.create(tx, owner.id, name, now)

    made = change(settings, work)
    tell({"name": name, "key": made}, made, as_json=as_json)


def _platforms() -> list[str]:
    import pkgutil

    from triggers import shops

    names = [one.name for one in pkgutil.iter_modules(shops.__path__)]
    return [name for name in names if name not in ("base", "__init__") and name[0] != "_"]


def _shop(shop: "Shop", base_url: str) -> dict[str, object]:
    return {
        "id": str(shop.id),
        "company_id": str(shop.company_id),
        "platform": shop.platform,
        "name": shop.name,
        "domain": shop.domain,
        "webhook": f"{base_url}/hooks/shops/{shop.key}",
    }


COMMANDS = (phone, shop, key)
