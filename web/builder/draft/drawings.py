"""The last drawings, by automation and version: what a page that asks still shows.

Rule: a memory, not a truth. What is not kept any more is drawn again, or sent whole.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from litestar import Request

from flows.issues import Known
from web.automations import reads
from web.builder.cards import Counters
from web.builder.drawing import Drawing, draw

KEPT = 200  # drawings of all automations
_NAME = "drawings"


class Drawings:
    """How drafts looked, the least used forgotten first. Only the cards are kept, and a card that
    looks as it did the version before is the same object: a version costs what it changed.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], Drawing] = OrderedDict()

    def find(self, automation_id: int, version: int) -> Drawing | None:
        """The cards of that version as they were last drawn."""
        found = self._kept.get((automation_id, version))
        if found is not None:
            self._kept.move_to_end((automation_id, version))
        return found

    def keep(self, automation_id: int, version: int, drawing: Drawing) -> None:
        """Remember how a version looks."""
        near = self._newest_of(automation_id)
        known = {one.step: one for one in near.cards} if near else {}
        cards = [old if (old := known.get(one.step)) == one else one for one in drawing.cards]
        self._kept[automation_id, version] = Drawing({}, None, {}, [], cards)
        self._kept.move_to_end((automation_id, version))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _newest_of(self, automation_id: int) -> Drawing | None:
        return next(
            (one for key, one in reversed(self._kept.items()) if key[0] == automation_id), None
        )


def drawings_of(request: Request[Any, Any, Any]) -> Drawings:
    """Those of the application that answers."""
    state = request.app.state
    if _NAME not in state:
        state[_NAME] = Drawings()
    found: Drawings = state[_NAME]
    return found


def draw_draft(
    request: Request[Any, Any, Any],
    found: reads.Automation,
    known: Known,
    counters: Counters | None,
) -> Drawing:
    """The draft as it is now, remembered for the changes to come."""
    drawing = draw(found.draft, known, counters=counters)
    drawings_of(request).keep(found.id, found.draft_version, drawing)
    return drawing
