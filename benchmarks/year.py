"""What becomes of four numbers in a month of marketing: with the gateway, and taking turns.

`python -m benchmarks.year [SEEDS] [--picture]` prints both beside each other; `--picture` draws the
first seed for the docs. A month is a hundred thousand messages: offers to everybody at ten and half
past six, and what automations send at all hours because somebody left a cart or looked at
something; and answers to those who write. How people and WhatsApp take it is the model of
`benchmarks/public.py`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from heapq import heapify, heappop, heappush
from pathlib import Path

from msgspec import Struct, to_builtins

from benchmarks import side
from benchmarks.figures import Figure, Size, at_most
from benchmarks.public import Judge, Public, is_good_time, recipients
from benchmarks.senders import AGES, Gateway, Letter, RoundRobin, Sender

START = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)  # a Monday; no clock is changed in this month
DAYS = 30
MESSAGES = 100_000
SHORT = 20_000  # the same month with a fifth of the people
A_PERSON = 12.5  # messages in the month
OFFERS = 0.4  # of all messages, at two times of the day; the others come at all hours
OFFERED_AT = (timedelta(hours=9), timedelta(hours=17, minutes=30))  # UTC
BY_HOUR = (6, 3, 1, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6, 7, 8, 9, 10, 10, 9, 8)
"""How often people shop in each hour of the day, UTC."""
WORTH = timedelta(days=5)  # after that nobody needs the message any more
ANSWERED_AFTER = timedelta(minutes=2)
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "year.svg"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
USUAL, QUICK = 1.0, 4.0  # publics: the second blocks that many times as quickly
Make = Callable[[datetime, list[str]], Sender]


class Day(Struct, frozen=True):
    """What happened until that day's end: marketing messages, the worst number's share of blocks
    in the last week, numbers of low quality and numbers that are left.
    """

    sent: int
    share: float
    red: int
    left: int


class Month(Struct):
    """What became of everything. `outside`: marketing outside the company's hours; `low`: through a
    number of low quality; `lost`: never sent, because no number was left; `red_days`: of all
    numbers together.
    """

    due: int = 0
    sent: int = 0
    answers: int = 0
    blocks: int = 0
    stops: int = 0
    outside: int = 0
    low: int = 0
    left_out: int = 0
    waiting: int = 0
    lost: int = 0
    bans: int = 0
    red_days: int = 0
    days: tuple[Day, ...] = ()


def month(make: Make, seed: int, messages: int, temper: float = USUAL) -> Month:
    """A month of one sender, with so many marketing messages to such a public."""
    return _Month(make, seed, messages, temper).play()


class _Month:
    """One month while it is played."""

    def __init__(self, make: Make, seed: int, messages: int, temper: float) -> None:
        self.public = Public(int(messages / A_PERSON), random.Random(seed), temper)
        self.sender = make(START, [one.zone for one in self.public.people])
        self.judges = [Judge() for _ in AGES]
        self.line = _plan(self.public, messages, random.Random(seed + 1))
        self.bans = random.Random(seed + 2)
        self.told = Month(due=messages)
        self.next_id = messages
        self.sent_today = 0

    def play(self) -> Month:
        """Hour by hour until the month is over."""
        for hour in range(1, DAYS * 24 + 1):
            now = START + hour * HOUR
            while self.line and self.line[0][0] < now:
                at, _, letter = heappop(self.line)
                self._send(letter, at)
            self._judge(now)
            if hour % 24 == 0:
                self._end_day(now)
        self.told.waiting = sum(not letter.live for _, _, letter in self.line)
        if all(judge.banned for judge in self.judges):
            self.told.lost += self.told.waiting
            self.told.waiting = 0
        return self.told

    def _send(self, letter: Letter, now: datetime) -> None:
        told, person = self.told, self.public.people[letter.person]
        found = self.sender.send(letter, now)
        if isinstance(found, datetime):
            heappush(self.line, (found, letter.id, letter))
        elif letter.live:
            told.answers += found is not None
            if found is not None and not person.blocked:
                self.judges[found].see(now, blocked=False, campaign=False)
        elif found is None:
            gone = all(judge.banned for judge in self.judges)
            told.lost += gone
            told.left_out += not gone
        else:
            self._market(letter, found, now)

    def _market(self, letter: Letter, number: int, now: datetime) -> None:
        told, person, judge = self.told, self.public.people[letter.person], self.judges[number]
        told.sent += 1
        self.sent_today += 1
        told.outside += not is_good_time(person.local(now))
        told.low += judge.quality == "RED"
        if person.blocked:  # it goes out, but nobody sees it
            return
        reaction = self.public.take(person, now)
        judge.see(now, blocked=reaction.blocks, campaign=True)
        told.blocks += reaction.blocks
        told.stops += reaction.stops
        if reaction.stops:
            self.sender.stopped(letter.person)
        if reaction.replies:
            self.sender.wrote(letter.person, number, now)
            self.next_id += 1
            answer = Letter(self.next_id, letter.person, live=True)
            heappush(self.line, (now + ANSWERED_AFTER, answer.id, answer))

    def _judge(self, now: datetime) -> None:
        for number, judge in enumerate(self.judges):
            judge.tick(now)
            if not judge.banned:
                self.sender.told(number, judge.quality, now)

    def _end_day(self, now: datetime) -> None:
        told = self.told
        for number, judge in enumerate(self.judges):
            told.red_days += judge.quality == "RED" and not judge.banned
            if judge.bans(now, self.bans.random()):
                told.bans += 1
                self.sender.gone(number)
        left = [judge for judge in self.judges if not judge.banned]
        worst = max((judge.share for judge in left), default=0.0)
        red = sum(judge.quality == "RED" for judge in left)
        told.days = (*told.days, Day(self.sent_today, worst, red, len(left)))
        self.sent_today = 0


def _plan(
    public: Public, messages: int, chance: random.Random
) -> list[tuple[datetime, int, Letter]]:
    """What is due when, as a heap."""
    line = []
    for number, person in enumerate(recipients(public, messages)):
        at = START + chance.randrange(DAYS) * DAY
        if chance.random() < OFFERS:
            at += chance.choice(OFFERED_AT)
        else:
            hour = chance.choices(range(24), BY_HOUR)[0]
            at += timedelta(hours=hour, seconds=chance.randrange(3600))
        line.append((at, number, Letter(number, person, expires_at=at + WORTH)))
    heapify(line)
    return line


@cache
def both(seeds: int, messages: int, temper: float = USUAL) -> tuple[list[Month], list[Month]]:
    """The same months with the gateway and with turns."""
    ours = [month(Gateway, seed, messages, temper) for seed in range(seeds)]
    return ours, [month(RoundRobin, seed, messages, temper) for seed in range(seeds)]


def _of(size: Size, temper: float = USUAL) -> tuple[list[Month], list[Month]]:
    return both(size.seeds, MESSAGES if size.full else SHORT, temper)


def _ours(size: Size) -> list[Month]:
    """The gateway's months with both publics."""
    return [*_of(size)[0], *_of(size, QUICK)[0]]


