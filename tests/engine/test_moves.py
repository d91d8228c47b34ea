"""Revisions and levers through the real runner: an edit never sends anything twice.

Every test publishes, moves or retries with the store's own verbs and lets the engine do the rest.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import sqlalchemy as sa

from flows.content import Text
from flows.events import MovedTo, Replied
from store import automations, moves, publishing, visits
from store.messages import messages
from store.publishing import Planned, Published
from store.runs import runs
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio

GREETING: dict[str, Any] = {
    "name": "Greeting",
    "triggers": {"api": {"type": "api"}},
    "start": "greet",
    "steps": {
        "greet": {"type": "send_message", "text": "Hello", "next": {"sent": "reply"}},
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "next": {"other": "thank", "no_reply": "remind"},
        },
        "remind": {"type": "send_message", "text": "Still there?", "next": {"sent": "end"}},
        "thank": {"type": "send_message", "text": "Thanks", "next": {"sent": "end"}},
        "end": {"type": "end"},
    },
}


def edited(**steps: dict[str, Any] | None) -> dict[str, Any]:
    """The flow with other settings of some steps; None takes a step away."""
    document = copy.deepcopy(GREETING)
    for name, more in steps.items():
        if more is None:
            del document["steps"][name]
        else:
            document["steps"][name] = document["steps"].get(name, {}) | more
    return document


async def publish(
    house: House, automation: int, document: dict[str, Any], **plan: Planned
) -> Published:
    async with house.database.write() as tx:
        await automations.save_draft(tx, house.company, automation, document, house.now)
        made = await publishing.publish(
            tx, house.company, automation, None, "", house.now, plan=plan
        )
    assert isinstance(made, Published), made
    await house.runner.drain()
    return made


async def greeted(house: House) -> tuple[int, int]:
    """`(automation, contact)`: greeted, the message has left, a reply is waited for."""
    automation = await house.live(GREETING)
    ada = await house.contact(first_name="Ada")
    await house.start(ada, automation)
    assert await house.verdicts() == 1
    assert (await house.run()).step == "reply"
    return automation, ada


async def move(house: House, to: str, **more: Any) -> int:
    run = await house.run()
    async with house.database.write() as tx:
        place = await moves.place(tx, house.company, run.id)
        count = await moves.move(tx, place, MovedTo(to, why="moved by Ada", **more), house.now)
    await house.runner.drain()
    return count


async def test_who_stays_goes_on_in_the_old_revision(house: House) -> None:
    automation, _ = await greeted(house)
    before = await house.run()
    await publish(house, automation, edited(remind={"text": "New words"}))
    await house.later(hours=24)
    assert await house.texts() == ["Hello", "Still there?"]
    assert (await house.run()).revision_id == before.revision_id


async def test_moved_to_the_same_step_they_wait_on_and_only_what_follows_is_new(
    house: House,
) -> None:
    automation, _ = await greeted(house)
    before = await house.run()
    document = edited(greet={"text": "Hello again"}, remind={"text": "New words"})
    made = await publish(house, automation, document, reply=Planned("move", "reply"))
    run = await house.run()
    assert (run.revision_id, run.step, run.seq) == (made.revision_id, "reply", before.seq)
    assert run.wait_until == before.wait_until
    assert await house.texts() == ["Hello"]
    await house.later(hours=24)
    assert await house.texts() == ["Hello", "New words"]
    why = [line for line in await lines(house) if line[1] == "noted"][1:]
    assert why == [("reply", "noted", "revision 2 was published")]


async def test_moved_back_to_the_message_that_was_sent_it_is_not_sent_again(house: House) -> None:
    automation, _ = await greeted(house)
    document = edited(greet={"text": "Hello, corrected"})
    await publish(house, automation, document, reply=Planned("move", "greet"))
    run = await house.run()
    assert run.step == "reply"
    assert await house.texts() == ["Hello"]
    await house.later(hours=24)
    assert await house.texts() == ["Hello", "Still there?"]


async def test_a_queued_message_of_the_step_that_is_left_is_recalled(house: House) -> None:
    automation = await house.live(GREETING)
    ada = await house.contact(first_name="Ada")
    await house.start(ada, automation)
    assert await house.texts() == ["Hello"]
    document = edited(greet={"text": "Welcome"})
    await publish(house, automation, document, greet=Planned("move", "thank"))
    assert await house.texts() == ["Thanks"]
    [state] = await house.all(sa.select(messages.c.state).where(messages.c.preview == "Hello"))
    assert state == "cancelled"
    assert await house.verdicts() == 1
    assert (await house.run()).status == "done"


async def test_a_message_on_its_way_counts_as_sent(house: House) -> None:
    automation = await house.live(GREETING)
    await house.start(await house.contact(), automation)
    async with house.database.write() as tx:
        await tx.execute(sa.update(messages).values(state="sending"))
    document = edited(thank={"text": "Thank you"})
    await publish(house, automation, document, greet=Planned("move", "reply"))
    assert (await house.run()).step == "reply"
    await move(house, "greet")
    assert await house.texts() == ["Hello"]
    assert (await house.run()).step == "reply"


async def test_who_is_to_leave_is_ended_with_the_reason(house: House) -> None:
    automation, _ = await greeted(house)
    await publish(house, automation, edited(reply=None), reply=Planned("leave"))
    run = await house.run()
    assert (run.status, run.reason) == ("stopped", "revision 2 was published")
    await house.later(hours=30)
    assert await house.texts() == ["Hello"]


@pytest.mark.parametrize("plan", [Planned("move", "end"), Planned("leave")])
async def test_who_has_moved_on_meanwhile_is_left_alone(house: House, plan: Planned) -> None:
    automation, ada = await greeted(house)
    before = await house.run()
    async with house.database.write() as tx:  # the reply is in the line before the plan is
        await automations.save_draft(
            tx, house.company, automation, edited(thank={"text": "T"}), house.now
        )
    await house.tell(ada, Replied("I am here", Text("I am here")))
    async with house.database.write() as tx:
        made = await publishing.publish(
            tx, house.company, automation, None, "", house.now, plan={"reply": plan}
        )
    assert isinstance(made, Published)
    assert made.moved + made.ended == 1
    await house.runner.drain()
    run = await house.run()
    assert (run.step, run.status, run.revision_id) == ("thank", "waiting", before.revision_id)
    assert not any("published" in why for _, _, why in await lines(house))
    await house.verdicts()
    assert (await house.run()).status == "done"
    assert await house.texts() == ["Hello", "Thanks"]


async def test_numbers_of_a_step_hang_on_its_id_across_revisions(house: House) -> None:
    automation, _ = await greeted(house)
    document = edited(reply={"name": "Asked", "up_to": "1h"})
    await publish(house, automation, document, reply=Planned("move", "reply"))
    grace = await house.contact("+447700900999")
    await house.start(grace, automation)
    await house.verdicts()
    await house.later(hours=24)
    async with house.database.read() as tx:
        counts = await visits.counts_of(tx, automation)
    assert counts["reply", "no_reply"] == 2
    assert counts["greet", "sent"] == 2


async def test_undoing_a_publish_brings_them_back_without_sending_twice(house: House) -> None:
    automation, _ = await greeted(house)
    document = edited(
        reply=None, later={"type": "delay", "duration": "1h", "next": {"after": "remind"}}
    )
    document["steps"]["greet"]["next"] = {"sent": "later"}
    await publish(house, automation, document, reply=Planned("move", "later"))
    assert (await house.run()).step == "later"
    async with house.database.write() as tx:
        made = await publishing.go_back(
            tx,
            house.company,
            automation,
            1,
            None,
            "",
            house.now,
            plan={"later": Planned("move", "greet")},
        )
    assert isinstance(made, Published)
    await house.runner.drain()
    run = await house.run()
    assert (run.step, run.revision_id) == ("reply", made.revision_id)
    assert await house.texts() == ["Hello"]


async def test_moved_by_hand_and_again_on_purpose(house: House) -> None:
    await greeted(house)
    await move(house, "greet")
    assert await house.texts() == ["Hello"]
    assert await move(house, "greet", again=True) == 1
    assert await house.texts() == ["Hello", "Hello"]
    assert (await house.run()).step == "greet"


async def test_a_failed_run_tries_its_step_again(house: House) -> None:
    document = edited(reply={"next": {"other": "gone", "no_reply": "remind"}})
    automation = await house.live(document)
    ada = await house.contact()
    await house.start(ada, automation)
    await house.verdicts()
    await house.say(ada, "hello")
    run = await house.run()
    assert (run.status, run.step) == ("failed", "gone")
    async with house.database.write() as tx:
        assert await moves.retry(
            tx, await moves.place(tx, house.company, run.id), "tried again by Ada", house.now
        )
    await house.runner.drain()
    again = await house.run()
    assert (again.status, again.step) == ("failed", "gone")
    assert await house.texts() == ["Hello"]
    assert ("gone", "noted", "tried again by Ada") in await lines(house)


async def test_a_retry_never_sends_what_has_left(house: House) -> None:
    """The step after the message fails: the message stays sent, whatever is tried again."""
    automation = await house.live(edited(greet={"next": {"sent": "gone"}}))
    await house.start(await house.contact(), automation)
    await house.verdicts()
    run = await house.run()
    assert (run.status, run.step) == ("failed", "gone")
    for _ in range(2):
        async with house.database.write() as tx:
            place = await moves.place(tx, house.company, run.id)
            assert await moves.retry(tx, place, "", house.now)
        await house.runner.drain()
    assert await house.texts() == ["Hello"]


async def test_a_failed_run_goes_on_once_its_cause_is_gone(house: House) -> None:
    document = edited(remind={"text": "Code {{ data.code | fails_here }}"})
    automation = await house.live(GREETING)
    await house.start(await house.contact(), automation)
    await house.verdicts()
    async with house.database.write() as tx:  # as if the cause were outside: the same revision
        await tx.execute(sa.update(automations.revisions).values(flow=document))
    house.runner.flows = type(house.runner.flows)()
    await house.later(hours=24)
    run = await house.run()
    assert (run.status, run.step) == ("failed", "remind")
    async with house.database.write() as tx:
        await tx.execute(sa.update(automations.revisions).values(flow=GREETING))
        place = await moves.place(tx, house.company, run.id)
        assert await moves.retry(tx, place, "tried again", house.now)
    house.runner.flows = type(house.runner.flows)()
    await house.runner.drain()
    assert await house.texts() == ["Hello", "Still there?"]
    await house.verdicts()
    assert (await house.run()).status == "done"


async def test_ending_all_of_a_contact_recalls_what_is_queued(house: House) -> None:
    one, two = await house.live(GREETING), await house.live(GREETING | {"name": "Two"})
    ada = await house.contact()
    await house.start(ada, one)
    await house.start(ada, two)
    assert await house.texts() == ["Hello", "Hello"]
    async with house.database.write() as tx:
        assert await moves.end_of_contact(tx, house.company, ada, "ended by Ada", house.now) == 2
    await house.runner.drain()
    assert await house.texts() == []
    assert set(await house.all(sa.select(runs.c.status))) == {"stopped"}
    assert set(await house.all(sa.select(runs.c.reason))) == {"ended by Ada"}


async def test_archiving_ends_those_inside(house: House) -> None:
    automation, _ = await greeted(house)
    async with house.database.write() as tx:
        await automations.archive(tx, house.company, automation, house.now)
        ended = await moves.end_of_automation(
            tx, house.company, automation, "the automation was archived", house.now
        )
    assert ended == 1
    await house.runner.drain()
    run = await house.run()
    assert (run.status, run.reason) == ("stopped", "the automation was archived")


async def test_a_paused_automation_lets_waits_go_on_and_nobody_in(house: House) -> None:
    automation, _ = await greeted(house)
    async with house.database.write() as tx:
        await automations.pause(tx, house.company, automation, house.now, by=1)
    await house.start(await house.contact("+447700900999"), automation)
    assert len(await house.all(sa.select(runs.c.id))) == 1
    await house.later(hours=24)
    assert (await house.run()).step == "remind"


async def lines(house: House) -> list[tuple[str, str, str]]:
    run = await house.run()
    async with house.database.read() as tx:
        return [(one.step, one.did, one.why) for one in await visits.of_run(tx, run.id)]
