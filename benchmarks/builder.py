"""What the builder asks of the core while somebody draws."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.core_journey import ADA, CART, DOCUMENT, NOW, per_second
from benchmarks.figures import Figure, Size
from engine.kinds import catalog
from engine.simulator import Pretend, simulate
from flows.events import ShopHappened

STEPS = 1_000
ABANDONED_CART = (
    Path(__file__).resolve().parent.parent / "flows" / "library" / "abandoned_cart.json"
)


def long_document() -> dict[str, Any]:
    """The longest document allowed: the journey over and over, each copy leading to the next."""
    pattern: dict[str, dict[str, Any]] = DOCUMENT["steps"]
    copies = STEPS // len(pattern)
    steps: dict[str, Any] = {}
    for copy in range(copies):
        for name, step in pattern.items():
            leads = {way: f"{target}_{copy}" for way, target in step.get("next", {}).items()}
            steps[f"{name}_{copy}"] = step | {"next": leads}
        last = {"type": "tag", "add": ["passed"], "next": {"done": f"regular_{copy + 1}"}}
        if copy + 1 < copies:
            steps[f"end_{copy}"] = last
    steps |= {f"spare_{number}": {"type": "end"} for number in range(STEPS - len(steps))}
    return DOCUMENT | {"start": "regular_0", "steps": steps}


def _check_ms(_size: Size) -> float:
    document = json.loads(json.dumps(long_document()))
    _, problems = catalog().check(document)
    assert [one for one in problems if one.severity == "error"] == []
    return 1_000 / per_second(lambda: catalog().check(document))


def _simulate_ms(_size: Size) -> float:
    """Three reminders over days, nobody answers."""
    flow = catalog().read(json.loads(ABANDONED_CART.read_text()))
    world = Pretend(contact=ADA, start=NOW, lasts=timedelta(days=10))
    first = ShopHappened("cart.abandoned", CART)
    played = simulate(flow, first, [], world)
    assert (played.status, len(played.messages)) == ("done", 3), played.status
    return 1_000 / per_second(lambda: simulate(flow, first, [], world))


FIGURES = (
    Figure("check_1000_steps_ms", "ms", "decode and check a document of 1,000 steps", _check_ms),
    Figure(
        "simulate_cart_ms", "ms", "simulate the library's abandoned cart to its end", _simulate_ms
    ),
)
