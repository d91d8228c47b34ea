"""Whose turn it is: lines of messages by priority and company, and the automations that share one.

Rule: urgent lines first; companies of one priority get the same, and so do the automations of one
company, however much each of them has to send.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.channel import Channel
from gateway.pacing import LIVE_PRIORITY
from gateway.turns import by_rank
from store import held, leases, queue
from store.queue import Queued

SHARING_AT_ONCE = 8  # automations served in one claim

T = TypeVar("T")
Line = tuple[int, int]
"""A priority and a company's id."""


async def open_lines(
    tx: AsyncConnection,
    channels: Mapping[str, Channel],
    worker: str,
    shut: Collection[Line],
    now: datetime,
) -> list[Line]:
    """Lines with somebody due that this worker serves, most urgent first; not the `shut` ones.

    Companies of one priority begin in turn: a claim may have no room for all of them.
    """
    elsewhere = await _served_elsewhere(tx, channels, worker)
    due = [
        line
        for line in await queue.due_lines(tx, now)
        if line not in shut and line[1] not in elsewhere
    ]
    return [
        line for _, equals in groupby(due, key=itemgetter(0)) for line in _in_turn([*equals], now)
    ]


async def first_of(
    tx: AsyncConnection, lines: Sequence[Line], now: datetime, room: int
) -> tuple[list[Queued], int]:
    """Due messages, most urgent lines first, companies of one priority sharing the room, and the
    automations of a company its share; and how many of paused automations left the lines.
    """
    paused = await held.paused(tx, {company_id for _, company_id in lines})
    found: list[Queued] = []
    out_of_line = 0
    for place, (priority, company_id) in enumerate(lines):
        left = room - len(found)
        if left <= 0:
            break
        sharing = sum(1 for other, _ in lines[place:] if other == priority)
        resting = paused.get(company_id, ())
        if resting:
            out_of_line += await held.hold(tx, company_id, priority, resting, now)
        share = ceil(left / sharing)
        found += await _of_line(tx, company_id, priority, resting, now, share)
    contact_ids = {one.contact_id for one in found}
    busy = await queue.busy_contacts(tx, contact_ids)
    news = await queue.contacts_with_news(tx, contact_ids)
    free = [
        one
        for one in found
        if one.contact_id not in busy and not (one.heeds_news and one.contact_id in news)
    ]
    return await by_rank(tx, free, now), out_of_line


async def _of_line(
    tx: AsyncConnection,
    company_id: int,
    priority: int,
    resting: Collection[int],
    now: datetime,
    room: int,
) -> list[Queued]:
    """Up to `room` due messages of one line, in equal parts from each automation in it: a campaign
    of a hundred thousand must not keep a small one waiting. Answers go by their age alone.
    """
    if priority == LIVE_PRIORITY:
        sharing: list[queue.Share] = [queue.EVERYBODY]
    else:
        sharing = [*await queue.shares(tx, company_id, priority, now)]
        if len(sharing) > SHARING_AT_ONCE:
            sharing = _in_turn(sharing, now)[:SHARING_AT_ONCE]
        elif len(sharing) == 1:
            sharing = [queue.EVERYBODY]  # by the line's own index, which is in order of time
    found: list[Queued] = []
    for place, of in enumerate(sharing):
        share = ceil((room - len(found)) / (len(sharing) - place))
        if share:
            found += await queue.claim_due(
                tx, company_id, priority, now, share, except_automations=resting, of=of
            )
    return found


def _in_turn(all_of_them: Sequence[T], now: datetime) -> list[T]:
    """The same from another one on each time; which ones begin is as good as chance."""
    first = int(now.timestamp() * 1000) % len(all_of_them)
    return [*all_of_them[first:], *all_of_them[:first]]


async def _served_elsewhere(
    tx: AsyncConnection, channels: Mapping[str, Channel], worker: str
) -> set[int]:
    """Companies with a paired phone that another worker owns: only that one can choose among all
    of their phones. Leases live in real time.
    """
    leased = [kind for kind, channel in channels.items() if channel.leased]
    return await leases.companies_of_others(tx, leased, worker, datetime.now(UTC))
