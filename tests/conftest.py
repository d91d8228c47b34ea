"""What every test may ask for: real databases and Redis, a browser, a free port.

Rule: a test gets its own database and an empty Redis, so order and neighbours do not matter.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
import hypothesis
import pytest
from hypothesis import is_hypothesis_test

from store.migrate import migrate
from tests import servers
from tiptoe.settings import SETTINGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

REPORT_VARIABLE = "TIPTOE_TEST_REPORT"
"""Names a file to which a session adds one JSON line of what it ran; the gate reads it."""
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

hypothesis.settings.register_profile(
    "gate",
    derandomize=True,  # a red build must be red again
    deadline=None,  # a busy machine is not a bug
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "explore", parent=hypothesis.settings.get_profile("gate"), derandomize=False, max_examples=2000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


# --- the session's servers ---------------------------------------------------------------------


class _Session:
    """State of the pytest process that rules the session (an xdist worker has only `address`)."""

    keeper: servers.Keeper | None = None
    address: str | None = None
    ran_on: ClassVar[Counter[str]] = Counter()

    @classmethod
    def keeper_address(cls) -> str:
        if cls.address is None:
            cls.keeper = servers.Keeper()
            cls.address = cls.keeper.address
        return cls.address


def pytest_configure(config: pytest.Config) -> None:
    """Forget the person's own settings; in an xdist worker, learn where the keeper is."""
    for setting in SETTINGS:
        os.environ.pop(setting.name, None)
    _Session.address = getattr(config, "workerinput", {}).get("keeper")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each xdist worker where the keeper is."""
    node.workerinput["keeper"] = _Session.keeper_address()


def pytest_unconfigure() -> None:
    """Stop the servers, also after Ctrl+C."""
    if _Session.keeper is not None:
        _Session.keeper.stop()
        _Session.keeper = None


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0, or the number of this xdist worker."""
    worker: str = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(worker.removeprefix("gw"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listens on."""
    return servers.free_port()


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """Returns another free loopback port at each call."""
    return servers.free_port


# --- Redis -------------------------------------------------------------------------------------


@pytest.fixture
def redis_url(worker_number: int) -> str:
    """An empty database of the session's Redis, this worker's own (pub/sub is shared)."""
    import redis

    server = servers.ask(_Session.keeper_address(), "redis")
    url = f"{server}/{worker_number % servers.REDIS_DATABASES}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


class OwnRedis:
    """A Redis for one test alone, to wipe, kill and start again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = servers.free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process, _ = servers.start_redis(self._folder, self._port)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Hold the process: it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


# --- databases ---------------------------------------------------------------------------------


class PostgresDatabases:
    """Empties what a test leaves behind for the next one: a copy of the template takes ten times
    as long, and most of a second tier's time went there.
    """

    def __init__(self, server: str, template: str) -> None:
        self.server = server
        self.template = template
        self.free: list[str] = []

    def take(self) -> str:
        """The address of an empty database."""
        if self.free:
            return self.free.pop()
        name = f"test_{uuid.uuid4().hex[:16]}"
        order = f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"'
        _finish(_order_postgres(self.server, order))
        return f"{self.server}/{name}"

    def give_back(self, url: str) -> None:
        """Leave it to the next test, as it was in the beginning."""
        _finish(_empty_postgres(url.replace("+asyncpg", "")))
        self.free.append(url)


async def _empty_postgres(address: str) -> None:
    """End everybody else's connections, then delete all rows and count from 1 again."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        used = await connection.fetch(
            "SELECT relname FROM pg_stat_user_tables"
            " WHERE pg_relation_size(relid) > 0 AND relname <> 'alembic_version'"
        )
        counted = await connection.fetch(
            "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
        )
        if used:
            tables = [f'"{row["relname"]}"' for row in used]
            deletes = "; ".join(f"DELETE FROM {table}" for table in tables)
            await connection.execute(f"SET session_replication_role = replica; {deletes}")
            await connection.execute(f"VACUUM {', '.join(tables)}")
        for row in counted:
            await connection.execute(f'ALTER SEQUENCE "{row["sequencename"]}" RESTART')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema, to be copied."""
    template = tmp_path_factory.mktemp("sqlite") / "template.db"
    _finish(migrate(f"sqlite:///{template}"))
    return template


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The session's PostgreSQL, without a database: add `/name`."""
    return servers.ask(_Session.keeper_address(), "postgres")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, worker_number: int) -> str:
    """The name of a PostgreSQL database with the newest schema, to be copied."""
    name = f"template_{worker_number}"
    _finish(_order_postgres(postgres_server, f'CREATE DATABASE "{name}"'))
    _finish(migrate(f"{postgres_server}/{name}"))
    return name


@pytest.fixture
def sqlite_url(
    sqlite_template: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> str:
    """A fresh SQLite database with the newest schema."""
    record_property("database", "SQLite")
    path = tmp_path / "tiptoe.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str, postgres_template: str) -> PostgresDatabases:
    """Databases with the newest schema and nothing in them."""
    return PostgresDatabases(postgres_server, postgres_template)


@pytest.fixture
def postgres_url(
    postgres_databases: PostgresDatabases, record_property: Callable[[str, object], None]
) -> Iterator[str]:
    """An empty PostgreSQL database with the newest schema."""
    record_property("database", "PostgreSQL")
    url = postgres_databases.take()
    yield url
    postgres_databases.give_back(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with the newest schema: the test runs on SQLite and on PostgreSQL."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[str]:
    """A database without any table, for the migrations' own tests: SQLite and PostgreSQL."""
    if request.param == "sqlite":
        record_property("database", "SQLite")
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        record_property("database", "PostgreSQL")
        yield from _postgres_database(request.getfixturevalue("postgres_server"), "template0")


def _postgres_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:16]}"
    _finish(_order_postgres(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield f"{server}/{name}"
    _finish(_order_postgres(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _order_postgres(server: str, order: str) -> None:
    connection = await asyncpg.connect(f"{server.replace('+asyncpg', '')}/postgres")
    try:
        await connection.execute(order)
    finally:
        await connection.close()


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, whatever loop the test itself may use."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, work).result()


# --- the browser -------------------------------------------------------------------------------


def find_chromium() -> str | None:
    """Return the path of the Chromium (or Chrome) on this machine."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium, for tests marked `browser`."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    assert path is not None, (
        "No Chromium on the PATH; install it, for example: apt install chromium"
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],  # its sandbox refuses root
        )
        running = asyncio._get_running_loop()
        yield chromium
        asyncio._set_running_loop(running)
        chromium.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hide the browser's loop from other tests: while it is open, this thread seems to run one."""
    if "browser" in getattr(item, "fixturenames", ()):
        return (yield)
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(running)


@pytest.fixture
def browser_context(browser: "Browser") -> Iterator["BrowserContext"]:
    """A clean browser profile: English, Rome, 1280 × 800."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/Rome"
    )
    yield context
    context.close()


@pytest.fixture
def page(browser_context: "BrowserContext") -> Iterator["Page"]:
    """An empty page. A script error on it fails the test."""
    problems: list[str] = []
    page = browser_context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems, problems


# --- tiers and the closing words ---------------------------------------------------------------

TIER_OF_FIXTURE = {
    "sqlite_url": "services",
    "database_url": "services",
    "empty_database_url": "services",
    "redis_url": "services",
    "own_redis": "services",
    "postgres_url": "postgres",
    "postgres_server": "postgres",
    "browser": "browser",
}
"""Whoever asks for one of these belongs to that tier, marked or not."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of what it needs."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("slow")  # a hundred cases each: half of the fast tier's time
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in TIER_OF_FIXTURE:
                item.add_marker(TIER_OF_FIXTURE[fixture])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the tests that really ran on each database."""
    if report.when == "call" and report.outcome != "skipped":
        _Session.ran_on.update({str(v) for k, v in report.user_properties if k == "database"})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which databases were used, and leave the figures for the gate."""
    if hasattr(config, "workerinput"):
        return  # the ruling process counts for all workers
    ran_on = _Session.ran_on
    if ran_on:
        terminalreporter.write_line(
            "ran on: " + ", ".join(f"{name} {ran_on[name]}" for name in ("SQLite", "PostgreSQL"))
        )
    if path := os.environ.get(REPORT_VARIABLE):
        outcomes = {name: len(found) for name, found in terminalreporter.stats.items() if name}
        with Path(path).open("a") as file:
            file.write(json.dumps({"outcomes": outcomes, "ran_on": dict(ran_on)}) + "\n")
