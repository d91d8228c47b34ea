"""Step days: what happened at the steps of an automation, counted by day and revision.

Rule: numbers only, under the ids of steps, so that renaming a step or its template loses nothing.
Whoever counts does it last in the transaction: others count the same steps and wait from there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from store import bulk
from store.columns import BigId, Words, metadata
from store.companies import companies
from store.messages import messages
from store.query import Query, among
from store.runs import runs

FIRST_DAY = date(1970, 1, 1)

step_days = sa.Table(
    "step_days",
    metadata,
    sa.Column("automation_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),  # see `day_of`
    sa.Column("revision_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("step", Words, primary_key=True),  # empty: of the whole run
    sa.Column("what", Words, primary_key=True),
    sa.Column("name", Words, primary_key=True),
    sa.Column("n", BigId, nullable=False, default=0),
)
KEYS = ("automation_id", "day", "revision_id", "step", "what", "name")

What = Literal["run", "goal", "exit", "left", "message"]
"""`run`: started, done, failed, stopped. `goal`: reached, by name. `exit`: a run took it. `left`: a
run was over here (done, failed, stopped). `message`: sent, delivered, read, failed, not_sent,
unconfirmed, on the day it was asked for, so that those of one day are about the same messages.
"""
Key = tuple[int, int, int, str, What, str]
"""In the order of `KEYS`."""

_PLACES = Query(
    sa.select(
        messages.c.id,
        messages.c.automation_id,
        sa.func.coalesce(runs.c.revision_id, 0),
        sa.func.coalesce(messages.c.step, ""),
        messages.c.created_at,
        companies.c.zone,
    )
    .join(companies, companies.c.id == messages.c.company_id)
    .outerjoin(runs, runs.c.id == messages.c.run_id)
    .where(among(messages.c.id, "ids"), messages.c.automation_id.is_not(None))
)


def day_of(at: datetime, zone: str) -> int:
    """The local day of `at`, counted from 1970, in a company's `zone` (UTC for none we know)."""
    return (at.astimezone(_zone(zone)).date() - FIRST_DAY).days


def day_number(day: date) -> int:
    """The same for a day of the calendar."""
    return (day - FIRST_DAY).days


async def count(tx: AsyncConnection, more: Mapping[Key, int]) -> None:
    """Add to the counters; negative numbers take back."""
    rows = [(*key, n) for key, n in more.items() if n]
    await bulk.add_up(tx, step_days, KEYS, "n", rows)


async def count_messages(tx: AsyncConnection, more: Mapping[int, Mapping[str, int]]) -> None:
    """Add to what became of messages: `{message id: {word: how many more}}`. Those of no automation
    count nowhere.
    """
    if not more:
        return
    found: Counter[Key] = Counter()
    for message_id, automation_id, revision_id, step, at, zone in await _PLACES.rows(tx, ids=more):
        day = day_of(at, zone)
        for word, n in more[message_id].items():
            found[automation_id, day, revision_id, step, "message", word] += n
    await count(tx, found)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return ZoneInfo("UTC")
