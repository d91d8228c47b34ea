"""The core alone: no database, one thread of one processor."""

from __future__ import annotations

from benchmarks.core_journey import ADA, CART, FLOW, HAPPENINGS, NOW, VISITS, per_second
from benchmarks.figures import Figure, at_least
from engine.advance import advance
from engine.person import Person
from engine.scene import Live, Words
from flows.events import ApiCalled, Replied
from flows.run import Run

ROUTE = (
    ("regular", "no"), ("mark", "done"), ("remember", "done"), ("greet", "waits"),
    ("greet", "sent"), ("pause", "waits"), ("pause", "after"), ("ask", "waits"), ("ask", "sent"),
    ("reply", "waits"), ("reply", "yes"), ("keep", "done"), ("end", ""),
)  # fmt: skip


def advanced_journey() -> Run:
    """One contact from the first step to the last, by `advance` alone."""
    run, contact = Run(1), ADA
    visits = 0
    for now, event in HAPPENINGS:
        moved = advance(FLOW, run, event, contact=contact, now=now, seed=1)
        run, contact = moved.run, moved.contact
        visits += len(moved.trace)
    assert (run.status, visits) == ("done", VISITS), run
    return run


def routed_journey() -> Person:
    """The same with routing and bookkeeping: all that a worker does between reading and writing."""
    person = Person(ADA, [], [Live(1, 1, FLOW)], {}, Words(), lambda: 1)
    person.happen(ApiCalled(1, CART["cart"], "automation"), HAPPENINGS[0][0])
    for now, event in HAPPENINGS[1:]:
        person.happen(event, now, 0 if isinstance(event, Replied) else 1)
    assert person.moved[1].active.run.status == "done", person.said
    return person


def bare_journey() -> list[tuple[object, ...]]:
    """The same without an engine: the least that Python could do. It walks the same steps, makes
    the same texts with f-strings and keeps the same trace as tuples, with everything written into
    the loop: no settings, no validation, no stored state.
    """
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


FIGURES = (
    Figure(
        "core_visits_s",
        "visits/s",
        "step visits of a realistic journey, one core, no database",
        lambda _size: per_second(advanced_journey) * VISITS,
        at_least(100_000),
    ),
    Figure(
        "core_journeys_s",
        "journeys/s",
        "journeys with routing and bookkeeping, one core, no database",
        lambda _size: per_second(routed_journey),
    ),
    Figure(
        "core_vs_bare_loop",
        "times",
        "time of the core ÷ time of a hand-written loop for the same journey",
        lambda _size: per_second(bare_journey) / per_second(advanced_journey),
    ),
)
