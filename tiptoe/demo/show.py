"""The performance: carts are left, time passes, people answer, and all is counted at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from engine.scene import Words
from flows.contact import Company
from store.companies import CompanySettings
from tiptoe.demo.cast import (
    Customer,
    Prompter,
    checkout,
    customers,
    index_of,
    order,
    sandbox_script,
)
from tiptoe.demo.score import Score, compare
from tiptoe.demo.stage import Stage, stage
from tiptoe.settings import Settings
from tiptoe.whatsapp_demo import BUSINESS_NAME

RULES = CompanySettings(
    unconfirmed_after_minutes=5, unconfirmed_rule="send_again", quiet_on_holidays=False
)
"""Usual hours and pauses. The sandbox always reports what it accepted, so silence means it never
arrived and may be sent again."""
BEGINS_AT_HOUR = 10
SLACK = timedelta(seconds=20)  # moments this close together are reached in one move of the clock
LOOK_S = 0.05
LOOK_AGAIN_S = 2.0
GIVE_UP_S = 120.0  # of real time without any progress
AT_ONCE = 16  # webhooks posted at a time
MONDAY = 0

Mischief = Callable[[Stage, int], Awaitable[None]]
"""Called after each move of the clock with the number of moves so far: tests kill things here."""
Progress = Callable[[int, int], None]
"""Told how many customers are through, of how many."""


async def perform(
    settings: Settings,
    count: int,
    *,
    speed: float | None = None,
    progress: Progress = lambda _done, _all: None,
    mischief: Mischief | None = None,
    show: Callable[[str, str], None] = lambda _name, _text: None,
) -> Score:
    """Play `count` customers to the end. `speed`: at most so many seconds pass in a real one."""
    began = time.monotonic()
    start = next_monday(datetime.now(UTC))
    cast = customers(count, start)
    async with stage(settings, RULES, start, show) as here:
        await introduce(here, cast)
        director = Director(here, cast, speed=speed, progress=progress, mischief=mischief)
        await director.play()
        messages = await here.phone_messages()
        books = await here.books()
    words = Words(stopped=RULES.stop_confirmation)
    prompter, company = Prompter(), Company(1, BUSINESS_NAME, "Europe/Rome", "en")
    expected = {one.number: prompter.expected(one, company, words) for one in cast}
    score = compare(expected, messages)
    for name, value in books.items():
        setattr(score, name, value)
    score.wall_seconds = round(time.monotonic() - began, 1)
    return score


def next_monday(today: datetime) -> datetime:
    """The Monday after `today`, in the morning: demos always see the same kind of week."""
    days = (MONDAY - today.weekday()) % 7 or 7
    hour = today.replace(hour=BEGINS_AT_HOUR, minute=0, second=0, microsecond=0)
    return hour + timedelta(days=days)


async def introduce(here: Stage, cast: Sequence[Customer]) -> None:
    """Tell the sandbox who these people are and what they will do."""
    await here.sandbox(
        "POST",
        "/customers",
        json=[
            {
                "wa_id": one.number,
                "name": one.name,
                "script": sandbox_script(one),
                "delivered_after_s": 1,
                "read_after_s": 30,
            }
            for one in cast
        ],
    )


class Deed(msgspec.Struct, frozen=True, order=True):
    """A webhook the shop will send."""

    at: datetime
    index: int
    kind: str


class Director:
    """Moves the clock from one moment to the next, whenever everything is quiet."""

    def __init__(
        self,
        here: Stage,
        cast: Sequence[Customer],
        *,
        speed: float | None = None,
        progress: Progress = lambda _done, _all: None,
        mischief: Mischief | None = None,
        until: datetime | None = None,
    ) -> None:
        self.here = here
        self.cast = cast
        self.by_number = index_of(cast)
        self.speed = speed
        self.progress = progress
        self.mischief = mischief
        self.until = until
        self.deeds: list[Deed] = [Deed(one.begins, one.index, "checkout") for one in cast]
        self.deeds += [
            Deed(one.begins + one.story.order_after, one.index, "order")
            for one in cast
            if one.story.order_after is not None and not one.story.order_on
        ]
        self.seen = 0
        self.heard: dict[str, int] = {}

    async def play(self) -> None:
        """Go on until nothing will happen any more, or nothing before `until`."""
        moves = 0
        while True:
            await self._do_deeds()
            await self._settle()
            await self._plan_orders()
            upcoming = await self._upcoming()
            if upcoming is None or (self.until is not None and upcoming > self.until):
                return
            await self._pass_time(upcoming)
            await self.here.ring()
            moves += 1
            if self.mischief is not None:
                await self.mischief(self.here, moves)

    async def _do_deeds(self) -> None:
        now = self.here.now()
        due = sorted(deed for deed in self.deeds if deed.at <= now)
        self.deeds = [deed for deed in self.deeds if deed.at > now]
        for first in range(0, len(due), AT_ONCE):
            await asyncio.gather(*map(self._do, due[first : first + AT_ONCE]))

    async def _do(self, deed: Deed) -> None:
        customer = self.cast[deed.index]
        if deed.kind == "checkout":
            raw = checkout(customer, deed.at)
            await self.here.post("checkouts/create", raw, f"checkout-{deed.index}")
        else:
            raw = order(customer, deed.at)
            await self.here.post("orders/create", raw, f"order-{deed.index}")

    async def _settle(self) -> None:
        """Wait, in real time, until nothing is left to do at this time of the clock."""
        moved_at, looked_at, seen = time.monotonic(), 0.0, None
        while not await self.here.quiet():
            now = time.monotonic()
            if now - looked_at > LOOK_AGAIN_S:
                looked_at, before, seen = now, seen, await self.here.progress()
                moved_at = moved_at if seen == before else now
            if now - moved_at > GIVE_UP_S:
                raise TimeoutError("nothing moves any more; see the logs of the demo")
            await asyncio.sleep(LOOK_S)

    async def _plan_orders(self) -> None:
        """Customers who buy some hours after a certain message."""
        page = await self.here.sandbox(
            "GET", "/messages", params={"after": self.seen, "limit": 1000}
        )
        while page["messages"]:
            for message in page["messages"]:
                self.seen = message["n"]
                if message["direction"] == "out":
                    self._heard(message["wa_id"], datetime.fromisoformat(message["at"]))
            page = await self.here.sandbox(
                "GET", "/messages", params={"after": self.seen, "limit": 1000}
            )

    def _heard(self, number: str, at: datetime) -> None:
        self.heard[number] = self.heard.get(number, 0) + 1
        customer = self.by_number[number]
        story = customer.story
        if story.order_after is not None and story.order_on == self.heard[number]:
            self.deeds.append(Deed(at + story.order_after, customer.index, "order"))

    async def _upcoming(self) -> datetime | None:
        self.progress((await self.here.books())["started"], len(self.cast))
        moments = [await self.here.next_moment(), *(deed.at for deed in self.deeds)]
        return min((one for one in moments if one is not None), default=None)

    async def _pass_time(self, to: datetime) -> None:
        """Move on to `to` and a little further, at once or at the wanted speed."""
        to += SLACK
        if self.speed is not None:
            while (to - self.here.now()).total_seconds() > self.speed * LOOK_S:
                self.here.move_clock(self.here.now() + timedelta(seconds=self.speed * LOOK_S))
                await asyncio.sleep(LOOK_S)
        self.here.move_clock(to)
