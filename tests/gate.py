"""The whole gate: every check and every tier of tests, each with its time.

`python -m tests.gate` runs all of it, `--quick` the part for a commit. Rule: every step runs even
when an earlier one failed, and nothing counts as tested that did not really run.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.conftest import REPORT_VARIABLE, find_chromium

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WORKERS = str(max(2, os.cpu_count() or 2))

CHECKS: dict[str, list[str | Path]] = {
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "lint": [BIN / "ruff", "check", "--quiet", "."],
    "types": [BIN / "mypy", "--no-error-summary"],
    "imports": [BIN / "lint-imports"],
    "generated docs": [BIN / "python", "-m", "tiptoe.docs", "--check"],
}
PYTEST: list[str | Path] = [BIN / "python", "-m", "pytest", "--quiet", "--no-header"]
FAST = [*PYTEST, "-n", WORKERS, "-m", "not (slow or browser or postgres or services)"]
SERVICES = [*PYTEST, "-n", WORKERS, "-m", "(slow or postgres or services) and not browser"]
BROWSER = [*PYTEST, "-n", WORKERS, "-m", "browser"]
DATABASES = ("SQLite", "PostgreSQL")
RULE = "─" * 78


def main() -> int:
    """Run the gate; return the exit code."""
    quick = "--quick" in sys.argv[1:]
    tests = {"fast tests": FAST}
    if not quick:
        if problem := provide_chromium():
            print(problem, file=sys.stderr)  # noqa: T201
            return 1
        tests |= {"service tests": SERVICES, "browser tests": BROWSER}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        os.environ[REPORT_VARIABLE] = str(report)
        failed = [name for name, command in (CHECKS | tests).items() if not passes(name, command)]
        lines = report.read_text().splitlines() if report.exists() else []
    return conclude(lines, failed, time.monotonic() - began, quick=quick)


def passes(name: str, command: list[str | Path]) -> bool:
    """Run one step, tell its name, outcome and time; show its output when it failed."""
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    good = done.returncode == 0
    seconds = time.monotonic() - began
    last = done.stdout.strip().splitlines()[-1:] if "pytest" in command else []
    say(f"{'ok' if good else 'FAILED':8}{name:18}{seconds:7.1f} s   {''.join(last)}".rstrip())
    if not good:
        say(f"{RULE}\n{done.stdout.rstrip()}\n{RULE}")
    return good


def conclude(lines: list[str], failed: list[str], seconds: float, *, quick: bool) -> int:
    """Say what really ran; the last line is pytest's own kind of summary over all tiers."""
    outcomes: Counter[str] = Counter()
    ran_on: Counter[str] = Counter()
    for line in lines:
        figures = json.loads(line)
        outcomes.update(figures["outcomes"])
        ran_on.update(figures["ran_on"])
    counts = ", ".join(f"{name} {ran_on[name]} tests" for name in DATABASES)
    if not quick:
        missing = [name for name in DATABASES if not ran_on[name]]
        failed += [f"no test ran on {name}" for name in missing]
        say(f"Databases that really ran: {counts}.")
    if failed:
        say(f"The gate is closed: {', '.join(failed)}.")
    summary = ", ".join(
        f"{outcomes[name]} {name}"
        for name in ("failed", "error", "passed", "skipped", "xfailed")
        if outcomes[name]
    )
    say(f" {summary or 'no tests ran'} in {seconds:.2f}s ".center(78, "="))
    return 1 if failed else 0


def provide_chromium() -> str | None:
    """Make sure that there is a Chromium; return what to do when there cannot be one."""
    if find_chromium():
        return None
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Chromium for the browser tests (once) …")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, env=environment, capture_output=True, check=False)
        if find_chromium():
            return None
    return (
        "The browser tests need Chromium, and there is none on the PATH. "
        "Install it (Debian, Ubuntu: apt install chromium), then run `make test` again."
    )


def say(text: str) -> None:
    """Print at once, so that a watcher sees which step is on."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
