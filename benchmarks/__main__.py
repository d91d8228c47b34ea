"""`python -m benchmarks [name …]`: measure, print a table, write var/bench.json."""

import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

import benchmarks
from tiptoe.logs import configure_logs

RESULTS = Path(__file__).resolve().parent.parent / "var" / "bench.json"


def main(wanted: list[str]) -> int:
    """Measure what is wanted, or everything; return the exit code."""
    names = benchmark_names()
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Choose from: {', '.join(names)}.")
        return 2
    configure_logs("warning", "text", "benchmarks")  # as quiet as a worker is
    began = time.perf_counter()
    figures: dict[str, float] = {}
    for name in names:
        if wanted and name not in wanted:
            continue
        module = importlib.import_module(f"benchmarks.{name}")
        figure = module.measure()
        if isinstance(figure, str):
            print(f"{name:26} skipped: {figure}", flush=True)
            continue
        figures[name] = round(figure, 3)
        print(_line(name, figure, module), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"{time.perf_counter() - began:.0f} s; written to {RESULTS}")
    return 0


def benchmark_names() -> list[str]:
    """Return the names of all benchmarks, sorted."""
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__)]
    return sorted(name for name in found if not name.startswith("_"))


def _line(name: str, figure: float, module: object) -> str:
    wanted = getattr(module, "WANTED", None)
    goal = f" (wanted: {wanted:,})" if wanted is not None else ""
    unit, what = getattr(module, "UNIT", ""), getattr(module, "WHAT", "")
    return f"{name:26}{figure:14,.1f} {unit:12} {what}{goal}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
