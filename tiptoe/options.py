"""What commands share: their common options, checks of what was given, and how they answer.

Rule: with --json a command prints exactly one JSON object, ids as strings of digits.
"""

import json
import re

import click

company_option = click.option(
    "--company", type=int, help="Id of the company; not needed when there is only one."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def tell(facts: dict[str, object], words: str, *, as_json: bool) -> None:
    """Print `facts` for a program or `words` for a person."""
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else words)


def filled(option: str, value: str) -> str:
    """Return `value` without spaces around it. Raises click.BadParameter when nothing is left."""
    return matching(option, value.strip(), r".+", "something")


def matching(option: str, value: str, pattern: str, wanted: str) -> str:
    """Return `value`. Raises click.BadParameter, naming what is `wanted`, when it does not fit."""
    if not re.fullmatch(pattern, value):
        raise click.BadParameter(f"“{value}” cannot be used; give {wanted}.", param_hint=option)
    return value


def country_given(value: str) -> str:
    """Return `value` as ISO 3166 alpha-2. Raises click.BadParameter."""
    return matching("--country", value.upper(), r"[A-Z]{2}", "two letters such as IT")


def language_given(value: str) -> str:
    """Return `value` as ISO 639. Raises click.BadParameter."""
    return matching("--language", value.lower(), r"[a-z]{2}", "two letters such as en")
