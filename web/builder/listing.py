"""A drawing as a nested list: the small-screen, print and screen-reader view of the canvas.

Rule: pure; says of each step what its card says, and where every exit leads in words.
"""

from __future__ import annotations

from typing import Any

from flows.document import AnyFlow, Flow
from web.automations.outline import outline
from web.builder.cards import Counters
from web.builder.drawing import Drawing


def listed(drawing: Drawing, counters: Counters | None) -> dict[str, Any]:
    """What the template of the outline needs; steps that cannot be read stand by themselves."""
    start = drawing.document.get("start")
    flow: AnyFlow = drawing.flow or Flow(
        name="?", start=start if isinstance(start, str) else None, steps=drawing.steps
    )
    taken = {
        (step, name): n
        for step, numbers in (counters or {}).items()
        for name, n in numbers.get("exits", {}).items()
    }
    first = drawing.cards[0]
    return {
        "items": outline(flow, drawing.problems, taken, {}),
        "unread": [one for one in drawing.cards if one.unread],
        "start_problems": [one for one in drawing.problems if drawing.card_of(one) is first],
    }
