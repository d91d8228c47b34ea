"""`tiptoe run`: what happened to one contact, looked at again."""

import os
import sys
from typing import TYPE_CHECKING

import click

from tiptoe.options import json_option, tell

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from engine.replay import Replayed

DIFFERS = 1
"""The exit code when a decision comes out differently."""


@click.group()
def run() -> None:
    """Look at runs: one contact's passage through an automation."""


@run.command()
@click.argument("run_id", type=int, metavar="ID")
@json_option
def replay(*, run_id: int, as_json: bool) -> None:
    """Take every decision of a run again, from its stored trace, and compare.

    Nothing is sent and nothing is stored. Exit code 0: the same, line by line. 1: not the same,
    or the trace is not kept any more.
    """
    from engine.past import replay_run
    from tiptoe.memory import change
    from tiptoe.settings import load_settings

    async def work(tx: "AsyncConnection", _: "datetime") -> "Replayed":
        return await replay_run(tx, run_id)

    found = change(load_settings(os.environ), work)
    same = f"Run {run_id}: the same decisions ({found.lines} lines, {found.events} events)."
    tell(
        {
            "run": str(run_id),
            "same": found.same,
            "difference": found.difference,
            "events": found.events,
            "lines": found.lines,
        },
        same if found.same else f"Run {run_id}: {found.difference}.",
        as_json=as_json,
    )
    if not found.same:
        sys.exit(DIFFERS)


COMMANDS = (run,)
