"""Steps visited in a second on one core by `advance` alone."""

from benchmarks._journeys import ADA, FLOW, HAPPENINGS, VISITS, per_second
from engine.advance import advance
from flows.run import Run

WHAT = "step visits of a realistic journey, one core, no database"
UNIT = "visits/s"
WANTED = 100_000


def measure() -> float:
    """Visits in a second."""
    return per_second(journey) * VISITS


def journey() -> Run:
    """One contact from the first step to the last."""
    run, contact = Run(1), ADA
    visits = 0
    for now, event in HAPPENINGS:
        moved = advance(FLOW, run, event, contact=contact, now=now, seed=1)
        run, contact = moved.run, moved.contact
        visits += len(moved.trace)
    assert (run.status, visits) == ("done", VISITS), run
    return run
