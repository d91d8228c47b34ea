"""The processes one by one, for machines that share the work."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tiptoe.settings import Settings


@click.command()
def web() -> None:
    """Serve the pages, the API and the hooks."""
    from tiptoe.processes import run_web

    _run("web", run_web)


@click.command()
def engine() -> None:
    """Move contacts through flows. Several may run side by side."""
    from tiptoe.processes import run_engine

    _run("engine", run_engine)


@click.command()
def gateway() -> None:
    """Send and receive messages. Several may run side by side."""
    from tiptoe.processes import run_gateway

    _run("gateway", run_gateway)


@click.command()
def sandbox() -> None:
    """Serve the pretend WhatsApp with its phone page."""
    from tiptoe.processes import run_sandbox

    _run("sandbox", run_sandbox)


def _run(name: str, process: Callable[["Settings"], None]) -> None:
    from tiptoe.logs import configure_logs
    from tiptoe.settings import load_settings

    settings = load_settings(os.environ)
    configure_logs(settings.log_level, settings.log_format, name)
    process(settings)


COMMANDS = (web, engine, gateway, sandbox)
