"""`tiptoe company` and `tiptoe user`: what an installation needs before somebody can sign in.

Rule: everything else about a company is done in the pages or the API.
"""

import os
from typing import TYPE_CHECKING

import click

from tiptoe.options import company_option, country_given, filled, json_option, matching, tell

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


ROLES = ("owner", "admin", "editor", "agent", "viewer")
EMAIL = r"[^@\s]+@[^@\s]+"


@click.group()
def company() -> None:
    """Make companies: each has its own contacts, automations, phones and people."""


@company.command("create")
@click.option("--name", required=True)
@click.option("--zone", default="Europe/Rome", show_default=True, help="IANA time zone.")
@click.option("--country", default="IT", show_default=True, help="ISO 3166, two letters.")
@click.option("--language", default="en", show_default=True, help="ISO 639, two letters.")
@json_option
def create_company(*, name: str, zone: str, country: str, language: str, as_json: bool) -> None:
    """Make a company."""
    from store import companies
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    name = filled("--name", name)
    country = country_given(country)
    language = matching("--language", language.lower(), r"[a-z]{2}", "two letters such as en")
    settings = load_settings(os.environ)

    async def work(tx: "AsyncConnection", now: "datetime") -> int:
        return await companies.create(
            tx, name, now=now, zone=zone, language=language, country=country
        )

    made = change(settings, work)
    tell({"id": str(made), "name": name}, f"Company {made} is made: {name}.", as_json=as_json)


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
