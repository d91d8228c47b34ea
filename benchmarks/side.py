"""Other engines, in an environment of their own under var/, so that ours never sees their packages.

Rule: what cannot be installed or started here is one sentence, never a traceback.
"""

from __future__ import annotations

import functools
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from benchmarks.figures import CannotMeasureError

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "var" / "bench-venv"
PACKAGES = (
    "aiohttp", "asyncpg", "dbos==3.4.0", "hypercorn==0.18.0", "matplotlib==3.10.8",
    "psycopg[binary]", "restate-sdk==1.3.0",
)  # fmt: skip
RESTATE = "@restatedev/restate-server-linux-{}@1.7.12"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
RESTATE_FOLDER = ROOT / "var" / "bench-restate"
PATIENCE_S = 600


def journeys_per_second(contestant: str, *arguments: str) -> float:
    """Run a contestant's module in the environment; the figure it prints last."""
    told = _run([prepare(), "-m", f"benchmarks.contestants.{contestant}", *arguments], contestant)
    return float(json.loads(told.strip().splitlines()[-1])["journeys_s"])


def run_module(module: str, *arguments: str) -> str:
    """Run a module of ours that needs a package of the environment; what it printed."""
    return _run([prepare(), "-m", module, *arguments], module)


@functools.cache
def restate_server() -> Path:
    """The server's program, fetched once."""
    program = RESTATE_FOLDER / "bin" / "restate-server"
    if not program.exists():
        npm, machine = shutil.which("npm"), MACHINES.get(platform.machine())
        if npm is None or machine is None or sys.platform != "linux":
            raise CannotMeasureError("The Restate server is fetched with npm, for Linux only.")
        with tempfile.TemporaryDirectory() as folder:
            package = RESTATE.format(machine)
            name = _run([npm, "pack", "--silent", package], "Restate", folder).split()[-1]
            with tarfile.open(Path(folder, name)) as packed:
                packed.extractall(folder, filter="data")
            shutil.copytree(Path(folder, "package"), RESTATE_FOLDER, dirs_exist_ok=True)
    return program


@functools.cache
def prepare() -> str:
    """The interpreter of the environment, which is made when it is missing or out of date."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "packages.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
        uv = str(Path(sys.executable).parent / "uv")
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)], "uv")
        _run([uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES], "uv")
        stamp.write_text("\n".join(PACKAGES))
    return str(python)


def _run(command: list[str], who: str, folder: str | Path = ROOT) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CannotMeasureError(f"{who} does not run here: {problem}") from problem
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CannotMeasureError(f"{who} does not run here: {''.join(last)}")
    return done.stdout
