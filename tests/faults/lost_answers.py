"""WhatsApp takes messages and its answers get lost, while gateways die: who got what in the end?

The real processes; the sandbox closes the connection after it took every tenth message, gateways
are killed at named commits and at any moment. What WhatsApp's statuses do not settle, the company's
rule does: here “send again”, for the pretend WhatsApp reports on everything it took.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from flows.content import Template
from store.companies import CompanySettings
from store.contacts import contact_addresses, contacts
from store.database import in_chunks, insert_rows
from store.ids import new_id
from store.messages import messages
from store.phones import phones
from tiptoe import killpoints
from tiptoe.demo.stage import Stage, folder_settings, stage
from tiptoe.settings import load_settings

START = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday, noon in Rome
RULES = CompanySettings(gap_minutes=0, unconfirmed_after_minutes=5, unconfirmed_rule="send_again")
TEMPLATE = Template("order_arrived", "en", ("Ada", "#1001"))
SHARE = 0.1
FAST = 1_000  # messages a second that the number may send
PAUSES_S = (1.5, 4.0)  # between two deaths
DEATHS = 12  # then the rest may go in peace
POINTS = tuple(point for point in killpoints.POINTS if point.startswith("gateway."))
OPEN = ("queued", "sending", "unconfirmed")
FIRST_NUMBER = 447_700_900_000_0
PATIENCE_S = 600.0


class Report(msgspec.Struct, kw_only=True):
    """What became of the messages: how many got it twice or never, by our books and by theirs."""

    messages: int
    doubled: int
    missing: int
    states: Counter[str]
    answers_lost: int
    deaths: int
    sent_again: int

    @property
    def flawless(self) -> bool:
        """Everybody got it, once, and we know it."""
        known = self.states["sent"] + self.states["delivered"] + self.states["read"]
        return not self.doubled and not self.missing and known == self.messages


async def lose_answers(
    folder: Path, database_url: str, free_port: Callable[[], int], count: int, seed: int
) -> Report:
    """Send `count` messages; nothing is left running."""
    points = folder / "points"
    killpoints.arm(points, "")
    settings = load_settings(
        folder_settings(folder, free_port(), free_port())
        | {"DATABASE_URL": database_url, "TIPTOE_KILL_POINTS": str(points)}
    )
    async with stage(settings, RULES, START, lambda _name, _text: None) as here:
        await _prepare(here, count)
        deaths = Counter[str]()
        async with _dying(here, points, random.Random(seed), deaths):
            await here.bell.ring_gateway()
            await _until_settled(here)
        return await _report(here, count, deaths.total())


async def _prepare(here: Stage, count: int) -> None:
    await here.sandbox("PUT", "/faults", json=[{"lost": "after", "share": SHARE}])
    [phone] = (await here.sandbox("GET", "/phones"))["phones"]
    kept = ("phone_number_id", "display_phone_number", "verified_name", "waba_id")
    fast = {name: phone[name] for name in kept} | {"throughput_per_s": FAST}
    await here.sandbox("POST", "/phones", json=fast)
    now = here.now()
    people = range(1, count + 1)
    async with here.database.write() as tx:
        await tx.execute(sa.update(phones).values(throughput_per_s=FAST))
        row: dict[str, Any] = {"company_id": 1, "created_at": now, "updated_at": now}
        for chunk in in_chunks(people):
            await insert_rows(tx, contacts, [row | {"id": 1_000_000 + n} for n in chunk])
            await insert_rows(tx, contact_addresses, [_address(n, now) for n in chunk])
            await insert_rows(tx, messages, [_message(n, now) for n in chunk])


def _address(n: int, now: datetime) -> dict[str, Any]:
    number = str(FIRST_NUMBER + n)
    return {
        "company_id": 1,
        "contact_id": 1_000_000 + n,
        "kind": "wa_id",
        "kind_space": "number",
        "value": number,
        "key": number,
        "created_at": now,
    }


def _message(n: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(now),
        "company_id": 1,
        "contact_id": 1_000_000 + n,
        "direction": "out",
        "state": "queued",
        "kind": "template",
        "content": msgspec.to_builtins(TEMPLATE),
        "template": TEMPLATE.name,
        "category": "utility",
        "priority": 1,
        "source": "api",
        "due_at": now,
        "created_at": now,
    }


@contextlib.asynccontextmanager
async def _dying(
    here: Stage, points: Path, dice: random.Random, deaths: Counter[str]
) -> AsyncIterator[None]:
    """Gateways die around what is done in it."""

    async def die() -> None:
        here.supervisor.longest_pause_s = 0.5
        while deaths.total() < DEATHS:
            await asyncio.sleep(dice.uniform(*PAUSES_S))
            if dice.random() < 0.5:
                here.supervisor.kill("gateway")
                deaths["killed"] += 1
            elif not killpoints.armed(points):
                point = dice.choice(POINTS)
                killpoints.arm(points, point)
                deaths[point] += 1

    task = asyncio.create_task(die())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        killpoints.arm(points, "")


async def _until_settled(here: Stage) -> None:
    """Until no message is open; when only the clock can help, it is moved."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            states = await _states(here)
            if not any(states[state] for state in OPEN):
                return
            told = not (await here.sandbox("GET", "/state"))["undelivered_webhooks"]
            if told and not states["queued"] and not states["sending"]:
                here.move_clock(here.now() + timedelta(minutes=RULES.unconfirmed_after_minutes))
            elif states["queued"]:
                await _let_retries_come(here)
            await here.ring()
            await asyncio.sleep(0.2)


async def _let_retries_come(here: Stage) -> None:
    """Messages that wait for another try a minute from now need not wait in real time."""
    due = sa.select(sa.func.min(messages.c.due_at)).where(messages.c.state == "queued")
    async with here.database.read() as tx:
        at = await tx.scalar(due)
    if at is not None and at > here.now():
        here.move_clock(at)


async def _states(here: Stage) -> Counter[str]:
    query = sa.select(messages.c.state, sa.func.count()).group_by(messages.c.state)
    async with here.database.read() as tx:
        return Counter({row[0]: row[1] for row in await tx.execute(query)})


async def _report(here: Stage, count: int, deaths: int) -> Report:
    async with asyncio.timeout(PATIENCE_S):
        while (await here.sandbox("GET", "/state"))["undelivered_webhooks"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    got = Counter(one["callback_data"] for one in await here.phone_messages())
    faults = await here.sandbox("GET", "/faults")
    async with here.database.read() as tx:
        again = await tx.scalar(sa.select(sa.func.count()).where(messages.c.attempts > 1))
    return Report(
        messages=count,
        doubled=sum(1 for n in got.values() if n > 1),
        missing=count - len(got),
        states=await _states(here),
        answers_lost=faults["faults"][0]["struck"],
        deaths=deaths,
        sent_again=int(again or 0),
    )
