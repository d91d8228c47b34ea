"""Journeys in a second, ours and the others', on the same machine in the same minutes."""

from __future__ import annotations

from functools import cache

from benchmarks import durable
from benchmarks.contestants import ours, raw, step_jobs
from benchmarks.figures import Figure, Size, at_least
from benchmarks.places import new_database, redis


@cache
def ours_on(kind: str, size: Size, processes: int = 0) -> float:
    """Our journeys in a second; 0 processes: one worker, in this one."""
    return ours.journeys_per_second(new_database(kind), size, processes)


@cache
def raw_on(kind: str, size: Size) -> float:
    """The driver's own."""
    return raw.journeys_per_second(new_database(kind), size)


@cache
def step_jobs_on(kind: str, size: Size) -> float:
    """One arq job and one transaction per step."""
    return step_jobs.journeys_per_second(new_database(kind), redis(), size)


FIGURES = (
    Figure(
        "engine_pg_journeys_s",
        "journeys/s",
        "reference journeys on PostgreSQL, one worker",
        lambda size: ours_on("postgresql", size),
    ),
    Figure(
        "engine_sqlite_journeys_s",
        "journeys/s",
        "reference journeys on SQLite, one worker",
        lambda size: ours_on("sqlite", size),
    ),
    Figure(
        "engine_pg_vs_step_jobs",
        "times",
        "÷ one arq job and one transaction per step, on PostgreSQL",
        lambda size: ours_on("postgresql", size) / step_jobs_on("postgresql", size),
        at_least(60),
    ),
    Figure(
        "engine_sqlite_vs_step_jobs",
        "times",
        "÷ one arq job and one transaction per step, on SQLite",
        lambda size: ours_on("sqlite", size) / step_jobs_on("sqlite", size),
        at_least(300),
    ),
    Figure(
        "engine_pg_vs_raw",
        "times",
        "÷ asyncpg alone writing the same rows in bulk",
        lambda size: ours_on("postgresql", size) / raw_on("postgresql", size),
        at_least(0.45),
    ),
    Figure(
        "engine_sqlite_vs_raw",
        "times",
        "÷ sqlite3 alone writing the same rows in bulk",
        lambda size: ours_on("sqlite", size) / raw_on("sqlite", size),
        at_least(0.45),
    ),
    Figure(
        "engine_pg_vs_dbos",
        "times",
        "÷ DBOS Transact on the same PostgreSQL",
        lambda size: ours_on("postgresql", size) / durable.dbos(size),
        at_least(100),
    ),
    Figure(
        "engine_pg_vs_restate",
        "times",
        "÷ Restate, whose steps write to the same PostgreSQL",
        lambda size: ours_on("postgresql", size) / durable.restate(size),
        at_least(15),
        only_full=True,
    ),
    Figure(
        "engine_pg_two_workers_vs_one",
        "times",
        "two worker processes ÷ one, on PostgreSQL",
        lambda size: ours_on("postgresql", size, 2) / ours_on("postgresql", size, 1),
        at_least(1.5),
    ),
)
