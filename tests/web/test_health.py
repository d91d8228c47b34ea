"""/health names what is not well."""

import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from store import heartbeats
from tests.web.conftest import NOW, House
from web.app import create_app

pytestmark = pytest.mark.anyio


async def beat(house: House, *names: str) -> None:
    async with house.web.database.write() as tx:
        for name in names:
            await heartbeats.beat(tx, name, 1, NOW, house.clock())


async def test_all_is_well_while_everybody_beats(house: House) -> None:
    await beat(house, "engine:2", "gateway")
    house.clock.pass_by(seconds=14)
    answer = await house.client().get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "engine": "ok", "gateway": "ok"},
        "not_well": [],
    }


async def test_a_silent_process_is_named(house: House) -> None:
    client = house.client()
    assert (await client.get("/health")).json()["not_well"] == ["engine", "gateway"]
    await beat(house, "engine")
    house.clock.pass_by(seconds=16)
    await beat(house, "gateway")
    answer = await client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["not_well"] == ["engine"]


async def answers() -> bool:
    return True


async def breaks() -> bool:
    raise OSError("refused")


@pytest.mark.parametrize(("redis", "well"), [(answers, True), (breaks, False)])
async def test_redis_is_asked(
    house: House, redis: Callable[[], Awaitable[bool]], well: bool
) -> None:
    await beat(house, "engine", "gateway")
    house.app = create_app(dataclasses.replace(house.web, redis_answers=redis))
    answer = await house.client().get("/health")
    assert answer.status_code == (200 if well else 503)
    assert ("redis" in answer.json()["not_well"]) is not well


async def test_a_database_that_is_away_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OSError("no database")

    client = house.client()
    monkeypatch.setattr(house.web.database, "read", away)
    answer = await client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["not_well"] == ["database", "engine", "gateway"]
