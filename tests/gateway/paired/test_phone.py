"""The program of a phone: what it needs, what it says, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.content import Text
from gateway.news import Inbound, News, Sender
from gateway.paired import library
from gateway.paired.spool import Spool
from gateway.paired.wire import Ping, Said, Say, Told, line_of, read_report, read_request
from tests.gateway.neonize.conftest import is_alive, until
from tests.gateway.paired.pretend import PROGRAM, Pretend

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # each starts a process


def start(folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    (folder / "phones").mkdir(exist_ok=True)
    command = [
        *PROGRAM, "--database", str(folder / "phones" / "1.db"), "--inbox", str(folder / "in"),
        "--owner", str(options.pop("owner", os.getpid())),
    ]  # fmt: skip
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
    )


async def test_its_output_is_the_protocol_and_nothing_else(
    anyio_backend: str, tmp_path: Path
) -> None:
    pretend = Pretend(tmp_path / "phones" / "1.db")
    with start(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        await pretend.tell(print="Scan this code")
        process.stdin.write(b"nonsense\n" + line_of(Ping(5)))
        process.stdin.flush()
        lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(2)]
        process.stdin.close()  # its owner is gone
        assert await asyncio.to_thread(process.wait, 10) == 0
        rest = process.stdout.read()
    assert [type(read_report(line)).__name__ for line in lines] == ["State", "Done"]
    assert rest == b""


async def test_it_dies_with_its_owner(anyio_backend: str, tmp_path: Path) -> None:
    """Also when its owner is killed, and its input stays open in somebody else's hands."""
    ear, mouth = os.pipe()
    code = (
        "import subprocess, sys, os, time\n"
        f"p = subprocess.Popen({list(PROGRAM)!r} + ['--database', sys.argv[1], '--inbox',"
        " sys.argv[2], '--owner', str(os.getpid())], stdin=int(sys.argv[3]),"
        " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "time.sleep(3600)\n"
    )
    (tmp_path / "phones").mkdir()
    database = tmp_path / "phones" / "1.db"
    arguments = [sys.executable, "-c", code, str(database), str(tmp_path / "in"), str(ear)]
    pretend = Pretend(database)
    with subprocess.Popen(arguments, pass_fds=[ear]) as owner:  # noqa: ASYNC220 - soon killed
        await pretend.tell()
        pid = pretend.pid
        owner.send_signal(signal.SIGKILL)
    os.close(ear)

    async def gone() -> bool:
        return not is_alive(pid)

    try:
        await until(gone)
    finally:
        os.close(mouth)


async def test_it_does_not_begin_without_its_owner(anyio_backend: str, tmp_path: Path) -> None:
    with start(tmp_path, owner=1) as process:
        assert await asyncio.to_thread(process.wait, 20) == 1
        assert process.stdout is not None
        assert process.stdout.read() == b""


def news(words: str) -> list[News]:
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [Inbound("", words, at, Sender("39"), Text(words))]


def test_what_nobody_wrote_down_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "1.news"
    spool = Spool(path)
    first, second = spool.add(news("one")), spool.add(news("two"))
    assert Spool(path).waiting() == [first, second]
    spool.kept(first.number)
    assert spool.waiting() == [second]
    third = Spool(path).add(news("three"))
    assert third.number > second.number
    spool = Spool(path)
    spool.kept(third.number)
    assert path.read_bytes() == b""


def test_half_a_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "1.news"
    told = Spool(path).add(news("one"))
    with path.open("ab") as file:
        file.write(line_of(Told(tuple(news("two")), 9))[:-20])
    spool = Spool(path)
    assert spool.waiting() == [told]
    spool.add(news("three"))
    assert len(Spool(path).waiting()) == 2


def test_lines_say_everything() -> None:
    from gateway.channel import Address
    from gateway.paired.wire import Quoted

    ask = Say(3, Address("wa_id", "39"), Text("ü\n"), "77", Quoted("IN-1", "?"), "/f", 1.5)
    assert read_request(line_of(ask)) == ask
    for told in (Said(3, "ID", "77"), Told(tuple(news("x")), 2)):
        assert read_report(line_of(told)) == told
    for junk in (b"", b"{}", b"\xff", b"[" * 100_000, b'{"type":"said"}'):
        assert read_report(junk) is None


CHECK = "import sys; from gateway.paired import library; {}; library.load()"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("library.find_spec = lambda name: None", library.NOT_INSTALLED),
        (
            "import pathlib; pathlib.Path.glob = lambda self, pattern: iter(())",
            library.INCOMPLETE,
        ),
        (
            "sys.modules['magic'] = None",
            "The linked-device library cannot be loaded",
        ),
    ],
)
def test_what_is_missing_is_said_in_words(change: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(change)], capture_output=True, text=True, check=False
    )
    assert words in done.stderr


def test_it_never_fetches_a_part_by_itself() -> None:
    """A Go part of another version: the library would load it down, and is not let."""
    words = (
        "library._VERSION = __import__('re').compile('(x)NOTHING'); "
        "import socket; socket.socket.connect = lambda *a: print('WENT OUT')"
    )
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(words)], capture_output=True, text=True, check=False
    )
    assert "WENT OUT" not in done.stdout
    assert "UnusableError" in done.stderr


def test_the_program_knows_no_database() -> None:
    code = (
        "import sys, gateway.paired.phone; from gateway.paired import library; library.load(); "
        "import gateway.paired.device; "
        "print([m for m in sys.modules if m.split('.')[0] in ('store', 'sqlalchemy', 'redis')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_channel_is_made_without_the_library() -> None:
    code = (
        "import sys; from gateway.channels import kinds; "
        "[found() for kind, found in kinds().items() if kind == 'neonize']; "
        "print([m for m in sys.modules if m.split('.')[0] in ('neonize', 'magic', 'segno')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
