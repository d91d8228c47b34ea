"""The runner on real databases: what one transaction holds, and what a crash may not change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from engine.books import Books
from engine.runner import Runner
from flows.content import Text
from flows.events import ApiCalled, Replied, Verdict
from store import events, http_calls, messages, runs, visits
from store.contacts import contacts
from store.doorbell import Doorbell
from tests.engine.conftest import House

pytestmark = pytest.mark.anyio

SEND = {"type": "send_message", "text": "Hello {{ contact.first_name }}"}
GREETING: dict[str, Any] = {
    "name": "Greeting",
    "triggers": {
        "api": {"type": "api"},
        "hi": {"type": "customer_message", "rules": [{"match": "exact", "words": ["hi"]}]},
    },
    "start": "greet",
    "steps": {
        "greet": SEND | {"next": {"sent": "reply"}},
        "reply": {
            "type": "wait_for_reply",
            "up_to": "24h",
            "answers": [{"exit": "yes", "label": "Yes", "match": "exact", "words": ["yes"]}],
            "next": {"yes": "tag", "no_reply": "remind"},
        },
        "tag": {"type": "tag", "add": ["happy"], "next": {"done": "end"}},
        "remind": {"type": "send_message", "text": "Still there?", "next": {"sent": "end"}},
        "end": {"type": "end", "goal": "answered"},
    },
}


async def test_a_whole_journey(house: House) -> None:
    ada = await house.contact(first_name="Ada")
    automation = await house.live(GREETING)
    await house.start(ada, automation)
    assert await house.texts() == ["Hello Ada"]
    assert await house.verdicts() == 1
    await house.say(ada, "Yes!")
    run = await house.run()
    assert (run.status, run.state["goal"]) == ("done", "answered")
    assert await house.tags(ada) == {"happy"}
    assert await house.trace() == [
        ("", "noted", None),
        ("greet", "waits", None),
        ("greet", "left", "sent"),
        ("reply", "waits", None),
        ("reply", "left", "yes"),
        ("tag", "left", "done"),
        ("end", "left", None),
    ]
    async with house.database.read() as tx:
        counts = await visits.counts_of(tx, automation)
    assert counts["", "started"] == 1
    assert counts["reply", "yes"] == 1


async def test_a_timer_wakes_the_run_at_its_time_and_only_once(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(GREETING))
    await house.verdicts()
    await house.later(hours=23, minutes=59)
    assert len(await house.texts()) == 1
    await house.later(minutes=1)
    await house.later(minutes=1)
    assert await house.texts() == ["Hello", "Still there?"]


async def test_a_keyword_starts_and_its_answer_is_urgent(house: House) -> None:
    ada = await house.contact(first_name="Ada")
    await house.live(GREETING)
    await house.say(ada, "Hi")
    assert await house.texts() == ["Hello Ada"]
    assert list(await house.all(sa.select(messages.messages.c.priority))) == [0]


async def test_the_same_event_told_twice_happens_once(house: House) -> None:
    ada = await house.contact()
    await house.live(GREETING)
    assert await house.tell(ada, Replied("hi", Text("hi")), source="in:1") == 1
    assert await house.tell(ada, Replied("hi", Text("hi")), source="in:1") == 0
    await house.runner.drain()
    assert len(await house.texts()) == 1


async def test_a_crash_before_the_commit_redoes_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.contact()
    automation = await house.live(GREETING)
    real = Books.write

    async def dies(self: Books, tx: Any) -> None:
        await real(self, tx)
        raise ConnectionError("the machine died")

    monkeypatch.setattr(Books, "write", dies)
    with pytest.raises(ConnectionError):
        await house.start(ada, automation)
    assert await house.texts() == []
    assert list(await house.all(sa.select(runs.runs.c.id))) == []
    monkeypatch.setattr(Books, "write", real)
    await house.runner.drain()
    await house.runner.drain()
    assert await house.texts() == ["Hello"]


async def test_two_workers_share_the_work_and_nothing_is_done_twice(house: House) -> None:
    automation = await house.live(GREETING)
    people = [await house.contact(f"+4477009{number:05}") for number in range(40)]
    for person in people:
        await house.tell(person, Replied("hi", Text("hi")))
    workers = [Runner(house.database, house.at, Doorbell(None), batch=7) for _ in range(3)]

    async def work(worker: Runner) -> None:
        while (await worker.batch()).contacts:
            pass

    await asyncio.gather(*map(work, workers))
    await house.runner.drain()
    for person in people:
        assert len(await house.texts(person)) == 1
    started = await house.all(
        sa.select(sa.func.count()).where(runs.runs.c.automation_id == automation)
    )
    assert list(started) == [40]


async def test_a_stop_recalls_what_is_queued_and_confirms_once(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(GREETING))
    await house.say(ada, "STOP")
    await house.say(ada, "stop")
    texts = await house.texts()
    assert len(texts) == 1
    assert "not get any more" in texts[0]
    assert (await house.run()).status == "stopped"
    consent = sa.select(contacts.c.consent).where(contacts.c.id == ada)
    assert list(await house.all(consent)) == ["no"]
    await house.verdicts()
    await house.start(ada, (await house.run()).automation_id)
    assert len(await house.texts()) == 1


async def test_what_was_sent_is_not_recalled_by_its_own_late_verdict(house: House) -> None:
    ada = await house.contact()
    await house.start(ada, await house.live(GREETING))
    run = await house.run()
    await house.say(ada, "stop")
    await house.tell(ada, Verdict(1, "sent"), run=run.id)
    await house.runner.drain()
    assert (await house.run()).status == "stopped"


async def test_an_event_we_cannot_read_is_set_aside_and_others_go_on(house: House) -> None:
    ada, bob = await house.contact(), await house.contact("+447700900124")
    await house.live(GREETING)
    async with house.database.write() as tx:
        await events.insert_many(
            tx,
            [
                {
                    "company_id": house.company,
                    "contact_id": ada,
                    "kind": "?",
                    "data": {"type": "from the future"},
                    "at": house.now,
                    "created_at": house.now,
                }
            ],
        )
    await house.say(bob, "hi")
    assert len(await house.texts(bob)) == 1
    faults = await house.all(sa.select(events.events.c.fault).order_by(events.events.c.id))
    assert "future" in faults[0] or "Invalid" in faults[0]
    assert faults[1] is None


async def test_a_webhook_step_queues_its_call_and_hears_the_answer(house: House) -> None:
    ada = await house.contact(first_name="Ada")
    automation = await house.live(
        {
            "name": "Hook",
            "triggers": {"api": {"type": "api"}},
            "start": "hook",
            "steps": {
                "hook": {
                    "type": "webhook",
                    "method": "POST",
                    "url": "https://shop.example.com/{{ data.path }}",
                    "body": '{"name": "{{ contact.first_name }}"}',
                    "next": {"ok": "end"},
                },
                "end": {"type": "end"},
            },
        }
    )
    await house.start(ada, automation, path="x")
    [request] = await house.all(sa.select(http_calls.http_calls.c.request))
    assert request["url"] == "https://shop.example.com/x"
    assert request["body"] == '{"name": "Ada"}'
    assert (await house.run()).status == "waiting"


async def test_one_automation_starts_another_within_the_same_transaction(house: House) -> None:
    ada = await house.contact()
    second = await house.live(GREETING)
    first = await house.live(
        {
            "name": "First",
            "triggers": {"api": {"type": "api"}},
            "start": "go",
            "steps": {
                "go": {
                    "type": "start_automation",
                    "automation": str(second),
                    "next": {"done": "x"},
                },
                "x": {"type": "end"},
            },
        }
    )
    await house.start(ada, first)
    assert await house.texts() == ["Hello"]


async def test_two_automations_that_start_each_other_stop_somewhere(house: House) -> None:
    ada = await house.contact()
    document = {
        "name": "Mirror",
        "triggers": {"api": {"type": "api"}},
        "entry": {"policy": "parallel"},
        "start": "go",
        "steps": {"go": {"type": "start_automation", "automation": "1", "next": {}}},
    }
    await house.start(ada, await house.live(document))
    statuses = await house.all(sa.select(runs.runs.c.status))
    assert 1 < len(statuses) < 20
    assert "waiting" not in statuses


async def test_one_who_says_much_does_not_keep_others_waiting(house: House) -> None:
    house.runner.size = 2
    automation = await house.live(GREETING)
    ada, bob = await house.contact(), await house.contact("+447700900124")
    await house.tell(ada, *(Replied("hi", Text("hi")) for _ in range(9)))
    await house.tell(bob, ApiCalled(automation))
    assert await house.runner.drain() == 2
    assert await house.texts(bob) == ["Hello"]


async def test_who_has_written_is_served_before_a_campaign(house: House) -> None:
    automation = await house.live(GREETING)
    crowd = [await house.contact(f"+4477009{number:05}") for number in range(6)]
    ada = await house.contact()
    for one in crowd:
        await house.tell(one, ApiCalled(automation))
    await house.tell(ada, Replied("hi", Text("hi")))
    house.runner.size = 2
    assert (await house.runner.batch()).more
    assert await house.texts(ada) == ["Hello"]
    assert len(await house.texts()) == 1
    await house.runner.drain()
    assert len(await house.texts()) == 7
