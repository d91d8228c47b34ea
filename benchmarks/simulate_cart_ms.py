"""The builder's preview: three reminders over days, nobody answers."""

import json
from datetime import timedelta
from pathlib import Path

from benchmarks._journeys import ADA, CART, NOW, per_second
from engine.kinds import catalog
from engine.simulator import Pretend, simulate
from flows.events import ShopHappened

WHAT = "simulate the abandoned-cart flow of the library to its end"
UNIT = "ms"
WANTED = None
FLOW = Path(__file__).resolve().parent.parent / "flows" / "library" / "abandoned_cart.json"


def measure() -> float:
    """Milliseconds for one simulation."""
    flow = catalog().read(json.loads(FLOW.read_text()))
    world = Pretend(contact=ADA, start=NOW, lasts=timedelta(days=10))
    first = ShopHappened("cart.abandoned", CART)
    played = simulate(flow, first, [], world)
    assert (played.status, len(played.messages)) == ("done", 3), played.status
    return 1_000 / per_second(lambda: simulate(flow, first, [], world))
