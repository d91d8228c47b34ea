"""Publishing with a plan for those who are inside, and the levers on runs, set by set."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flows.events import Event, MovedTo, Retried, Stopped
from store import automations, companies, moves, publishing, revisions, runs
from store.database import Database
from store.errors import NotFoundError
from store.events import events
from store.ids import new_id
from store.publishing import Planned, Published, Unpublished
from tests.store.test_automations import flow

pytestmark = pytest.mark.anyio


async def inside(
    db: Database,
    company: int,
    automation: int,
    now: datetime,
    step: str,
    count: int = 1,
    **more: Any,
) -> list[int]:
    """Runs that wait at `step` in the live revision; their ids."""
    made = [new_id(now) for _ in range(count)]
    async with db.write() as tx:
        revision = (await automations.get(tx, company, automation)).live_revision_id
        rows = [
            {
                "id": run_id,
                "company_id": company,
                "automation_id": automation,
                "revision_id": revision,
                "contact_id": place + 1,
                "trigger": "",
                "status": "waiting",
                "step": step,
                "seq": 3,
                "state": {"id": run_id, "step": step, "seq": 3},
                "started_at": now,
            }
            | more
            for place, run_id in enumerate(made)
        ]
        await runs.insert_many(tx, rows)
    return made


async def told(db: Database) -> list[tuple[int, Any]]:
    """`(run id, event)` of everything that was written, as the engine will read it."""
    async with db.read() as tx:
        rows = await tx.execute(sa.select(events.c.run_id, events.c.data).order_by(events.c.id))
        return [(row.run_id, msgspec.convert(row.data, Event)) for row in rows]


async def live(db: Database, company: int, now: datetime, steps: int = 2) -> int:
    async with db.write() as tx:
        one = await automations.create(tx, company, flow("A", steps), now)
        await automations.publish(tx, company, one, None, "", now)
        return one


async def publish(
    db: Database, company: int, one: int, now: datetime, **more: Any
) -> Published | Unpublished:
    async with db.write() as tx:
        return await publishing.publish(tx, company, one, 7, "", now, **more)


async def save(
    db: Database, company: int, one: int, document: dict[str, Any], now: datetime
) -> None:
    async with db.write() as tx:
        await automations.save_draft(tx, company, one, document, now)


async def test_a_plan_moves_ends_and_leaves_alone(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now, 3)
    other = await live(db, company, now, 3)
    go, leave, stay = [await inside(db, company, one, now, step, 2) for step in ("s0", "s1", "s2")]
    await inside(db, company, other, now, "s0")
    await inside(db, company, one, now, "s0", status="done")
    await save(db, company, one, flow("A", 2), now)
    plan = {"s0": Planned("move", "s1"), "s1": Planned("leave"), "s2": Planned()}
    made = await publish(db, company, one, now, plan=plan)
    assert isinstance(made, Published)
    assert (made.number, made.new, made.moved, made.ended) == (2, True, 2, 2)
    why = "revision 2 was published"
    move = MovedTo("s1", from_step="s0", revision_id=made.revision_id, why=why)
    assert await told(db) == [
        *((run, move) for run in go),
        *((run, Stopped(why, from_step="s1")) for run in leave),
    ]
    again = await publish(db, company, one, now, plan=plan)
    assert again == Published(2, made.revision_id, new=False)
    assert len(await told(db)) == 4
    later = await publish(db, company, one, now, plan={"s2": Planned("leave")})
    assert later == Published(2, made.revision_id, new=False, ended=2)
    assert [run for run, _ in await told(db)][4:] == stay


async def test_nobody_of_the_new_revision_is_moved(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    await inside(db, company, one, now, "s0")
    plan = {"s0": Planned("move", "s1")}
    made = await publish(db, company, one, now, plan=plan)
    assert isinstance(made, Published)
    assert (made.new, made.moved) == (False, 0)
    assert await told(db) == []


async def test_a_plan_that_cannot_be_names_every_problem_and_does_nothing(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now, 3)
    await inside(db, company, one, now, "s2")
    await save(db, company, one, flow("A", 2), now)
    plan = {
        "s2": Planned("move", "s2"),
        "s1": Planned("move"),
        "never": Planned("leave"),
        "s0": Planned("stay", "s1"),
    }
    refused = await publish(db, company, one, now, plan=plan)
    assert isinstance(refused, Unpublished)
    assert refused.why == "plan"
    assert [one.field for one in refused.problems] == [
        "/plan/s2/to",
        "/plan/s1/to",
        "/plan/never",
        "/plan/s0/to",
    ]
    async with db.read() as tx:
        assert len(await revisions.page(tx, company, one)) == 1
    assert await told(db) == []


async def test_what_changed_underneath_is_not_published(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    seen = flow("B", 2)
    await save(db, company, one, seen, now)
    mark = revisions.mark_of(dict(reversed(seen.items())))  # the order of names says nothing
    await save(db, company, one, flow("C", 2), now)
    refused = await publish(db, company, one, now, expected=mark)
    assert isinstance(refused, Unpublished)
    assert refused.why == "changed"
    await save(db, company, one, seen, now)
    made = await publish(db, company, one, now, expected=mark)
    assert isinstance(made, Published)
    assert made.number == 2


async def test_two_people_publish_at_once(db: Database, company: int, now: datetime) -> None:
    one = await live(db, company, now)
    first = await inside(db, company, one, now, "s0", 40)
    await save(db, company, one, flow("B", 3), now)
    mark = revisions.mark_of(flow("B", 3))
    plans = [{"s0": Planned("move", "s2")}, {"s0": Planned("leave")}, {}]
    made = await asyncio.gather(
        *(publish(db, company, one, now, plan=plan, expected=mark) for plan in plans * 2)
    )
    assert [type(one) for one in made] == [Published] * 6
    assert {one.number for one in made if isinstance(one, Published)} == {2}
    assert sum(one.new for one in made if isinstance(one, Published)) == 1
    assert sorted(run for run, _ in await told(db)) == sorted(first)  # each was told one thing

    async def edit_and_publish(name: str) -> Published | Unpublished:
        async with db.write() as tx:
            await automations.save_draft(tx, company, one, flow(name, 3), now)
            return await publishing.publish(tx, company, one, 7, name, now)

    numbers = await asyncio.gather(*(edit_and_publish(f"N{n}") for n in range(5)))
    assert sorted(one.number for one in numbers if isinstance(one, Published)) == [3, 4, 5, 6, 7]


async def test_an_archived_automation_is_not_published(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    async with db.write() as tx:
        await automations.archive(tx, company, one, now)
    refused = await publish(db, company, one, now)
    assert isinstance(refused, Unpublished)
    assert refused.why == "archived"


async def test_going_back_is_a_new_revision_and_keeps_the_draft(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now, 3)
    await save(db, company, one, flow("B", 2), now)
    await publish(db, company, one, now)
    [run] = await inside(db, company, one, now, "s1")
    plan = {"s1": Planned("move", "s2")}

    async def back() -> Published | Unpublished:
        async with db.write() as tx:
            return await publishing.go_back(tx, company, one, 1, 7, "", now, plan=plan)

    made = await back()
    assert isinstance(made, Published)
    assert (made.number, made.new, made.moved) == (3, True, 1)
    assert await told(db) == [
        (
            run,
            MovedTo(
                "s2",
                from_step="s1",
                revision_id=made.revision_id,
                why="revision 3 was published",
            ),
        )
    ]
    assert await back() == Published(3, made.revision_id, new=False)
    async with db.read() as tx:
        assert (await automations.get(tx, company, one)).draft == flow("B", 2)
        newest = await revisions.get(tx, company, one, 3)
        assert (newest.flow, newest.comment) == (flow("A", 3), "Back to revision 1")
    async with db.write() as tx:
        with pytest.raises(NotFoundError):
            await publishing.go_back(tx, company, one, 9, 7, "", now)


async def test_history_says_who_and_how_many_are_inside(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    await inside(db, company, one, now, "s0", 3)
    for number in range(2, 5):
        await save(db, company, one, flow(f"N{number}", 2), now)
        await publish(db, company, one, now + timedelta(hours=number))
    await inside(db, company, one, now, "s1", 2)
    async with db.read() as tx:
        listed = await revisions.page(tx, company, one, limit=3)
        assert [(r.number, r.inside) for r in listed] == [(4, 2), (3, 0), (2, 0)]
        [oldest] = await revisions.page(tx, company, one, before=2)
        assert (oldest.number, oldest.inside) == (1, 3)
        waiting = await revisions.waiting(tx, company, one)
        assert [(w.step, w.revisions, w.contacts) for w in waiting] == [
            ("s0", {1: 3}, 3),
            ("s1", {4: 2}, 2),
        ]
        assert await revisions.holds(tx, company, one, flow("N3", 2))
        assert not await revisions.holds(tx, company, one, flow("N9", 2))
        assert await moves.inside(tx, company, one) == 5
        assert await moves.inside(tx, company + 1, one) == 0


async def test_runs_are_ended_by_contact_by_step_and_all(
    db: Database, company: int, now: datetime
) -> None:
    one, two = await live(db, company, now), await live(db, company, now)
    at_0 = await inside(db, company, one, now, "s0", 3)
    at_1 = await inside(db, company, one, now, "s1", 3)
    elsewhere = await inside(db, company, two, now, "s0", 3)
    async with db.write() as tx:
        assert await moves.end_run(tx, company, at_0[0], "by Ada", now) == 1
        assert await moves.end_run(tx, company, at_0[0], "by Ada", now) == 0
        assert await moves.end_run(tx, company + 1, at_0[1], "by Eve", now) == 0
        assert await moves.end_of_contact(tx, company, 3, "by Ada", now) == 3
        assert await moves.end_of_contact(tx, company, 3, "by Ada", now) == 0
        assert await moves.end_of_automation(tx, company, one, "x", now, step="s1") == 3
        assert await moves.end_of_automation(tx, company, one, "x", now, step="s1") == 0
        # Who is asked to go from one step only may have left it by then: all are asked once more.
        assert await moves.end_of_automation(tx, company, one, "x", now) == 3
        assert await moves.end_of_automation(tx, company + 1, two, "x", now) == 0
    assert [run for run, _ in await told(db)] == [
        at_0[0],
        *(at_0[2], at_1[2], elsewhere[2]),
        *at_1,
        at_0[1],
        *at_1[:2],
    ]
    assert (await told(db))[4][1] == Stopped("x", from_step="s1")


async def test_a_run_is_moved_once_for_each_wait(db: Database, company: int, now: datetime) -> None:
    one = await live(db, company, now)
    [run] = await inside(db, company, one, now, "s0")
    async with db.write() as tx:
        where = await moves.place(tx, company, run)
        to = MovedTo("s1", from_step="s0", why="by Ada")
        assert [await moves.move(tx, where, to, now) for _ in range(3)] == [1, 0, 0]
        again = MovedTo("s1", from_step="s0", why="by Ada", again=True)
        assert await moves.move(tx, where, again, now) == 1
        with pytest.raises(NotFoundError):
            await moves.place(tx, company + 1, run)
    assert await told(db) == [(run, to), (run, again)]


async def test_only_a_failed_run_is_tried_again_and_once(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    failed, going = [
        (await inside(db, company, one, now, "s0", status=status))[0]
        for status in ("failed", "waiting")
    ]
    async with db.write() as tx:
        places = [await moves.place(tx, company, run) for run in (failed, going)]

    async def retry(place: moves.Place) -> bool:
        async with db.write() as tx:
            return await moves.retry(tx, place, "by Ada", now)

    assert sorted(await asyncio.gather(*(retry(places[0]) for _ in range(4)))) == [
        *(False, False, False, True)
    ]
    assert await retry(places[1]) is False
    assert await told(db) == [(failed, Retried("by Ada"))]
    async with db.read() as tx:
        woken = await moves.place(tx, company, failed)
        assert (woken.status, woken.reason) == ("waiting", "")
        assert await moves.others_inside(tx, woken) == 1


async def test_many_are_moved_in_one_statement(db: Database, company: int, now: datetime) -> None:
    one = await live(db, company, now)
    await inside(db, company, one, now, "s0", 3_000)
    await save(db, company, one, flow("B", 2), now)
    said: list[str] = []

    def listen(_c: Any, _x: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    sa.event.listen(db.engine.sync_engine, "before_cursor_execute", listen)
    made = await publish(db, company, one, now, plan={"s0": Planned("move", "s1")})
    sa.event.remove(db.engine.sync_engine, "before_cursor_execute", listen)
    assert isinstance(made, Published)
    assert made.moved == 3_000
    assert sum("INSERT INTO events" in one for one in said) == 1


async def test_another_companys_automation_is_not_there(
    db: Database, company: int, now: datetime
) -> None:
    one = await live(db, company, now)
    async with db.write() as tx:
        other = await companies.create(tx, "Red Mugs", now=now)
        with pytest.raises(NotFoundError):
            await publishing.publish(tx, other, one, None, "", now)
        with pytest.raises(NotFoundError):
            await publishing.go_back(tx, other, one, 1, None, "", now)
        with pytest.raises(NotFoundError):
            await revisions.get(tx, other, one, 1)
        assert await revisions.page(tx, other, one) == []
        assert await revisions.waiting(tx, other, one) == []
