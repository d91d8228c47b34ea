"""`tiptoe house`: what the operator decides for all companies, and the key to do it by API.

Rule: the admin key is asked for, never an argument.
"""

import json
import os
import secrets
from typing import TYPE_CHECKING, Any

import click

from tiptoe.options import json_option, tell

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

KEY_BYTES = 30


@click.group()
def house() -> None:
    """What holds for every company that does not say otherwise."""


@house.command("show")
@json_option
def show_house(*, as_json: bool) -> None:
    """Print the settings, a line for each."""
    from store import house as houses
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    async def work(tx: "AsyncConnection", _: "datetime") -> houses.HouseSettings:
        return await houses.settings(tx)

    _tell(change(load_settings(os.environ), work), as_json=as_json)


@house.command("set")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE...")
@json_option
def set_house(*, changes: tuple[str, ...], as_json: bool) -> None:
    """Change settings: `gap_minutes=30`, `delay_ms='[8000, 30000]'`, `daily_limit=null`.

    A value is JSON; what is not, is taken as text. `tiptoe house show` prints the keys.
    """
    import msgspec

    from store import house as houses
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    given = dict(_pair(one) for one in changes)

    async def work(tx: "AsyncConnection", _: "datetime") -> houses.HouseSettings:
        now_is: dict[str, Any] = msgspec.to_builtins(await houses.settings(tx))
        if unknown := sorted(given.keys() - now_is.keys()):
            said = f"There is no {' and no '.join(unknown)}. There are: {', '.join(now_is)}."
            raise click.BadParameter(said, param_hint="KEY=VALUE")
        new = houses.decode(now_is | given)
        await houses.set_settings(tx, new)
        return new

    _tell(change(load_settings(os.environ), work), as_json=as_json)


@house.command("admin-key")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input.")
@json_option
def admin_key(*, key_stdin: bool, as_json: bool) -> None:
    """Make the key for `X-Admin-Key`, or take one; the key before opens nothing any more."""
    from store import house as houses
    from tiptoe.asking import ask_password
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    key = ask_password(from_stdin=True) if key_stdin else secrets.token_urlsafe(KEY_BYTES)

    async def work(tx: "AsyncConnection", _: "datetime") -> None:
        await houses.set_admin_key(tx, key)

    change(load_settings(os.environ), work)
    if key_stdin:
        tell({"changed": True}, "The admin key is changed.", as_json=as_json)
    else:
        tell({"key": key}, f"{key}\nIt is not shown again.", as_json=as_json)


def _pair(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        said = f"“{text}” has no value; write it as gap_minutes=30."
        raise click.BadParameter(said, param_hint="KEY=VALUE")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _tell(settings: object, *, as_json: bool) -> None:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(settings)
    lines = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in plain.items()]
    tell(plain, "\n".join(lines), as_json=as_json)


COMMANDS = (house,)
