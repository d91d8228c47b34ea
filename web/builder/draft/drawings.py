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

KEPT = 50  # drawings of all automations; a large one is a few megabytes
_NAME = "drawings"


class Drawings:
    """Drawings of drafts, the least used forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], Drawing] = OrderedDict()

    def find(self, automation_id: int, version: int) -> Drawing | None:
        """The draft of that version as it was last drawn."""
        found = self._kept.get((automation_id, version))
        if found is not None:
            self._kept.move_to_end((automation_id, version))
        return found

    def keep(self, automation_id: int, version: int, drawing: Drawing) -> None:
        """Remember how a version looks."""
        self._kept[automation_id, version] = drawing
        self._kept.move_to_end((automation_id, version))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


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
