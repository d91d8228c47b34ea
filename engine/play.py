"""Lets happen to one contact what is waiting for them, and keeps what is broken apart.

Rule: what one event or timer breaks must not take the others along; a stop or an order behind
it still counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct

from engine.books import Books
from engine.person import Person
from flows.events import Event, TimerDue
from store.events import Waiting

TIMERS_AT_ONCE = 100  # of one contact in one batch; the rest is due in the next
FAULTS_AT_MOST = 20  # of one contact in one batch: each means to begin again from the start
_read = msgspec.json.Decoder(Event).decode
log = structlog.get_logger(__name__)


class Played(Struct, frozen=True):
    """What came of it. `faults`: what broke, by event id; `timers_fault`: timers did not ring.

    `person` is None when nothing of it can be kept; else the books hold all that is to be written.
    """

    person: Person | None
    faults: dict[int, str]
    timers_fault: str = ""


def play(
    make: Callable[[], Person],
    books: Books,
    company_id: int,
    rows: Sequence[Waiting],
    now: datetime,
    *,
    timers: bool = True,
) -> Played:
    """Let timers and events happen in the order of their times, to a `make`d person, and book it.

    A fault of ours in one of them begins all anew without it: nothing it did half stays.
    """
    faults: dict[int, str] = {}
    timers_fault = ""
    while True:
        person = make()
        current: Waiting | None = None
        try:
            for row in rows:
                if row.id in faults:
                    continue
                if timers and not timers_fault:
                    _ring_timers(person, min(row.at, now), now)
                current = row
                person.happen(_read(row.data), now, row.run_id or 0)
                current = None
            if timers and not timers_fault:
                _ring_timers(person, now, now)
            books.add(company_id, person)
        except Exception as error:
            what = "timers" if current is None else f"event {current.id}"
            log.exception("set aside", contact=person.contact.id, what=what)
            if current is not None and len(faults) < FAULTS_AT_MOST:
                faults[current.id] = said(error)
            elif not timers_fault:
                timers_fault = said(error)
            else:
                everything = {row.id: said(error) for row in rows} | faults
                return Played(None, everything, timers_fault)
        else:
            return Played(person, faults, timers_fault)


def said(error: Exception) -> str:
    """An error in one line, as it is kept with what it broke."""
    return f"{type(error).__name__}: {error}"


def _ring_timers(person: Person, upto: datetime, now: datetime) -> None:
    for _ in range(TIMERS_AT_ONCE):
        timer = person.next_timer()
        if timer is None or timer[0] > upto:
            return
        _, run_id, seq = timer
        person.happen(TimerDue(seq), now, run_id)
