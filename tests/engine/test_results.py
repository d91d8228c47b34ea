"""What the engine counts at each step, by day and revision, and whom the numbers stand for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import automations, moves, passages, step_days
from store.automations import revisions
from store.companies import companies
from store.passages import Asked
from store.results import Results, Span, results
from tests.engine.conftest import House
from tests.engine.flows import NOW
from tests.engine.test_runner import GREETING

pytestmark = pytest.mark.anyio


async def numbers(house: House, automation: int, **span: Any) -> Results:
    async with house.database.read() as tx:
        return await results(tx, automation, Span(**span))


async def listed(house: House, automation: int, step: str, of: Any, **more: Any) -> list[Any]:
    asked = Asked(automation, step, of, **more)
    async with house.database.read() as tx:
        return await passages.page(tx, house.company, asked)


async def crowd(house: House) -> tuple[int, list[int]]:
    """Ada answers, Bea waits for her reply, Cia is ended by hand, Dea gets no reply out of it."""
    made = await house.live(GREETING)
    people = [await house.contact(f"+44770090012{n}", name=f"No {n}") for n in range(4)]
    for one in people:
        await house.start(one, made)
    await house.verdicts()
    await house.say(people[0], "yes")
    async with house.database.write() as tx:
        await moves.end_of_contact(tx, house.company, people[2], "ended by hand", house.now)
    await house.runner.drain()
    return made, people


async def test_people_are_counted_where_they_are_went_and_stopped(house: House) -> None:
    made, _ = await crowd(house)
    found = await numbers(house, made)
    assert (found.started, found.inside, found.finished, found.stopped) == (4, 2, 1, 1)
    assert found.goals == {"answered": 1}
    greet, reply, end = found.of("greet"), found.of("reply"), found.of("end")
    assert (greet.here, greet.passed, greet.left, greet.exits) == (0, 4, 0, {"sent": 4})
    assert (reply.here, reply.passed, reply.left) == (2, 1, 1)
    assert (reply.exits, reply.ended) == ({"yes": 1}, {"stopped": 1})
    assert (end.passed, end.left, end.ended) == (0, 1, {"done": 1})
    assert not found.nobody


async def test_nobody_was_there_yet(house: House) -> None:
    found = await numbers(house, await house.live(GREETING))
    assert found.nobody
    assert found.of("greet").passed == 0


async def test_an_exit_that_leads_nowhere_is_passed_and_is_the_end(house: House) -> None:
    ada = await house.contact()
    document = {
        "name": "Short",
        "triggers": {"api": {"type": "api"}},
        "start": "tag",
        "steps": {"tag": {"type": "tag", "add": ["seen"]}},
    }
    made = await house.live(document)
    await house.start(ada, made)
    tag = (await numbers(house, made)).of("tag")
    assert (tag.passed, tag.left, tag.ended) == (1, 1, {"done": 1})
    assert [one.how for one in await listed(house, made, "tag", "left")] == ["done"]


async def test_who_failed_and_tries_again_was_never_over_there(house: House) -> None:
    greet = {**GREETING["steps"]["greet"], "next": {"sent": "gone"}}
    made = await house.live({**GREETING, "steps": {**GREETING["steps"], "greet": greet}})
    await house.start(await house.contact(), made)
    await house.verdicts()
    found = await numbers(house, made)
    assert (found.failed, found.of("gone").ended) == (1, {"failed": 1})
    for _ in range(2):
        async with house.database.write() as tx:
            place = await moves.place(tx, house.company, (await house.run()).id)
            assert await moves.retry(tx, place, "", house.now)
        found = await numbers(house, made)
        assert (found.failed, found.inside, found.of("gone").left) == (0, 1, 0)
        await house.later(hours=30)
        found = await numbers(house, made)
        assert (found.started, found.failed, found.of("gone").ended) == (1, 1, {"failed": 1})


async def test_days_are_the_company_s_own(house: House) -> None:
    async with house.database.write() as tx:
        await tx.execute(sa.update(companies).values(zone="Pacific/Auckland"))
    made = await house.live(GREETING)
    ada = await house.contact()
    house.now = NOW.replace(hour=11, minute=30)  # half past midnight in Auckland
    await house.start(ada, made)
    today = step_days.day_of(house.now, "Pacific/Auckland")
    assert today == step_days.day_of(house.now, "UTC") + 1
    assert (await numbers(house, made, first=today)).started == 1
    assert (await numbers(house, made, last=today - 1)).started == 0


async def test_a_period_and_a_revision_choose_what_is_counted(house: House) -> None:
    made, people = await crowd(house)
    first = step_days.day_of(house.now, "UTC")
    async with house.database.write() as tx:
        longer = GREETING | {"name": "Greeting, again"}
        await automations.save_draft(tx, house.company, made, longer, house.now)
        await automations.publish(tx, house.company, made, None, "", house.now)
        old, new = (await tx.execute(sa.select(revisions.c.id).order_by("id"))).scalars()
    await house.later(hours=24)  # those who wait hear that there was no reply
    await house.start(people[0], made)
    both = await numbers(house, made)
    assert both.started == 5
    assert both.of("reply").exits == {"yes": 1, "no_reply": 2}
    assert (await numbers(house, made, last=first)).of("reply").exits == {"yes": 1}
    later = await numbers(house, made, first=first + 1)
    assert (later.started, later.of("reply").exits) == (1, {"no_reply": 2})
    fresh = await numbers(house, made, revision_id=new, newer=True)
    assert (fresh.started, fresh.of("greet").here, fresh.of("remind").here) == (1, 1, 0)
    stale = await numbers(house, made, revision_id=old)
    assert (stale.started, stale.of("greet").here, stale.of("remind").here) == (4, 0, 2)
    same = await numbers(house, made, revision_id=old, newer=True)
    assert same == both


async def test_the_contacts_behind_the_numbers(house: House) -> None:
    made, people = await crowd(house)
    here = await listed(house, made, "reply", "here")
    assert {one.contact_id for one in here} == {people[1], people[3]}
    [yes] = await listed(house, made, "reply", "passed", exit="yes")
    assert (yes.contact_id, yes.how, yes.status, yes.step) == (people[0], "yes", "done", "end")
    assert not await listed(house, made, "reply", "passed", exit="no_reply")
    [ended] = await listed(house, made, "reply", "left")
    assert (ended.contact_id, ended.how) == (people[2], "stopped")
    [done] = await listed(house, made, "end", "left")
    assert done.contact_id == people[0]
    sent = await listed(house, made, "greet", "sent")
    assert [one.contact_id for one in sent] == people[::-1]  # the newest first
    assert not await listed(house, made, "greet", "failed")
    assert not await listed(house, made, "greet", "passed", since=house.now + timedelta(days=1))
    assert len(await listed(house, made, "greet", "passed", until=house.now)) == 0
    [found] = await listed(house, made, "greet", "passed", search="no 3")
    assert found.contact_id == people[3]


async def test_a_long_list_comes_in_pages(house: House) -> None:
    made, people = await crowd(house)
    asked = Asked(made, "greet", "passed")
    seen: list[int] = []
    before = None
    async with house.database.read() as tx:
        while rows := await passages.page(tx, house.company, asked, before=before, limit=3):
            seen += [one.contact_id for one in rows]
            before = rows[-1].id
        inside = await passages.still_inside(tx, house.company, asked)
        everybody = await passages.contact_ids(tx, house.company, asked, 10)
        stranger = await passages.page(tx, house.company + 1, asked)
    assert seen == people[::-1]
    assert (inside, everybody, stranger) == (2, sorted(people), [])
    waiting = Asked(made, "reply", "here")
    async with house.database.read() as tx:
        [newer] = await passages.page(tx, house.company, waiting, limit=1)
        [older] = await passages.page(tx, house.company, waiting, before=newer.id)
    assert (newer.contact_id, older.contact_id) == (people[3], people[1])
