"""Blue ticks: when somebody opens the chat, and before an answer where the company wants that."""

from __future__ import annotations

from typing import Any

import pytest

from flows.content import Text
from gateway.channel import SendError
from gateway.marks import Marks
from store import erasure, read_marks
from store.contacts import contacts
from tests.gateway.circle import Circle

pytestmark = pytest.mark.anyio


async def wrote(circle: Circle) -> Any:
    """A customer who has just written, and their row."""
    await circle.bench.opened()
    await circle.quiet()
    [person] = await circle.house.rows(contacts)
    return person


async def ticks(circle: Circle) -> list[str]:
    found = await circle.bench.all_messages()
    return [one["status"] for one in found if one["direction"] == "in"]


async def test_a_person_opens_the_chat(circle: Circle) -> None:
    person = await wrote(circle)
    marks = circle.dispatcher.marks
    assert await marks.say() == 0
    async with circle.house.db.write() as tx:
        for _ in range(2):
            assert await read_marks.ask(tx, person.id, circle.house.clock())
        assert not await read_marks.ask(tx, person.id + 1, circle.house.clock())
    assert await marks.say() == 1
    assert await ticks(circle) == ["read"]
    assert await marks.say() == 0


async def test_before_an_answer_where_the_company_wants_it(circle: Circle) -> None:
    await wrote(circle)
    await circle.dispatcher.marks.ask_companies()
    assert (await circle.send(Text("Hi"))).state == "delivered"
    assert await ticks(circle) != ["read"]
    await circle.house.settings(mark_read=True)
    await circle.dispatcher.marks.ask_companies()
    assert (await circle.send(Text("Not live"), priority=1, source="person")).error is None
    assert await ticks(circle) != ["read"]
    assert (await circle.send(Text("Hi"))).state == "delivered"
    assert await ticks(circle) == ["read"]


async def test_it_never_holds_up_a_message(circle: Circle, monkeypatch: Any) -> None:
    person = await wrote(circle)
    circle.dispatcher.marks.wanting = frozenset({circle.house.company})

    async def fail(*_: Any, **__: Any) -> SendError:
        raise RuntimeError

    monkeypatch.setattr(circle.channel, "mark_read", fail)
    assert (await circle.send(Text("Hi"))).state == "delivered"
    async with circle.house.db.write() as tx:
        await read_marks.ask(tx, person.id, circle.house.clock())
        await erasure.erase(tx, [person.id], circle.house.clock())
    assert await Marks(circle.house.db, {}).say() == 0
