"""`tiptoe up` from outside: its first message, its refusals, and what is left when it ends."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers

pytestmark = pytest.mark.services
PATIENCE_S = 30


class Up:
    """A running `tiptoe up` with the small processes of small_house.py."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(servers.ROOT / "tests" / "tiptoe" / "small_house.py")],
            cwd=servers.ROOT,
            env=os.environ | {"PYTHONPATH": str(servers.ROOT)} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def says(self, words: str) -> str:
        """Wait for `words`; return all that was said up to and with their line."""
        assert self.process.stdout is not None
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended without saying {words!r}:\n{self.said}"
            self.said += line
        return self.said

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def finish(self) -> int:
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def environ(tmp_path: Path, free_ports: Callable[[], int]) -> dict[str, str]:
    return {
        "TIPTOE_DATA": str(tmp_path / "data"),
        "TIPTOE_PORT": str(free_ports()),
        "TIPTOE_SANDBOX_PORT": str(free_ports()),
    }


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Callable[..., Up]]:
    """Start one more, with other settings if need be; each is killed at the end."""
    started: list[Up] = []

    def one_more(**more: str) -> Up:
        started.append(Up(environ | more))
        return started[-1]

    yield one_more
    for up in started:
        up.process.kill()
        up.process.communicate()


def ended(pids: list[int]) -> bool:
    """Wait until all these processes are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            watch = os.pidfd_open(pid)
            with contextlib.closing(os.fdopen(watch)) as file:
                if not select.select([file], [], [], PATIENCE_S)[0]:
                    return False
    return True


def test_it_says_where_everything_is_and_stops_in_time(
    start: Callable[..., Up], environ: dict[str, str]
) -> None:
    up = start()
    said = up.says("Ctrl+C stops it.")
    assert re.search(rf"ready: +http://127.0.0.1:{environ['TIPTOE_PORT']}\b", said)
    assert "demo@example.com" in said
    assert "made-up" in said
    assert f"http://127.0.0.1:{environ['TIPTOE_SANDBOX_PORT']}" in said
    children = up.children()
    assert len(children) == 5
    began = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.finish() == 0
    assert time.monotonic() - began < 5
    assert ended(children)
    data = Path(environ["TIPTOE_DATA"])
    assert {path.name for path in (data / "logs").iterdir()} >= {"redis.log", "web.log"}
    assert (data / "secret").exists()

    again = start()
    again.says("Ctrl+C stops it.")
    again.process.send_signal(signal.SIGTERM)
    assert again.finish() == 0


def test_killed_it_leaves_no_children_and_starts_again(start: Callable[..., Up]) -> None:
    up = start()
    up.says("Ctrl+C stops it.")
    children = up.children()
    up.process.kill()
    assert ended(children)
    start().says("Ctrl+C stops it.")


def test_a_second_one_on_the_same_data_is_refused(
    start: Callable[..., Up], free_ports: Callable[[], int]
) -> None:
    first = start()
    first.says("Ctrl+C stops it.")
    second = start(TIPTOE_PORT=str(free_ports()))
    assert second.finish() == 2
    assert "already runs on" in second.said
    assert f"(process {first.process.pid})" in second.said
    assert "TIPTOE_DATA" in second.said


@pytest.mark.parametrize("name", ["TIPTOE_PORT", "TIPTOE_SANDBOX_PORT"])
def test_a_taken_port_is_refused_by_the_name_of_its_setting(
    start: Callable[..., Up], environ: dict[str, str], name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        up = start(**{name: str(port)})
        assert up.finish() == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in up.said
    assert f"set {name} to another port" in up.said
    assert "Traceback" not in up.said
    assert not (Path(environ["TIPTOE_DATA"]) / "logs").exists()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("TIPTOE_PORT", "eighty", "TIPTOE_PORT='eighty' cannot be used"),
        ("TIPTOE_HOST", "no.such.host.invalid", "TIPTOE_HOST"),
        ("TIPTOE_SANDBOX_PORT", "same", "are both"),
        ("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/c", "The database cannot be used"),
    ],
)
def test_other_mistakes_are_told_before_anything_starts(
    start: Callable[..., Up], environ: dict[str, str], setting: str, value: str, words: str
) -> None:
    up = start(**{setting: environ["TIPTOE_PORT"] if value == "same" else value})
    assert up.finish() == 2
    assert words in up.said
    assert "Traceback" not in up.said
    assert not (Path(environ["TIPTOE_DATA"]) / "logs").exists()


def test_a_data_folder_with_a_long_path_works(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start(TIPTOE_DATA=str(tmp_path / ("long" * 30)))
    up.says("Ctrl+C stops it.")
    up.process.send_signal(signal.SIGINT)
    assert up.finish() == 0
