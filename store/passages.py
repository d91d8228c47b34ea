"""Who is behind a number of the results: the contacts that are, went or stopped at a step.

Rule: reads only, newest first, each page through an index: of those who wait at a step, or of the
lines of traces that say who left it. Traces are kept for a time only, so the numbers may know more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store.columns import BigId, Words, clean_text
from store.contact_list import matching
from store.contacts import contacts
from store.messages import messages
from store.runs import WAITING, runs
from store.visits import GONE, visits

PAGE = 50
Of = Literal[
    "here", "passed", "left", "sent", "delivered", "read", "failed", "not_sent", "unconfirmed"
]
NUMBERS: tuple[str, ...] = get_args(Of)
NOT_SENT = ("suppressed", "expired")


class Asked(Struct, frozen=True):
    """Which number: `of` a step, for `passed` perhaps by one `exit`, for
    `left` perhaps with one end (done, failed, stopped). `since` and `until` bound when
    it happened (for messages: when they were asked for); `revision_id` and `newer` as in a Span.
    """

    automation_id: int
    step: str
    of: Of
    exit: str = ""
    since: datetime | None = None
    until: datetime | None = None
    revision_id: int | None = None
    newer: bool = False
    search: str = ""


class Passage(Struct, frozen=True):
    """One contact at a step. `id` is the page's cursor; `how` is the exit, the end of the run or
    the state of the message, `status` how the run fares now and `step` where it is.
    """

    id: int
    run_id: int
    contact_id: int
    at: datetime
    how: str
    status: str
    step: str | None


async def page(
    tx: AsyncConnection,
    company_id: int,
    asked: Asked,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Passage]:
    """Up to `limit` passages behind the one called `before`, newest first."""
    query = _rows(company_id, asked)
    if asked.of in _WAIT_HERE:
        if before is not None:
            query = query.where(runs.c.id < before)
        query = query.order_by(runs.c.id.desc())
    else:
        if before is not None:
            last = sa.select(visits.c.at).where(visits.c.id == before).scalar_subquery()
            place = sa.tuple_(visits.c.at, visits.c.id)
            query = query.where(place < sa.tuple_(last, sa.literal(before, BigId)))
        query = query.order_by(visits.c.at.desc(), visits.c.id.desc())
    return [Passage(*row) for row in await tx.execute(query.limit(limit))]


async def contact_ids(tx: AsyncConnection, company_id: int, asked: Asked, limit: int) -> list[int]:
    """Each contact of it once, up to `limit`."""
    rows = _rows(company_id, asked).subquery()
    query = sa.select(rows.c.contact_id).distinct().order_by(rows.c.contact_id).limit(limit)
    return list((await tx.execute(query)).scalars())


def run_ids(company_id: int, asked: Asked) -> sa.Select[Any]:
    """The ids of their runs, to be told something."""
    rows = _rows(company_id, asked).subquery()
    return sa.select(rows.c.run_id)


async def still_inside(tx: AsyncConnection, company_id: int, asked: Asked) -> int:
    """How many of their runs go on, wherever they are now."""
    rows = _rows(company_id, asked).subquery()
    query = sa.select(sa.func.count(sa.distinct(rows.c.run_id))).where(rows.c.status == "waiting")
    return int(await tx.scalar(query) or 0)


def _rows(company_id: int, asked: Asked) -> sa.Select[Any]:
    """Columns as the fields of a Passage."""
    query = _waiting(asked) if asked.of in _WAIT_HERE else _gone(asked)
    if asked.revision_id is not None:
        own = runs.c.revision_id
        same = own >= asked.revision_id if asked.newer else own == asked.revision_id
        query = query.where(same)
    query = query.join(contacts, contacts.c.id == runs.c.contact_id).where(
        runs.c.company_id == company_id, contacts.c.deleted_at.is_(None)
    )
    if words := clean_text(asked.search).strip():
        query = query.where(matching(company_id, words))
    return query


def _waiting(asked: Asked) -> sa.Select[Any]:
    """Those who wait at the step, or wait to hear what became of its message."""
    query = sa.select(
        *(runs.c.id, runs.c.id.label("run_id"), runs.c.contact_id, runs.c.started_at.label("at")),
        *(sa.literal_column("'waits'", Words).label("how"), runs.c.status, runs.c.step),
    ).where(runs.c.automation_id == asked.automation_id, runs.c.step == asked.step, WAITING)
    if asked.of == "here":
        return query
    return _between(
        query.join(messages, _MESSAGE_OF_WAIT).where(messages.c.state == "unconfirmed"),
        messages.c.created_at,
        asked,
    )


def _gone(asked: Asked) -> sa.Select[Any]:
    """Those who went on from the step, or whose run was over there."""
    how: sa.ColumnElement[Any] = visits.c.exit
    if asked.of == "left":
        how = runs.c.status
    elif asked.of != "passed":
        how = messages.c.state
    query = (
        sa.select(
            *(visits.c.id, visits.c.run_id, runs.c.contact_id, visits.c.at),
            *(how.label("how"), runs.c.status, runs.c.step),
        )
        .select_from(visits.join(runs, runs.c.id == visits.c.run_id))
        .where(visits.c.automation_id == asked.automation_id, visits.c.step == asked.step, GONE)
    )
    if asked.of == "passed":
        exit_ = visits.c.exit
        taken = exit_ == asked.exit if asked.exit else exit_.is_not(None)
        return _between(query.where(visits.c.did == "left", taken), visits.c.at, asked)
    if asked.of == "left":
        line = visits.alias("line")
        # Of the visit's own run: with the run's id PostgreSQL would join by it, and read them all.
        last = sa.select(sa.func.max(line.c.id)).where(line.c.run_id == visits.c.run_id)
        over = (runs.c.status != "waiting", runs.c.step == visits.c.step)
        query = query.where(*over, visits.c.id == last.scalar_subquery())
        if asked.exit:
            query = query.where(runs.c.status == asked.exit)
        return _between(query, visits.c.at, asked)
    query = query.join(messages, _MESSAGE_OF_VISIT).where(_STATES[asked.of])
    if asked.since is not None:  # nobody goes on before the message is asked for
        query = query.where(visits.c.at >= asked.since)
    return _between(query, messages.c.created_at, asked)


def _between(query: sa.Select[Any], at: sa.ColumnElement[Any], asked: Asked) -> sa.Select[Any]:
    if asked.since is not None:
        query = query.where(at >= asked.since)
    if asked.until is not None:
        query = query.where(at < asked.until)
    return query


_WAIT_HERE = ("here", "unconfirmed")
_MESSAGE_OF_WAIT = sa.and_(
    messages.c.run_id == runs.c.id, messages.c.seq == runs.c.seq, messages.c.direction == "out"
)
_MESSAGE_OF_VISIT = sa.and_(
    messages.c.run_id == visits.c.run_id,
    messages.c.step == visits.c.step,
    messages.c.seq == visits.c.seq,
    messages.c.direction == "out",
)
_STATES: dict[str, sa.ColumnElement[bool]] = {
    "sent": messages.c.sent_at.is_not(None),
    "delivered": messages.c.delivered_at.is_not(None),
    "read": messages.c.read_at.is_not(None),
    "failed": messages.c.state == "failed",
    "not_sent": messages.c.state.in_(NOT_SENT),
}
