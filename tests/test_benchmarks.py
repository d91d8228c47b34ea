"""The benchmarks: each figure says what it measures, and contestants carry whole journeys."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import builder, core, decisions, delivery, figures, queue
from benchmarks.__main__ import FIGURES, line, main
from benchmarks.contestants import ours, raw, step_jobs
from benchmarks.figures import Figure, Size, at_least, at_most
from engine.kinds import catalog

TINY = Size(full=False, journeys=20, rounds=1, singly=5, campaign=0, replies=0, sends=20, seeds=1)
WANTED = {
    "core_visits_s": "at least 100,000",
    "engine_pg_vs_step_jobs": "at least 60",
    "engine_sqlite_vs_step_jobs": "at least 300",
    "engine_pg_vs_raw": "at least 0.45",
    "engine_sqlite_vs_raw": "at least 0.45",
    "engine_pg_vs_dbos": "at least 100",
    "engine_pg_vs_restate": "at least 15",
    "engine_pg_two_workers_vs_one": "at least 1.5",
    "reply_idle_p50_ms": "at most 10",
    "reply_idle_p99_ms": "at most 25",
    "reply_campaign_p99_ms": "at most 250",
    "claim_1m_vs_10k": "at most 1.5",
    "engine_worker_rss_mb": "at most 200",
    "gateway_decisions_s": "at least 50,000",
    "gateway_year_outside_windows": "at most 0",
    "gateway_year_low_quality_campaigns": "at most 0",
    "gateway_claim_1m_vs_10k": "at most 1.5",
    "gateway_fair_share": "at most 1.5",
    "gateway_vs_bare_client": "at least 0.6",
    "gateway_sqlite_vs_bare_client": "at least 0.6",
    "builder_drag_p95_ms": "at most 34",
    "builder_pan_p95_ms": "at most 34",
    "builder_edit_p95_ms": "at most 150",
    "builder_page_gz_kb": "at most 60",
    "builder_pan_1000_p95_ms": "at most 50",
}


def test_every_figure_has_its_own_name_and_says_what_it_measures() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)
    assert {"engine_pg_journeys_s", "engine_sqlite_journeys_s", "core_journeys_s"} < set(names)
    assert all(figure.what and figure.unit for figure in FIGURES)


def test_what_is_wanted() -> None:
    wanted = {figure.name: str(figure.wanted) for figure in FIGURES if figure.wanted is not None}
    assert wanted == WANTED


def test_only_restate_is_left_to_the_full_run() -> None:
    assert [one.name for one in FIGURES if one.only_full] == ["engine_pg_vs_restate"]
    assert figures.FULL.campaign == 100_000


@pytest.mark.parametrize(
    ("wanted", "figure", "said"),
    [
        (at_least(60), 60.0, "[at least 60: reached]"),
        (at_least(60), 59.9, "[at least 60: NOT REACHED]"),
        (at_most(25), 25.0, "[at most 25: reached]"),
        (at_most(25), 25.1, "[at most 25: NOT REACHED]"),
    ],
)
def test_a_line_says_whether_a_figure_is_reached(
    wanted: figures.Wanted, figure: float, said: str
) -> None:
    told = line(Figure("some_figure", "times", "of something", lambda _: figure, wanted), figure)
    assert told.endswith(said)


def test_the_journeys_of_the_core_reach_their_goal() -> None:
    assert core.advanced_journey().goal == "Kept"
    assert core.routed_journey().contact.tags == {"new", "kept"}
    assert len(core.bare_journey()) == len(core.ROUTE)


def test_the_long_document_is_as_long_as_it_may_be() -> None:
    flow, _ = catalog().check(builder.long_document())
    assert flow is not None
    assert len(flow.steps) == builder.STEPS


@pytest.mark.parametrize("contestant", [ours.journeys_per_second, raw.journeys_per_second])
def test_a_contestant_carries_whole_journeys(
    contestant: Callable[[str, Size], float], database_url: str
) -> None:
    assert contestant(database_url, TINY) > 0  # it asserts by itself that all are done


@pytest.mark.postgres
def test_two_processes_carry_whole_journeys(postgres_url: str) -> None:
    assert ours.journeys_per_second(postgres_url, TINY, processes=2) > 0


def test_one_job_per_step_carries_whole_journeys(database_url: str, redis_url: str) -> None:
    assert step_jobs.journeys_per_second(database_url, redis_url, TINY) > 0


def test_an_afternoon_has_some_of_everything() -> None:
    ends = sum((decisions.Afternoon(40).decisions() for _ in range(3)), Counter[str]())
    assert {"sticky", "lowest", "hours", "gap", "consent"} <= ends.keys()


@pytest.mark.slow
def test_a_claim_is_compared_on_two_houses() -> None:
    assert queue.times_slower("sqlite", queue.House(8_000, 4_000, 8_000), 1) > 0


def test_a_small_automation_sends_beside_a_campaign() -> None:
    assert queue.unfairness(1_000, 50) <= 1.5


def test_messages_go_through_gateways_and_the_bare_client(
    database_url: str, redis_url: str
) -> None:
    measured = asyncio.run(delivery.carry(database_url, redis_url, TINY))
    assert min(measured) > 0  # it asserts by itself that all were sent and written down


def test_a_benchmark_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed_of_light"]) == 2
    assert "no benchmark speed_of_light" in capsys.readouterr().out


def test_what_cannot_be_measured_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measure(_size: Size) -> float:
        raise figures.CannotMeasureError("There is no moon here.")

    monkeypatch.setattr("benchmarks.__main__.FIGURES", (Figure("tide_m", "m", "tide", measure),))
    monkeypatch.setattr("benchmarks.__main__.RESULTS", tmp_path / "bench.json")
    assert main([]) == 0
    assert "tide_m" in (told := capsys.readouterr().out)
    assert "skipped: There is no moon here." in told
