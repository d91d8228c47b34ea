"""`tiptoe demo`: a shop's week with pretend customers, counted at the end."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from pathlib import Path

import click


@click.command()
@click.option("--contacts", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1),
    help="At most so many seconds pass in a real one; default: as fast as the machine.",
)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep database and logs in a folder.")
def demo(contacts: int, speed: float | None, keep: Path | None, *, as_json: bool) -> None:
    """Let CONTACTS pretend customers leave their carts, and count what their phones get.

    Starts the real processes on a database and a Redis of its own; days pass in seconds. Ends with
    exit code 1 if anybody got a message twice or one was lost.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from tiptoe.demo.show import perform
    from tiptoe.demo.stage import folder_settings
    from tiptoe.settings import load_settings

    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="tiptoe-demo-") as temporary:
        folder = (keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "tiptoe.db").exists():
            message = f"{folder} holds a demo already; choose an empty folder"
            raise click.UsageError(message)
        own = folder_settings(folder, _free_port(), _free_port())
        passed_on = {name: os.environ[name] for name in ("TIPTOE_LOG_LEVEL",) if name in os.environ}
        settings = load_settings(passed_on | own)
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("Customers reached", total=contacts)
            score = asyncio.run(
                perform(
                    settings,
                    contacts,
                    speed=speed,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                    show=lambda name, text: console.print(f"{name}: {text}", style="dim"),
                )
            )
    figures = msgspec.structs.asdict(score)
    if as_json:
        click.echo(msgspec.json.encode(figures).decode())
    else:
        table = Table("what the pretend phones got", "", title=f"{contacts} customers")
        for name, value in figures.items():
            table.add_row(name.replace("_", " "), f"{value:,}")
        Console().print(table)
    sys.exit(0 if score.flawless else 1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


COMMANDS = (demo,)
