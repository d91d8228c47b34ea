"""The list of automations as people see it: a line each, and what can be asked of the list.

Rule: a page costs the same few statements however many automations and runs there are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from flows.issues import Known
from store import folders
from web.automations import reads
from web.automations.check import check, errors_in, known_of
from web.automations.view import starts_by
from web.paging import cut
from web.security.who import Who

STATUSES = ("draft", "live", "paused", "archived")


class Row(Struct, frozen=True):
    """One line of the list."""

    id: int
    name: str
    status: str
    changed: bool
    folder: str
    starts_by: str
    counts: reads.Counts
    errors: int
    warnings: int
    updated_at: datetime


class Asked(Struct, frozen=True):
    """What somebody wants to see of the list; "" is everything."""

    status: str = ""
    trigger: str = ""
    folder: str = ""
    search: str = ""

    @property
    def anything(self) -> bool:
        """Whether it leaves out some."""
        return any(structs.astuple(self))

    def address(self, **other: str) -> str:
        """The list with these filters, some of them changed."""
        wanted = {
            "q" if name == "search" else name: value
            for name, value in (structs.asdict(self) | other).items()
            if value
        }
        return "/automations" + (f"?{urlencode(wanted)}" if wanted else "")


def asked_of(request: Request[Any, Any, Any]) -> Asked:
    """The filters in the address; what nobody can filter by is as if it were not there."""
    given = request.query_params
    status, trigger = given.get("status", ""), given.get("trigger", "")
    return Asked(
        status=status if status in STATUSES else "",
        trigger=trigger if trigger in catalog().triggers else "",
        folder=given.get("folder", "")[: folders.LONGEST],
        search=given.get("q", "").strip()[:120],
    )


def trigger_kinds() -> list[tuple[str, str]]:
    """`(kind, what people call it)` of all that can start an automation."""
    found = [(kind, trigger.label) for kind, trigger in catalog().triggers.items()]
    return sorted(found, key=lambda one: one[1])


async def rows_of(
    tx: AsyncConnection, who: Who, asked: Asked, before: int | None, now: datetime
) -> tuple[list[Row], str]:
    """A page of the list, and the cursor for the next one."""
    found = await reads.find_page(
        *(tx, who.company_id),
        status=asked.status,
        trigger=asked.trigger,
        folder=asked.folder,
        search=asked.search,
        before=before,
    )
    shown, following = cut(found, reads.LISTED)
    counts = await reads.counts_of(tx, who.company_id, [one.id for one in shown], now)
    known = await known_of(tx, who.company_id)
    return [_row(one, counts[one.id], known) for one in shown], following


async def row_of(tx: AsyncConnection, who: Who, automation_id: int, now: datetime) -> Row:
    """The line of one automation. Raises NotFoundError."""
    found = await reads.get_automation(tx, who.company_id, automation_id)
    counts = await reads.counts_of(tx, who.company_id, [automation_id], now)
    return _row(found, counts[automation_id], await known_of(tx, who.company_id))


def _row(one: reads.Automation, counts: reads.Counts, known: Known) -> Row:
    flow, problems = check(one.draft, known)
    return Row(
        id=one.id,
        name=one.name or "Without a name",
        status=one.status,
        changed=one.changed,
        folder=one.folder,
        starts_by=starts_by(flow),
        counts=counts,
        errors=len(errors_in(problems)),
        warnings=sum(problem.severity == "warning" for problem in problems),
        updated_at=one.updated_at,
    )
