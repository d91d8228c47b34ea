"""Whole journeys in a second: each event of a contact is routed and carried out, start to goal.

This is what a worker does for each contact between reading the database and writing it.
"""

from benchmarks._journeys import ADA, CART, FLOW, HAPPENINGS, per_second
from engine.person import Person
from engine.route import Live, Words
from flows.events import ApiCalled

WHAT = "journeys with routing and bookkeeping, one core, no database"
UNIT = "journeys/s"
WANTED = None


def measure() -> float:
    """Journeys in a second."""
    return per_second(journey)


def journey() -> Person:
    """One contact, from being asked to start to the goal."""
    person = Person(ADA, [], [Live(1, 1, FLOW)], {}, Words(), lambda: 1)
    person.happen(ApiCalled(1, CART["cart"], "automation"), HAPPENINGS[0][0])
    for now, event in HAPPENINGS[1:]:
        person.happen(event, now, 1)
    assert person.moved[1].active.run.status == "done", person.said
    return person
