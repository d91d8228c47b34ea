"""`tiptoe up`: the whole of Tiptoe on one machine, with one command.

Rule: everything that can be wrong is found before the first process starts, and nothing that was
started is left behind.
"""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
from asyncpg import PostgresError
from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from store.migrate import migrate
from tiptoe.errors import MistakeError
from tiptoe.logs import LEVELS
from tiptoe.redis_child import SOCKET_PATH_LIMIT, find_redis_server, socket_argv
from tiptoe.secret import secret_of
from tiptoe.settings import Settings, environment_of
from tiptoe.supervisor import Child, Supervisor

Programs = Mapping[str, Sequence[str]]
"""Command lines by the name of the process."""
PROGRAMS: Programs = {
    name: (sys.executable, "-m", "tiptoe", name) for name in ("web", "engine", "gateway", "sandbox")
}
PATIENCE_S = 60.0
"""After this time without an answer from the web process a person is told where to look."""
HEALTH_PAUSE_S = 0.1
HEALTH_TIMEOUT_S = 5.0


class CannotStartError(MistakeError):
    """Something outside is in the way; the message says what to do."""


class Welcome(msgspec.Struct, frozen=True):
    """What the first message tells a person: how to sign in. No password: it was chosen before.
    No e-mail: there is nobody yet, and the pages begin with the setup.
    """

    email: str
    password: str | None


Seed = Callable[[Settings], Awaitable[Welcome | None]]
"""Makes the demo company where there is no company yet. Returns the sign-in to show, if any."""


def up(settings: Settings, seed: Seed, console: Console, *, programs: Programs = PROGRAMS) -> None:
    """Run everything until SIGINT or SIGTERM. Raises CannotStartError before anything started."""
    with one_at_a_time(settings.data), private_folder(settings.data) as sockets:
        ports_are_free(settings)
        secret_of(settings)
        asyncio.run(_up(settings, children(settings, sockets, programs), seed, console))


def children(settings: Settings, sockets: Path, programs: Programs = PROGRAMS) -> list[Child]:
    """Return the processes of one machine, the Redis first unless REDIS_URL names another."""
    redis = []
    if settings.redis_url is None:
        socket_path = sockets / "redis.sock"
        argv = socket_argv(find_redis_server(), socket_path)
        redis = [
            Child(
                name="redis",
                argv=argv,
                ready=socket_path.exists,
                foundation=True,
                plain_severity=logging.INFO,  # it greets in capitals
            )
        ]
        settings = msgspec.structs.replace(settings, redis_url=f"unix://{socket_path}")
    environment = environment_of(settings) | {"TIPTOE_LOG_FORMAT": "json"}
    return redis + [
        Child(name=name, argv=argv, environment=environment) for name, argv in programs.items()
    ]


@contextmanager
def one_at_a_time(data: Path) -> Iterator[None]:
    """Hold the data folder for this process; the kernel lets go of it when the process dies."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "tiptoe.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = path.read_text().strip() or "unknown"
            raise CannotStartError(
                f"Tiptoe already runs on {data} (process {owner}). Stop that one, or set "
                "TIPTOE_DATA to another folder."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


@contextmanager
def private_folder(data: Path) -> Iterator[Path]:
    """Give a folder that only this user enters, with a path short enough for a socket."""
    run = data / "run"
    if len(str(run / "redis.sock").encode()) <= SOCKET_PATH_LIMIT:
        run.mkdir(mode=0o700, exist_ok=True)
        (run / "redis.sock").unlink(missing_ok=True)  # left by one that was killed
        yield run
    else:
        with tempfile.TemporaryDirectory(prefix="tiptoe-") as elsewhere:
            yield Path(elsewhere)


def ports_are_free(settings: Settings) -> None:
    """Raise CannotStartError when a port is taken."""
    ports = {"TIPTOE_PORT": settings.port, "TIPTOE_SANDBOX_PORT": settings.sandbox_port}
    if settings.port == settings.sandbox_port:
        raise CannotStartError(
            f"TIPTOE_PORT and TIPTOE_SANDBOX_PORT are both {settings.port}. Change one of them."
        )
    for name, port in ports.items():
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                settings.host, port, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except socket.gaierror as problem:
            raise CannotStartError(
                f"TIPTOE_HOST={settings.host!r} is no address of this machine."
            ) from problem
        except OSError as problem:
            raise CannotStartError(
                f"Port {port} on {settings.host} cannot be used ({problem.strerror}). Stop the "
                f"program that uses it, or set {name} to another port."
            ) from problem


async def _up(settings: Settings, processes: list[Child], seed: Seed, console: Console) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    console.print("Tiptoe is starting …", style="dim")
    preparing = asyncio.create_task(prepare(settings, seed))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({preparing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
        return
    welcome = await preparing

    def show(name: str, text: str) -> None:
        console.print(Text(f"{name:8}│ {text}"), soft_wrap=True)

    supervisor = Supervisor(
        processes,
        logs=settings.data / "logs",
        show=show,
        severity=LEVELS["debug" if settings.log_level == "debug" else "warning"],
    )
    announcing = asyncio.create_task(_announce(settings, welcome, console))
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    announcing.cancel()
    console.print("Stopping …", style="dim")
    supervisor.stop()
    await running
    await asyncio.gather(announcing, return_exceptions=True)


async def prepare(settings: Settings, seed: Seed) -> Welcome | None:
    """Bring the database to this version and see to the demo company."""
    await bring_up_to_date(settings)
    return await seed(settings)


async def bring_up_to_date(settings: Settings) -> None:
    """Bring the database to this version. Raises CannotStartError when it cannot be used."""
    try:
        await migrate(settings.database_url)
    except (OSError, SQLAlchemyError, PostgresError) as problem:
        raise CannotStartError(
            f"The database cannot be used: {problem}\nDATABASE_URL says which one it is."
        ) from problem


async def _announce(settings: Settings, welcome: Welcome | None, console: Console) -> None:
    """Wait until the web process answers, then tell where everything is."""
    if not await _healthy(settings, PATIENCE_S):
        console.print(f"Not ready after {PATIENCE_S:.0f} s; see {settings.data / 'logs'}.")
        while not await _healthy(settings, PATIENCE_S):
            pass
    lines = [f"Tiptoe is ready: {settings.base_url}"]
    if welcome is not None and not welcome.email:
        lines.append(f"Begin here:      {settings.base_url}/setup")
    elif welcome is not None:
        password = f"password {welcome.password}" if welcome.password else "the password you chose"
        lines.append(f"Sign in:         {welcome.email}, {password}")
    lines += [
        f"Sandbox phone:   {settings.sandbox_page_url}",
        f"Data and logs:   {settings.data}",
        "Ctrl+C stops it.",
    ]
    console.print(Panel.fit(Text("\n".join(lines)), padding=(0, 2), border_style="green"))


async def _healthy(settings: Settings, patience_s: float) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    address = httpx.URL(scheme="http", host=host, port=settings.port, path="/health")
    clock = asyncio.get_running_loop().time
    end = clock() + patience_s
    # Straight to our own process: a proxy of the environment has nothing to say here.
    async with httpx.AsyncClient(trust_env=False, timeout=HEALTH_TIMEOUT_S) as client:
        while clock() < end:
            try:
                if (await client.get(address)).status_code == httpx.codes.OK:
                    return True
            except httpx.HTTPError:
                pass
            await asyncio.sleep(HEALTH_PAUSE_S)
    return False
