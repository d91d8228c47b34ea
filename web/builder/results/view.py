"""Which results somebody looks at: a period and a revision, as the address says.

Rule: whatever an address says there is an answer; what makes no sense is the usual view.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from store import revisions
from store.passages import Asked, Of
from store.results import Span
from store.step_days import FIRST_DAY, day_number
from web.automations.reads import Automation
from web.paging import parse_id
from web.security.who import Who

USUAL = "30"
PERIODS = {
    "today": "Today",
    "7": "The last 7 days",
    "30": "The last 30 days",
    "published": "Since it was published",
    "all": "From the beginning",
    "custom": "Between two days",
}


class View(Struct, frozen=True):
    """`first` and `last` are days of the company's calendar, None without a limit. `revision` is
    the number of the chosen one, None for all; `of_revision` the id that limits what is counted,
    with `newer` from it on.
    """

    period: str
    revision: int | None
    first: date | None
    last: date | None
    of_revision: int | None
    newer: bool
    zone: ZoneInfo

    @property
    def span(self) -> Span:
        """What the counters are asked for."""
        return Span(
            None if self.first is None else day_number(self.first),
            None if self.last is None else day_number(self.last),
            self.of_revision,
            self.newer,
        )

    @property
    def query(self) -> str:
        """The same as the end of an address; the usual view is told too, so that links stay."""
        return urlencode(self.parts)

    @property
    def parts(self) -> dict[str, str]:
        """What an address has to say."""
        said = {"period": self.period}
        if self.revision is not None:
            said["revision"] = str(self.revision)
        if self.period == "custom":
            said |= {"from": _iso(self.first), "to": _iso(self.last)}
        return said

    def asked(
        self, automation_id: int, step: str, of: Of, exit_name: str = "", search: str = ""
    ) -> Asked:
        """The contacts behind one number."""
        after = None if self.last is None else self.last + timedelta(days=1)
        return Asked(
            automation_id,
            step,
            of,
            exit_name,
            _midnight(self.first, self.zone),
            _midnight(after, self.zone),
            self.of_revision,
            self.newer,
            search,
        )


async def view_of(
    tx: AsyncConnection, who: Who, found: Automation, given: Mapping[str, Any], now: datetime
) -> View:
    """The view that an address asks for."""
    chosen = parse_id(str(given.get("revision", "")))
    one = None
    if chosen is not None:
        one = await revisions.find(tx, who.company_id, found.id, chosen)
    period = str(given.get("period", ""))
    today = now.astimezone(who.zone).date()
    first, last = _days(period, given, today)
    if period not in PERIODS or (period == "custom" and first is None and last is None):
        period = USUAL
        first, last = _days(USUAL, given, today)
    of_revision, newer = (one.id, False) if one is not None else (None, False)
    if period == "published" and one is None:
        of_revision, newer = found.live_revision_id, found.live_revision_id is not None
    return View(period, one.number if one else None, first, last, of_revision, newer, who.zone)


async def document_of(
    tx: AsyncConnection, who: Who, found: Automation, view: View
) -> dict[str, Any]:
    """What results are drawn on: the chosen revision, else what is live, else the draft."""
    if view.revision is not None:
        return (await revisions.get(tx, who.company_id, found.id, view.revision)).flow
    return found.draft if found.live_flow is None else found.live_flow


def _days(period: str, given: Mapping[str, Any], today: date) -> tuple[date | None, date | None]:
    match period:
        case "today":
            return today, None
        case "7" | "30":
            return today - timedelta(days=int(period) - 1), None
        case "custom":
            first, last = _day(given.get("from")), _day(given.get("to"))
            return (last, first) if first and last and first > last else (first, last)
        case _:
            return None, None


def _day(text: object) -> date | None:
    try:
        found = date.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return found if FIRST_DAY <= found < date.max - timedelta(days=1) else None


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()
