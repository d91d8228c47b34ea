"""The database's own commands."""

import asyncio
import json
import os

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def migrate(*, as_json: bool) -> None:
    """Bring the database to the schema of this version.

    Quick when there is nothing to do; safe when several processes do it at once.
    """
    from store.migrate import head
    from tiptoe.embedded import bring_up_to_date
    from tiptoe.settings import load_settings

    asyncio.run(bring_up_to_date(load_settings(os.environ)))
    click.echo(json.dumps({"revision": head()}) if as_json else f"The database is at {head()}.")


COMMANDS = (migrate,)
