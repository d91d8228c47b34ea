"""Who is here, over a real Redis, over one that goes away, and over none."""

from __future__ import annotations

from typing import Any

import pytest

from store.presence import LIVES_S, Presence

pytestmark = pytest.mark.anyio


async def test_everybody_of_all_processes_is_there_until_they_go(redis_url: str) -> None:
    one, two = Presence(redis_url), Presence(redis_url)
    assert await one.tell("7", {"a"}, (), 100.0) == {"a"}
    assert await two.tell("7", {"b"}, (), 101.0) == {"a", "b"}
    assert await two.tell("8", {"c"}, (), 101.0) == {"c"}
    assert await two.tell("7", (), {"b"}, 102.0) == {"a"}
    assert await two.tell("7", (), (), 100.0 + LIVES_S + 1) == set()  # nobody told of `a` since
    await one.close()
    await two.close()


async def test_without_redis_nobody_knows_and_nobody_fails(own_redis: Any) -> None:
    assert await Presence(None).tell("7", {"a"}, (), 100.0) is None
    presence = Presence(own_redis.url)
    assert await presence.tell("7", {"a"}, (), 100.0) == {"a"}
    own_redis.kill()
    assert await presence.tell("7", {"a"}, (), 101.0) is None
    assert await presence.tell("7", {"a"}, (), 102.0) is None  # not tried again at once
    await presence.close()
