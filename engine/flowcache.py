"""Flows compiled once per revision and kept: a revision never changes once published.

Rule: a revision that this version cannot read starts nobody and holds up nobody else; whoever is
inside fails there with that reason as soon as something happens to them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from engine.scene import Lineup, Live
from flows.document import AnyFlow, ExitRule
from flows.events import Event
from flows.step import Context, Outcome, Step
from flows.trouble import FlowError
from store import automations

KEPT = 2_000  # revisions; a flow of 30 steps takes about 50 kB
log = structlog.get_logger(__name__)


class Unreadable(Step, frozen=True, kw_only=True, tag="unreadable"):
    """Stands for every step of a revision that cannot be read."""

    why: str

    def enter(self, ctx: Context) -> Outcome:  # noqa: ARG002  it can do nothing
        raise FlowError(self.why)

    def resume(self, ctx: Context, event: Event) -> Outcome:  # noqa: ARG002
        raise FlowError(self.why)


class FlowCache:
    """The least recently used revisions are dropped first."""

    def __init__(self) -> None:
        self._flows: OrderedDict[int, AnyFlow] = OrderedDict()
        self._unreadable: set[int] = set()
        self._lineups: OrderedDict[int, tuple[list[automations.Live], Lineup]] = OrderedDict()

    async def live(self, tx: AsyncConnection, company_ids: Collection[int]) -> dict[int, Lineup]:
        """`{company id: what may start there now}`, older automations first."""
        rows = await automations.live(tx, company_ids)
        flows = await self.of_revisions(tx, {row.revision_id for row in rows})
        of_company: dict[int, list[automations.Live]] = {}
        for row in rows:
            of_company.setdefault(row.company_id, []).append(row)
        return {one: self._lineup(one, mine, flows) for one, mine in of_company.items()}

    def _lineup(
        self, company_id: int, rows: list[automations.Live], flows: Mapping[int, AnyFlow]
    ) -> Lineup:
        """The one made before, as long as nothing about it is different."""
        known = self._lineups.get(company_id)
        if known is not None and known[0] == rows:
            return known[1]
        lineup = Lineup(
            Live(
                row.automation_id,
                row.revision_id,
                flows[row.revision_id],
                row.priority,
                None if row.test_contacts is None else frozenset(row.test_contacts),
                row.origin,
            )
            for row in rows
            if row.revision_id not in self._unreadable
        )
        self._lineups[company_id] = (rows, lineup)
        if len(self._lineups) > KEPT:
            self._lineups.popitem(last=False)
        return lineup

    async def of_revisions(
        self, tx: AsyncConnection, revision_ids: Collection[int]
    ) -> Mapping[int, AnyFlow]:
        """`{revision id: flow}` for all of `revision_ids`, loading in one query what is new."""
        missing = [one for one in revision_ids if one not in self._flows]
        if missing:
            documents = await automations.documents(tx, missing)
            for revision_id in missing:
                self._keep(revision_id, documents.get(revision_id))
        found = {}
        for revision_id in revision_ids:
            self._flows.move_to_end(revision_id)
            found[revision_id] = self._flows[revision_id]
        while len(self._flows) > KEPT:
            self._unreadable.discard(self._flows.popitem(last=False)[0])
        return found

    def _keep(self, revision_id: int, document: Any) -> None:
        try:
            self._flows[revision_id] = catalog().decode(document)
            self._unreadable.discard(revision_id)
        except Exception as error:
            log.exception("revision cannot be read", revision=revision_id)
            why = f"its revision cannot be read: {error}"
            self._flows[revision_id] = _stand_in(document, why)
            self._unreadable.add(revision_id)


def _stand_in(document: Any, why: str) -> AnyFlow:
    """What is left of a flow that cannot be read: what ends it, and steps that say why."""
    found = document if isinstance(document, dict) else {}
    try:
        rules = msgspec.convert(found.get("exit_rules", []), list[ExitRule])
    except msgspec.ValidationError:
        rules = []
    steps = found.get("steps")
    names = steps if isinstance(steps, dict) else {}
    return AnyFlow(
        name=str(found.get("name") or "?"),
        exit_rules=rules,
        steps={str(name): Unreadable(why=why) for name in names},
    )
