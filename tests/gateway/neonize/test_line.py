"""One phone's process: what it does may hurt nobody but itself."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flows.content import Text
from gateway.channel import Address
from gateway.channels.neonize.line import DIED, NOT_PAIRED, Line, surely
from gateway.paired.wire import Done, Pairing, Ping, Refused, Said, Say, State
from tests.gateway.neonize.conftest import is_alive, until

pytestmark = pytest.mark.anyio
PROGRAM = Path(__file__).with_name("naughty.py")
SOON: dict[str, Any] = {
    "pauses_s": (0.01,),
    "ping_each_s": 0.05,
    "pong_within_s": 5.0,
    "end_within_s": 0.3,
}


class Place:
    """Lines of naughty programs, and what they told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[Any] = []
        self.lines: list[Line] = []

    def behave(self, way: str) -> None:
        (self.folder / "way").write_text(way)

    def open(self, way: str, *, mode: str = "resume", **options: Any) -> Line:
        self.behave(way)
        files = [str(self.folder / name) for name in ("way", "starts")]
        line = Line(
            1,
            lambda mode: [sys.executable, "-S", str(PROGRAM), *files, mode],
            self.told.append,
            mode=mode,
            resume="resume",
            **(SOON | options),
        )
        self.lines.append(line)
        return line

    def starts(self) -> list[int]:
        file = self.folder / "starts"
        return [int(one) for one in file.read_text().split()] if file.exists() else []

    async def started(self, times: int) -> bool:
        return await until_true(lambda: len(self.starts()) >= times)


async def until_true(holds: Any) -> bool:
    async def ask() -> bool:
        return bool(holds())

    return bool(await until(ask))


def say(words: str) -> Any:
    return lambda n: Say(n, Address("wa_id", "39"), Text(words))


@pytest.fixture
async def place(anyio_backend: str, tmp_path: Path) -> AsyncIterator[Place]:
    one = Place(tmp_path)
    yield one
    for line in one.lines:
        await line.stop()
    assert not any(is_alive(pid) for pid in one.starts())


async def test_it_is_asked_and_answers(place: Place) -> None:
    line = place.open("behaves")
    await until_true(lambda: line.state == "connected")
    assert await line.ask(Ping, 5) == Done(await one_number(line))
    answer = await line.ask(say("Hi"), 5)
    assert isinstance(answer, Said)
    assert answer.channel_id.startswith("ID-")
    assert place.told == [State("connected", jid="39@s.whatsapp.net")]


async def one_number(line: Line) -> int:
    """The number of the request before this one."""
    answer = await line.ask(Ping, 5)
    return answer.n - 1


async def test_one_that_dies_is_started_again_after_a_pause(place: Place) -> None:
    line = place.open("dies at once")
    await place.started(2)
    place.behave("behaves")
    await until_true(lambda: line.state == "connected")
    assert place.told[0] == State("offline", DIED)
    assert isinstance(await line.ask(Ping, 5), Done)


async def test_pauses_grow(place: Place) -> None:
    place.open("dies at once", pauses_s=(0.0, 0.0, 3600.0))
    await place.started(3)
    await until_true(lambda: len(place.told) >= 3)
    assert len(place.starts()) == 3


async def test_dying_while_it_sends_leaves_the_message_uncertain(place: Place) -> None:
    line = place.open("behaves")
    await until_true(lambda: line.state == "connected")
    answer = await line.ask(say("die"), 5)
    assert isinstance(answer, Refused)
    assert answer.meaning == "uncertain"
    await place.started(2)


async def test_without_a_process_nothing_was_sent(place: Place) -> None:
    line = place.open("dies at once", pauses_s=(3600.0,))
    await until_true(lambda: place.told)
    answer = await line.ask(say("Hi"), 5)
    assert isinstance(answer, Refused)
    assert answer.meaning == "unreachable"


async def test_one_that_hangs_is_killed_and_started_again(place: Place) -> None:
    line = place.open("hangs", pong_within_s=0.2)
    await place.started(1)
    answer = asyncio.create_task(line.ask(say("Hi"), 60))
    await place.started(2)
    refused = await answer
    assert isinstance(refused, Refused)
    assert refused.meaning == "uncertain"
    first = place.starts()[0]
    await until_true(lambda: not is_alive(first))


async def test_what_it_prints_is_passed_over(place: Place) -> None:
    line = place.open("prints")
    await until_true(lambda: line.state == "connected")
    assert isinstance(await line.ask(Ping, 5), Done)
    assert [type(one) for one in place.told] == [State]
    assert len(place.starts()) == 1


async def test_one_that_floods_is_ended(place: Place) -> None:
    place.open("floods")
    await place.started(2)


async def test_one_that_closes_its_output_is_ended(place: Place) -> None:
    line = place.open("closes its output")
    await place.started(1)
    first = place.starts()[0]
    place.behave("behaves")
    await place.started(2)
    assert not is_alive(first)
    await until_true(lambda: line.state == "connected")


async def test_no_answer_in_time_is_uncertain_and_a_late_one_is_told(place: Place) -> None:
    line = place.open("behaves", ping_each_s=3600.0)
    await until_true(lambda: line.state == "connected")
    answer = await line.ask(say("late"), 0.05)
    assert isinstance(answer, Refused)
    assert answer.meaning == "uncertain"
    await line.ask(say("now"), 5)
    assert place.told[-1] == Said(answer.n, "LATE", "77")


async def test_a_banned_phone_is_not_tried_again(place: Place) -> None:
    line = place.open("is banned")
    await until_true(lambda: line.over and line.pid is None)
    assert place.told[-1] == State("banned", "it wrote too much")
    assert len(place.starts()) == 1


async def test_a_pairing_is_not_tried_again_by_itself(place: Place) -> None:
    line = place.open("dies at once", mode="pair")
    await until_true(lambda: place.told)
    assert place.told == [Pairing("failed", why=NOT_PAIRED)]
    assert line.over
    assert len(place.starts()) == 1


async def test_a_program_that_does_not_exist(place: Place) -> None:
    line = Line(
        1, lambda _mode: ["/nowhere/at/all"], place.told.append, mode="resume", resume="resume",
        pauses_s=(3600.0,),
    )  # fmt: skip
    place.lines.append(line)
    await until_true(lambda: place.told)
    assert place.told == [State("offline", DIED)]


async def test_our_own_secrets_stay_with_us(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://private")
    monkeypatch.setenv("TIPTOE_SECRET", "private")
    monkeypatch.setenv("SPHINX", "1")
    shown = tmp_path / "shown"
    words = f"import os; open({str(shown)!r}, 'w').write(repr(dict(os.environ)))"
    line = Line(
        1, lambda _mode: [sys.executable, "-c", words], place.told.append,
        mode="resume", resume="resume", pauses_s=(3600.0,),
    )  # fmt: skip
    place.lines.append(line)
    await until_true(lambda: place.told)
    text = shown.read_text()
    assert "PATH" in text
    assert "private" not in text
    assert "SPHINX" not in text


async def test_a_stop_while_a_program_is_ended_leaves_none_behind() -> None:
    ended, may_end = [], asyncio.Event()

    async def end() -> None:
        await may_end.wait()
        ended.append("killed and waited for")

    task = asyncio.create_task(surely(end()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
