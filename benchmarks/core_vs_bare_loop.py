"""What the core costs beside the least that Python could do for the same journey.

The bare loop walks the same steps, makes the same texts with f-strings and keeps the same trace as
tuples, with everything written into the loop: no settings, no validation, no stored state.
"""

from benchmarks._journeys import CART, NOW, VISITS, per_second
from benchmarks.core_visits_s import journey

WHAT = "time of the core ÷ time of a hand-written loop for the same journey"
UNIT = "times"
WANTED = None

ROUTE = (
    ("regular", "no"), ("mark", "done"), ("remember", "done"), ("greet", "waits"),
    ("greet", "sent"), ("pause", "waits"), ("pause", "after"), ("ask", "waits"), ("ask", "sent"),
    ("reply", "waits"), ("reply", "yes"), ("keep", "done"), ("end", ""),
)  # fmt: skip


def measure() -> float:
    """How many times slower the core is."""
    return per_second(bare_journey) / per_second(journey)


def bare_journey() -> list[tuple[object, ...]]:
    """The same journey without an engine."""
    cart = CART["cart"]
    fields: dict[str, object] = {}
    tags = {"new"}
    texts: list[str] = []
    trace: list[tuple[object, ...]] = []
    for number, (step, way) in enumerate(ROUTE):
        match step, way:
            case "regular", _:
                assert "regular" not in tags
            case "mark", _:
                tags = tags | {"asked"}
            case "remember", _:
                fields = fields | {"last_cart": f"{cart['total']} {cart['currency']}"}
            case "greet", "waits":
                texts.append(f"Hi Ada, look: {cart['url']}")
            case "ask", "waits":
                texts.append("Shall we keep it for you?")
            case "keep", _:
                tags = (tags | {"kept"}) - {"asked"}
            case _:
                pass
        trace.append((step, way, number, NOW))
    assert len(trace) == VISITS
    return trace