def _banned(months: list[Month]) -> float:
    return sum(one.bans for one in months) / (len(AGES) * len(months))


def table(ours: list[Month], turns: list[Month]) -> str:
    """Both beside each other, for a month."""
    rows: dict[str, Callable[[Month], int]] = {
        "marketing messages due": lambda one: one.due,
        "… sent": lambda one: one.sent,
        "… outside the allowed hours": lambda one: one.outside,
        "… through numbers of low quality": lambda one: one.low,
        "… left out (STOP, too late)": lambda one: one.left_out,
        "… still waiting at the end": lambda one: one.waiting,
        "… lost with the last number": lambda one: one.lost,
        "answers to people who wrote": lambda one: one.answers,
        "people who blocked us": lambda one: one.blocks,
        "people who said STOP": lambda one: one.stops,
        f"days of low quality ({len(AGES) * DAYS} number-days)": lambda one: one.red_days,
        f"numbers banned, of {len(AGES)}": lambda one: one.bans,
    }
    lines = [f"{'a month, on average of ' + str(len(ours)):44}{'gateway':>12}{'round robin':>14}"]
    for name, value in rows.items():
        means = [sum(value(one) for one in months) / len(months) for months in (ours, turns)]
        lines.append(f"{name:44}{means[0]:>12,.1f}{means[1]:>14,.1f}")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """Print the table, and draw the picture if that is asked for."""
    seeds = next((int(word) for word in words if word.isdigit()), 20)
    ours, turns = both(seeds, MESSAGES)
    print(table(ours, turns))
    print(f"\nThe same with a public that blocks {QUICK:g} times as quickly:\n")
    print(table(*both(seeds, MESSAGES, QUICK)))
    if "--picture" in words:
        told = json.dumps({"gateway": to_builtins(ours[0]), "turns": to_builtins(turns[0])})
        side.run_module("benchmarks.year_picture", str(PICTURE), told)
        print(f"drawn to {PICTURE}")
    return 0


FIGURES = (
    Figure(
        "gateway_year_outside_windows",
        "messages",
        "marketing outside the allowed hours, of months through the gateway's core",
        lambda size: sum(one.outside for one in _ours(size)),
        at_most(0),
    ),
    Figure(
        "gateway_year_low_quality_campaigns",
        "messages",
        "marketing through numbers of low quality, of the same months",
        lambda size: sum(one.low for one in _ours(size)),
        at_most(0),
    ),
    Figure(
        "gateway_year_bans",
        "of numbers",
        "numbers banned in a month, in a model of people and WhatsApp",
        lambda size: _banned(_of(size)[0]),
    ),
    Figure(
        "gateway_year_bans_round_robin",
        "of numbers",
        "the same when the same messages are sent at once, in turn through the numbers",
        lambda size: _banned(_of(size)[1]),
    ),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
