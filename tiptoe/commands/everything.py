"""`tiptoe up`: everything on this machine."""

import os

import click


@click.command()
@click.option("--no-demo", is_flag=True, help="Make no demo company: set up your own in the pages.")
def up(*, no_demo: bool) -> None:
    """Start everything on this machine and stay up until Ctrl+C."""
    from rich.console import Console

    from tiptoe import embedded
    from tiptoe.demo_company import seed, unseeded
    from tiptoe.logs import configure_logs
    from tiptoe.settings import load_settings

    settings = load_settings(os.environ)
    configure_logs("warning", settings.log_format, "tiptoe")
    embedded.up(settings, unseeded if no_demo else seed, Console(stderr=False))


COMMANDS = (up,)
