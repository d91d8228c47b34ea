"""The command line. The folder `commands` is the registry: one file per group of commands.

Rule: a person's mistake is told on standard error with exit code 2, never with a traceback.
"""

import importlib
import pkgutil

import click

from tiptoe import commands
from tiptoe.errors import MistakeError

WRONG_INPUT = 2
"""The exit code for what a person can put right."""


class WrongInputError(click.ClickException):
    """A mistake of the person who called; click prints the message."""

    exit_code = WRONG_INPUT


class FrontDoor(click.Group):
    """A group that tells a person's mistakes without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except MistakeError as problem:
            raise WrongInputError(str(problem)) from problem


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tiptoe", prog_name="tiptoe")
def main() -> None:
    """Tiptoe, a self-hosted WhatsApp automation engine.

    `tiptoe up` starts everything on this machine. Settings come from the environment; they are
    listed in docs/settings.md.
    """


for _module in pkgutil.iter_modules(commands.__path__):
    for _command in importlib.import_module(f"tiptoe.commands.{_module.name}").COMMANDS:
        main.add_command(_command)
