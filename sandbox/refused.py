"""Remembers what the Graph API refused, so that a developer sees why a send failed."""

from sandbox.memory import Memory, Row
from sandbox.refusals import Refusal

SHOWN = 20
KEPT = 200


def remember(
    memory: Memory, refusal: Refusal, *, method: str, path: str, message: str, at: float
) -> None:
    """Remember one refused call; the count per code is kept for good, the rest for a while."""
    with memory.writing():
        n = memory.do(
            "insert into refusals (at, method, path, http_status, code, message, details)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            at,
            method,
            path,
            refusal.http_status,
            refusal.code,
            message,
            refusal.details,
        )
        memory.do("delete from refusals where n <= ?", n - KEPT)
        memory.do(
            "insert into refusal_counts values (?, 1) on conflict do update set count = count + 1",
            refusal.code,
        )


def latest(memory: Memory) -> list[Row]:
    """Return the last refused calls, newest first."""
    return memory.all("select * from refusals order by n desc limit ?", SHOWN)


def counts(memory: Memory) -> dict[str, int]:
    """Return how often each code was answered."""
    rows = memory.all("select code, count from refusal_counts order by code")
    return {str(row["code"]): row["count"] for row in rows}
