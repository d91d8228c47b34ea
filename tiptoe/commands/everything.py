"""`tiptoe up`: everything on this machine."""

import os

import click


@click.command()
def up() -> None:
    """Start everything on this machine and stay up until Ctrl+C."""
    from rich.console import Console

    from tiptoe import embedded
    from tiptoe.demo_company import seed
    from tiptoe.logs import configure_logs
    from tiptoe.settings import load_settings

    settings = load_settings(os.environ)
    configure_logs("warning", settings.log_format, "tiptoe")
    embedded.up(settings, seed, Console(stderr=False))


COMMANDS = (up,)
