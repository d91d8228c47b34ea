"""Flows compiled once per revision and kept: a revision never changes once published."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.kinds import catalog
from engine.route import Live
from flows.document import AnyFlow
from store import automations

KEPT = 2_000  # revisions; a flow of 30 steps takes about 50 kB


class FlowCache:
    """The least recently used revisions are dropped first."""

    def __init__(self) -> None:
        self._flows: OrderedDict[int, AnyFlow] = OrderedDict()

    async def live(
        self, tx: AsyncConnection, company_ids: Collection[int]
    ) -> dict[int, list[Live]]:
        """`{company id: what may start there now}`, older automations first."""
        rows = await automations.live(tx, company_ids, known=list(self._flows))
        for row in rows:
            if row.flow is not None:
                self._flows[row.revision_id] = catalog().decode(row.flow)
        flows = await self.of_revisions(tx, {row.revision_id for row in rows})
        found: dict[int, list[Live]] = {}
        for row in rows:
            found.setdefault(row.company_id, []).append(
                Live(row.automation_id, row.revision_id, flows[row.revision_id], row.priority)
            )
        return found

    async def of_revisions(
        self, tx: AsyncConnection, revision_ids: Collection[int]
    ) -> Mapping[int, AnyFlow]:
        """`{revision id: flow}` for all of `revision_ids`, loading in one query what is new."""
        missing = [one for one in revision_ids if one not in self._flows]
        if missing:
            for revision_id, document in (await automations.documents(tx, missing)).items():
                self._flows[revision_id] = catalog().decode(document)
        found = {}
        for revision_id in revision_ids:
            self._flows.move_to_end(revision_id)
            found[revision_id] = self._flows[revision_id]
        while len(self._flows) > KEPT:
            self._flows.popitem(last=False)
        return found
