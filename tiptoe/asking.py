"""How a command gets a secret: environment, standard input or a terminal, never an argument.

Rule: what was typed is neither shown nor repeated in a message. Arguments are visible to everybody
on the machine and stay in the shell's history, so there is no option for a secret.
"""

import os
import sys
from collections.abc import Mapping, Sequence

import click

from tiptoe.errors import MistakeError


class NoSecretError(MistakeError):
    """A secret is needed and there is no way to ask for it."""


def ask_password(*, from_stdin: bool) -> str:
    """Return a new password: the first line of standard input, or typed twice at a terminal."""
    if from_stdin:
        return _lines(1)[0]
    if not _is_terminal():
        raise NoSecretError("There is no terminal to ask for the password. Use --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def ask_secrets(
    wanted: Mapping[str, str], environ: Mapping[str, str], *, from_stdin: bool
) -> list[str]:
    """Return one secret for each entry of `wanted`, a variable and what a prompt calls it.

    Standard input gives one on each line, in that order; else each comes from its variable, else a
    terminal is asked.
    """
    if from_stdin:
        return _lines(len(wanted))
    missing = [name for name in wanted if not environ.get(name)]
    if missing and not _is_terminal():
        raise NoSecretError(
            f"There is no terminal to ask for secrets. Set {' and '.join(missing)}, or use "
            f"--secrets-stdin with {len(wanted)} lines: {', '.join(wanted.values())}."
        )
    return [
        environ.get(name, "") or str(click.prompt(words, hide_input=True, err=True))
        for name, words in wanted.items()
    ]


def _lines(count: int) -> list[str]:
    lines: Sequence[str] = [line.rstrip("\r\n") for line in sys.stdin.readlines()]
    given = [line for line in lines if line]
    if len(given) != count:
        expected = "one line" if count == 1 else f"{count} lines"
        raise NoSecretError(f"Standard input must hold {expected}; it holds {len(given)}.")
    return given


def _is_terminal() -> bool:
    return os.isatty(0)
