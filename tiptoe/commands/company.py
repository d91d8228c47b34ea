"""`tiptoe company` and `tiptoe user`: what an installation needs before somebody can sign in, and
what only its operator decides about a company.

Rule: everything else about a company is done in the pages or the API.
"""

import os
from typing import TYPE_CHECKING

import click

from tiptoe.options import (
    company_option,
    country_given,
    filled,
    json_option,
    language_given,
    matching,
    tell,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from store.companies import Company


STATUSES = ("active", "suspended")
ROLES = ("owner", "admin", "editor", "agent", "viewer")
EMAIL = r"[^@\s]+@[^@\s]+"


@click.group()
def company() -> None:
    """Make and look after companies: each has its own contacts, automations, phones and people."""


@company.command("create")
@click.option("--name", required=True)
@click.option("--zone", default="Europe/Rome", show_default=True, help="IANA time zone.")
@click.option("--country", default="IT", show_default=True, help="ISO 3166, two letters.")
@click.option("--language", default="en", show_default=True, help="ISO 639, two letters.")
@json_option
def create_company(*, name: str, zone: str, country: str, language: str, as_json: bool) -> None:
    """Make a company."""
    from engine import auto_replies
    from store import companies
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    name = filled("--name", name)
    country = country_given(country)
    language = language_given(language)
    settings = load_settings(os.environ)

    async def work(tx: "AsyncConnection", now: "datetime") -> int:
        company_id = await companies.create(
            tx, name, now=now, zone=zone, language=language, country=country
        )
        await auto_replies.keep_house_rules(tx, [company_id], now)
        return company_id

    made = change(settings, work)
    tell({"id": str(made), "name": name}, f"Company {made} is made: {name}.", as_json=as_json)


@company.command("list")
@json_option
def list_companies(*, as_json: bool) -> None:
    """List companies, and say which may send."""
    from store import companies
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    async def work(tx: "AsyncConnection", now: "datetime") -> list[dict[str, object]]:
        found: list[companies.Company] = []
        while more := await companies.page(tx, after=found[-1].id if found else 0):
            found += more
        return [_facts(one, now) for one in found]

    found = change(load_settings(os.environ), work)
    words = "\n".join(_line(one) for one in found) or "There is no company yet."
    tell({"companies": found}, words, as_json=as_json)


@company.command("change")
@company_option
@click.option("--name")
@click.option("--zone", help="IANA time zone.")
@click.option("--country", help="ISO 3166, two letters.")
@click.option("--language", help="ISO 639, two letters.")
@click.option("--status", type=click.Choice(STATUSES), help="Suspended sends nothing.")
@click.option("--subscription-until", metavar="TIME", help="ISO 8601, or “never” for no end.")
@click.option("--daily-limit", metavar="N", help="Messages a day, or “none”.")
@json_option
def change_company(
    *,
    company: int | None,
    status: str | None,
    subscription_until: str | None,
    daily_limit: str | None,
    as_json: bool,
    **told: str | None,
) -> None:
    """Change a company. What waits in its queue stays there while it may not send."""
    import msgspec

    from store import companies
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    values = {name: filled(f"--{name}", value) for name, value in told.items() if value is not None}
    if "country" in values:
        values["country"] = country_given(values["country"])
    if "language" in values:
        values["language"] = language_given(values["language"])
    ends = None if subscription_until is None else _end(subscription_until)
    limit = None if daily_limit is None else _limit(daily_limit)

    async def work(tx: "AsyncConnection", now: "datetime") -> dict[str, object]:
        of = await company_of(tx, company)
        if values:
            await companies.change(tx, of.id, **values)
        if status is not None:
            await companies.set_status(tx, of.id, msgspec.convert(status, companies.CompanyStatus))
        if subscription_until is not None:
            await companies.set_subscription(tx, of.id, ends)
        if daily_limit is not None:
            new = msgspec.structs.replace(of.settings, daily_limit=limit)
            await companies.set_settings(tx, of.id, new)
        return _facts(await companies.get(tx, of.id), now)

    changed = change(load_settings(os.environ), work)
    tell(changed, _line(changed), as_json=as_json)


def _facts(one: "Company", now: "datetime") -> dict[str, object]:
    ends = one.subscription_ends_at
    return {
        "id": str(one.id),
        "name": one.name,
        "zone": one.zone,
        "country": one.country,
        "language": one.language,
        "status": one.status,
        "subscription_ends_at": ends.isoformat() if ends else None,
        "daily_limit": one.settings.daily_limit,
        "on_hold": one.on_hold(now),
    }


def _line(facts: dict[str, object]) -> str:
    hold = f"on hold: {facts['on_hold']}" if facts["on_hold"] else "sends"
    return f"{facts['id']}  {facts['name']}  {hold}"


def _end(text: str) -> "datetime | None":
    from datetime import UTC, datetime

    if text == "never":
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        said = f"“{text}” cannot be used; give a time such as 2027-01-01 or 2027-01-01T09:00+01:00."
        raise click.BadParameter(said, param_hint="--subscription-until") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    return int(matching("--daily-limit", text, r"[1-9][0-9]{0,8}", "a number from 1 on, or none"))


@click.group()
def user() -> None:
    """Make users: the people who sign in."""


@user.command("create")
@click.option("--email", required=True)
@company_option
@click.option("--name", default="")
@click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@json_option
def create_user(
    *,
    email: str,
    company: int | None,
    name: str,
    role: str,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make a user. The password is asked for, twice."""
    import msgspec

    from store import users
    from tiptoe.asking import ask_password
    from tiptoe.memory import change, company_of
    from tiptoe.settings import load_settings

    matching("--email", email.strip(), EMAIL, "an address such as ada@example.com")
    settings = load_settings(os.environ)
    password = ask_password(from_stdin=password_stdin)

    async def work(tx: "AsyncConnection", now: "datetime") -> tuple[int, int]:
        owner = await company_of(tx, company)
        kind = msgspec.convert(role, users.Role)
        made = await users.create(
            tx, owner.id, email=email, password=password, name=name.strip(), role=kind, now=now
        )
        return made, owner.id

    made, company_id = change(settings, work)
    tell(
        {"id": str(made), "company_id": str(company_id), "email": email.strip().lower()},
        f"{email.strip().lower()} may sign in at {settings.base_url} ({role}).",
        as_json=as_json,
    )


COMMANDS = (company, user)
