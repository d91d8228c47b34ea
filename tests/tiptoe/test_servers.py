"""The test servers themselves: really there, really apart, gone afterwards."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from redis.asyncio import Redis

from store.database import Database
from tests import servers

if TYPE_CHECKING:
    from tests.conftest import OwnRedis

pytestmark = pytest.mark.anyio
SESSION_WITH_REDIS = """
from tests import servers
keeper = servers.Keeper()
servers.ask(keeper.address, "redis")
print(keeper.folder, keeper._process.pid, flush=True)
input()
"""


async def test_a_fresh_database_with_the_schema_on_both(database_url: str) -> None:
    db = Database(database_url)
    async with db.write() as tx:
        assert (await tx.scalar(sa.text("SELECT count(*) FROM companies"))) == 0
        await tx.execute(sa.text("CREATE TABLE mine (id int)"))
    await db.close()


async def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    db = Database(empty_database_url)
    async with db.read() as tx:
        assert await tx.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
    await db.close()


async def test_postgres_is_postgres(postgres_url: str) -> None:
    db = Database(postgres_url)
    async with db.read() as tx:
        assert "PostgreSQL" in str(await tx.scalar(sa.text("SELECT version()")))
    await db.close()


@pytest.mark.parametrize("time", [1, 2])
async def test_redis_is_empty_for_each_test(redis_url: str, time: int) -> None:
    async with Redis.from_url(redis_url) as redis:
        assert await redis.keys() == []
        await redis.set("time", time)


async def test_a_redis_of_its_own_comes_back_empty_after_a_kill(own_redis: "OwnRedis") -> None:
    async with Redis.from_url(own_redis.url) as redis:
        await redis.set("kept", "no")
    own_redis.kill()
    own_redis.start()
    async with Redis.from_url(own_redis.url) as redis:
        assert await redis.get("kept") is None


@pytest.mark.services
def test_servers_stop_when_their_session_is_killed() -> None:
    session = subprocess.Popen(
        [sys.executable, "-c", SESSION_WITH_REDIS],
        cwd=servers.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdin is not None
    assert session.stdout is not None
    folder, keeper = session.stdout.readline().split()
    watch = os.pidfd_open(int(keeper))
    session.kill()
    session.communicate()
    assert _ends(watch)
    assert not Path(folder).exists()


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["_of_the_wheel", "_of_the_system"])
def test_postgres_of_the_wheel_and_of_the_system(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if getattr(servers, place)() is None:
        assert place == "_of_the_system"  # a machine need not have one of its own
        return
    other = {"_of_the_wheel": "_of_the_system", "_of_the_system": "_of_the_wheel"}[place]
    monkeypatch.setattr(servers, other, lambda: None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        process, url = servers.start_postgres(folder / "postgres")
        assert url.startswith("postgresql+asyncpg://")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def _ends(watch: int) -> bool:
    """Wait for a process to end, not for a clock; give up after 20 s."""
    import select

    with contextlib.closing(os.fdopen(watch)) as file:
        return bool(select.select([file], [], [], 20)[0])
