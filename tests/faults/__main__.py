"""`python -m tests.faults [--customers N] [--seed S] [--times T]`: storms on both databases; with
`--lost-answers N` instead: so many messages, of which WhatsApp's answer to every tenth gets lost.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests import servers
from tests.faults.lost_answers import lose_answers
from tests.faults.storm import weather
from tiptoe.logs import configure_logs


def main() -> int:
    """Play each storm on SQLite and PostgreSQL in turn; 1 when anybody missed or got twice."""
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("--customers", type=int, default=2_250, help="nine in ten make a journey")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    options.add_argument("--times", type=int, default=1)
    options.add_argument("--lost-answers", type=int, default=0, metavar="N")
    options.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    given = options.parse_args()
    configure_logs("error", "text", "storm")
    keeper = servers.Keeper()
    flawless = True
    try:
        for seed in range(given.seed, given.seed + given.times):
            for kind in ("sqlite", "postgresql"):
                if given.database not in (kind, "both"):
                    continue
                play = _lose if given.lost_answers else _storm
                count = given.lost_answers or given.customers
                flawless &= play(keeper, kind, count, seed)
    finally:
        keeper.stop()
    return 0 if flawless else 1


def _storm(keeper: servers.Keeper, kind: str, customers: int, seed: int) -> bool:
    print(f"seed {seed}, {kind}, {customers} customers …", flush=True)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        url = _url(keeper, kind, folder, seed)
        report = asyncio.run(weather(Path(folder), url, servers.free_port, customers, seed))
    print(report, flush=True)
    return report.score.flawless and not report.unlike


def _lose(keeper: servers.Keeper, kind: str, count: int, seed: int) -> bool:
    print(f"seed {seed}, {kind}, {count} messages …", flush=True)
    with tempfile.TemporaryDirectory(prefix="lost-") as folder:
        url = _url(keeper, kind, folder, seed)
        report = asyncio.run(lose_answers(Path(folder), url, servers.free_port, count, seed))
    print(report, flush=True)
    return report.flawless


def _url(keeper: servers.Keeper, kind: str, folder: str, seed: int) -> str:
    """An empty database."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/storm.db"
    server = servers.ask(keeper.address, "postgres")
    return f"{server}/{_fresh(server, seed)}"


def _fresh(server: str, seed: int) -> str:
    """A new database of that server."""
    import asyncpg

    name = f"storm_{seed}_{random.SystemRandom().randrange(10**9)}"

    async def make() -> None:
        connection = await asyncpg.connect(f"{server.replace('+asyncpg', '')}/postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return name


if __name__ == "__main__":
    sys.exit(main())
