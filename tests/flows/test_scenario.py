"""Scenarios as JSON: what is read, what is refused in words, and those the library ships."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from engine import scenarios
from engine.kinds import catalog
from flows.contact import Contact
from flows.events import ApiCalled, Started
from flows.library import document
from flows.library import scenarios as shipped_with
from flows.scenario import Answer, Expected, Scenario, Scripted, read_scenario
from tests.flows.library import FLOWS

LEAST: dict[str, Any] = {
    "name": "Test",
    "first": {"type": "started"},
    "expect": {"status": "done"},
}


@pytest.mark.parametrize("name", FLOWS)
def test_every_ready_made_flow_passes_the_tests_it_ships_with(name: str) -> None:
    flow = catalog().read(document(name))
    shipped = shipped_with(name)
    assert shipped
    for raw in shipped:
        scenario, wrong = read_scenario(raw)
        assert wrong == []
        assert scenario is not None
        assert scenarios.run(flow, scenario, catalog().decode).differences == []


def test_the_least_scenario_is_somebody_for_a_month() -> None:
    scenario, wrong = read_scenario(LEAST)
    assert wrong == []
    assert scenario is not None
    assert scenario.first == Started()
    assert (scenario.contact.first_name, scenario.lasts, scenario.seed) == ("Ada", "30d", "1")


def test_a_scenario_is_the_same_after_being_stored() -> None:
    scenario = Scenario(
        name="All of it",
        first=ApiCalled(7, {"x": [1, {"y": None}]}),
        contact=Contact(id=3, tags=frozenset({"a", "b"}), fields={"size": 4}),
        script=[
            Scripted(on_message=1, after="1m", verdict="failed", reason="no WhatsApp"),
            Scripted(after="1d", contact={"tags": ["c"]}),
            Scripted(on_message=2, tap="ask.yes"),
        ],
        answers=[Answer(step="hook", call=2, status=0, reason="timed out")],
        expect=Expected(exits=["ask.yes"], exactly=True, fields={"size": None}),
        seed="9223372036854775807",
    )
    stored = msgspec.json.decode(msgspec.json.encode(scenario))
    again, wrong = read_scenario(stored)
    assert (again, wrong) == (scenario, [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name"),
        ({"expect": {"exactly": True}}, "expect: say at least one thing"),
        ({"first": {"type": "verdict", "seq": 1, "state": "sent"}}, "aimed at a run"),
        ({"script": [{"say": "x", "tap": "y"}]}, "script, entry 1: give one of say and tap"),
        ({"script": [{"verdict": "sent"}]}, "say with on_message which message"),
        ({"script": [{"on_message": 0, "say": "x"}]}, "counted from 1"),
        ({"script": [{"event": {"type": "started"}}]}, "the simulator makes this event itself"),
        ({"answers": [{"status": 99999}]}, "answers"),
        ({"others": [{"automation": "x", "flow": {}}]}, "others"),
        ({"seed": "-1"}, "seed"),
        ({"first": {"type": "started"}, "nam": "x"}, "“nam” is not known here."),
        ({"first": {"type": "nope"}}, "first.type: “nope” is not possible here."),
        ({"first": {"type": "replied", "text": "x"}}, "first: “content” is missing."),
        ({"expect": {"tags": "vip"}}, "expect.tags: this must be a list, not text."),
    ],
)
def test_what_is_wrong_is_said_in_words(change: dict[str, Any], words: str) -> None:
    scenario, wrong = read_scenario(LEAST | change)
    assert scenario is None
    assert words in " ".join(wrong)


def test_all_mistakes_of_a_script_are_told_at_once() -> None:
    script = [{"after": "soon", "say": "x"}, {"after": "1m"}]
    _, wrong = read_scenario(LEAST | {"script": script, "expect": {}})
    assert len(wrong) == 3
