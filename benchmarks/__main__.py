"""`python -m benchmarks [--full] [name …]`: measure, print a table, write var/bench.json."""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path

from benchmarks import (
    builder,
    builder_page,
    claims,
    core,
    decisions,
    delivery,
    latency,
    queue,
    throughput,
    year,
)
from benchmarks.figures import FULL, SHORT, CannotMeasureError, Figure
from tiptoe.logs import configure_logs

RESULTS = Path(__file__).resolve().parent.parent / "var" / "bench.json"
FIGURES = (
    *core.FIGURES,
    *builder.FIGURES,
    *builder_page.FIGURES,
    *decisions.FIGURES,
    *year.FIGURES,
    *throughput.FIGURES,
    *latency.FIGURES,
    *claims.FIGURES,
    *queue.FIGURES,
    *delivery.FIGURES,
)


def main(words: list[str]) -> int:
    """Measure what is wanted, or everything; return the exit code."""
    size = FULL if "--full" in words else SHORT
    wanted = [word for word in words if word != "--full"]
    names = [figure.name for figure in FIGURES]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Choose from: {', '.join(names)}.")
        return 2
    began = time.perf_counter()
    figures: dict[str, float] = {}
    failed = 0
    for figure in FIGURES:
        if figure.name not in wanted if wanted else figure.only_full and not size.full:
            continue
        try:
            measured = figure.measure(size)
        except CannotMeasureError as problem:
            print(f"{figure.name:36} skipped: {problem}", flush=True)
            continue
        except Exception:  # noqa: BLE001  a wrong journey is told; the other figures still count
            print(f"{figure.name:36} FAILED\n{traceback.format_exc()}", flush=True)
            failed += 1
            continue
        figures[figure.name] = round(measured, 3)
        print(line(figure, measured), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"{time.perf_counter() - began:.0f} s; written to {RESULTS}")
    return 1 if failed else 0


def line(figure: Figure, measured: float) -> str:
    """A row of the table."""
    told = f"{figure.name:36}{_short(measured):>12} {figure.unit:11} {figure.what}"
    if figure.wanted is None:
        return told
    verdict = "reached" if figure.wanted.reached(measured) else "NOT REACHED"
    return f"{told}  [{figure.wanted}: {verdict}]"


def _short(measured: float) -> str:
    return f"{measured:,.2f}" if measured < 100 else f"{measured:,.0f}"


if __name__ == "__main__":
    configure_logs("warning", "text", "benchmarks")  # as quiet as a worker is
    sys.exit(main(sys.argv[1:]))
