"""People who get marketing, and WhatsApp, which watches how they take it. A model, decided by a
seed.

Nobody outside knows WhatsApp's rules, and no two publics are alike: the numbers on top of this file
are what practitioners tell, made round. What is compared with them is two ways of sending to the
same public, not the public itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONES = {"Europe/Rome": 80, "America/New_York": 8, "Asia/Kolkata": 6, "Australia/Sydney": 6}
"""Where a hundred people live."""
PATIENCE = (3.0, 0.6)  # marketing messages a week that people bear: median, spread (lognormal)
BLOCKS = 0.002  # of a message at a good time, within their patience, from somebody they know
STRANGERS = 2.0  # times as often, if they never wrote to us
OVER_PATIENCE = 1.5  # times more for each message above their patience
AT_NIGHT, LATE, ON_SUNDAY = 8.0, 2.5, 2.5  # times as often: from 22 to 8, from 20 to 22, all day
STOPS_PER_BLOCK = 1.5  # who can say STOP does so more often
REPLIES = 0.04
BEST_KEPT = 4  # people of the first tenth get so many times the messages of the others
WEEK = timedelta(days=7)
JUDGED_HOURS = 7 * 24
FEW = 100  # messages in a week that say nothing about a number
YELLOW, RED = 0.01, 0.03  # shares of a week's messages that were blocked or reported
BAN_AFTER = timedelta(days=3)  # of low quality and campaigns all the same …
BANS_A_DAY = 0.12  # … this share of the numbers is banned each day
SUNDAY, MORNING, EVENING, NIGHT = 6, 8, 20, 22


class Reaction(NamedTuple):
    """What one person does about one message."""

    blocks: bool = False
    stops: bool = False
    replies: bool = False


class Person:
    """Somebody who gets messages. `marketing`: when, in the last 7 days."""

    def __init__(self, clock: str, patience: float) -> None:
        self.zone = clock
        self.clock = ZoneInfo(clock)
        self.patience = patience
        self.knows_us = False
        self.blocked = False
        self.stopped = False
        self.marketing: list[datetime] = []

    def local(self, now: datetime) -> datetime:
        """What their clock says."""
        return now.astimezone(self.clock)


class Public:
    """All people of one seed. `temper`: how many times as quickly they block as is usual."""

    def __init__(self, count: int, chance: random.Random, temper: float = 1.0) -> None:
        self.chance = chance
        self.temper = temper
        zones, often = list(ZONES), list(ZONES.values())
        self.people = [
            Person(
                chance.choices(zones, often)[0],
                PATIENCE[0] * chance.lognormvariate(0, PATIENCE[1]),
            )
            for _ in range(count)
        ]

    def take(self, person: Person, now: datetime) -> Reaction:
        """A marketing message reaches a person."""
        lately = person.marketing = [at for at in person.marketing if at > now - WEEK]
        lately.append(now)
        odds = BLOCKS if person.knows_us else BLOCKS * STRANGERS
        odds *= 1 + OVER_PATIENCE * max(0.0, len(lately) - person.patience)
        odds *= self.temper * annoyance(person.local(now))
        luck = self.chance.random()
        if luck < odds:
            person.blocked = True
            return Reaction(blocks=True)
        if luck < odds * (1 + STOPS_PER_BLOCK):
            person.stopped = True
            return Reaction(stops=True)
        if self.chance.random() < REPLIES:
            person.knows_us = True
            return Reaction(replies=True)
        return Reaction()


def annoyance(local: datetime) -> float:
    """How many times as often people block a message at this time of theirs."""
    times = ON_SUNDAY if local.weekday() == SUNDAY else 1.0
    if local.hour >= NIGHT or local.hour < MORNING:
        return times * AT_NIGHT
    return times * LATE if local.hour >= EVENING else times


def is_good_time(local: datetime) -> bool:
    """The hours in which this company wants to send: Monday to Saturday, 9 to 20. Told apart from
    the gateway's own reading of them, on purpose.
    """
    return local.weekday() != SUNDAY and 9 <= local.hour < EVENING


class Judge:
    """WhatsApp, about one number. `hour` counts from the beginning; each is closed by `tick`."""

    def __init__(self) -> None:
        self.quality = "GREEN"
        self.banned = False
        self.red_since: datetime | None = None
        self.sent: list[int] = [0]
        self.blocked: list[int] = [0]
        self.campaign_at: datetime | None = None

    def see(self, now: datetime, *, blocked: bool, campaign: bool) -> None:
        """A message went out, and was blocked or reported, or not."""
        self.sent[-1] += 1
        self.blocked[-1] += blocked
        if campaign:
            self.campaign_at = now

    @property
    def share(self) -> float:
        """The part of the last week's messages that was blocked or reported."""
        sent = sum(self.sent[-JUDGED_HOURS:])
        return sum(self.blocked[-JUDGED_HOURS:]) / sent if sent >= FEW else 0.0

    def tick(self, now: datetime) -> None:
        """An hour is over: judge by the last week, and begin another one."""
        share = self.share
        self.quality = "RED" if share >= RED else "YELLOW" if share >= YELLOW else "GREEN"
        if self.quality != "RED":
            self.red_since = None
        elif self.red_since is None:
            self.red_since = now
        self.sent.append(0)
        self.blocked.append(0)

    def bans(self, now: datetime, luck: float) -> bool:
        """Once a day: whether this number goes, because it sends campaigns with a low quality."""
        red, last = self.red_since, self.campaign_at
        if self.banned or red is None or last is None:
            return False
        self.banned = (
            now - red >= BAN_AFTER and now - last < timedelta(days=1) and luck < BANS_A_DAY
        )
        return self.banned


def recipients(public: Public, count: int) -> list[int]:
    """Whom so many messages go to: good customers get more of them."""
    people = len(public.people)
    weights: Mapping[int, int] = {n: BEST_KEPT if n < people // 10 else 1 for n in range(people)}
    return public.chance.choices(list(weights), list(weights.values()), k=count)
