"""The benchmarks: each says what it measures, and the journeys they measure are right."""

import importlib
from typing import Any

import pytest

from benchmarks import check_1000_steps_ms, core_journeys_s, core_visits_s, core_vs_bare_loop
from benchmarks.__main__ import benchmark_names, main
from engine.kinds import catalog


@pytest.mark.parametrize("name", benchmark_names())
def test_a_benchmark_says_what_it_measures(name: str) -> None:
    module: Any = importlib.import_module(f"benchmarks.{name}")
    assert module.WHAT
    assert module.UNIT
    assert module.WANTED is None or module.WANTED > 0
    assert callable(module.measure)
    assert (module.__doc__ or "").strip()


def test_the_journeys_reach_their_goal() -> None:
    assert core_visits_s.journey().goal == "Kept"
    assert core_journeys_s.journey().contact.tags == {"new", "kept"}
    assert len(core_vs_bare_loop.bare_journey()) == len(core_vs_bare_loop.ROUTE)


def test_the_long_document_is_as_long_as_it_may_be() -> None:
    flow, _ = catalog().check(check_1000_steps_ms.long_document())
    assert flow is not None
    assert len(flow.steps) == check_1000_steps_ms.STEPS


def test_a_benchmark_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed_of_light"]) == 2
    assert "no benchmark speed_of_light" in capsys.readouterr().out
