"""Results as a file.

Rule: a cell never begins with what a spreadsheet would take for a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from store.results import MESSAGE_WORDS
from web.builder.results.numbers import MESSAGES, Row

HEAD = ("Step", "Kind", "Here", "Passed", "Left", "Exit", "Left by it", "Share")
RISKY = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Sequence[Row]) -> str:
    """One line for each step, then one for each of its exits."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*HEAD, *(MESSAGES[word] for word in MESSAGE_WORDS)])
    for row in rows:
        numbers = {part.what: part.n for part in row.messages}
        messages = [numbers.get(word, "") for word in MESSAGE_WORDS]
        name = _plain(row.title)
        writer.writerow([name, row.label, row.here, row.passed, row.left, "", "", "", *messages])
        for part in row.exits:
            writer.writerow([name, row.label, "", "", "", _plain(part.label), part.n, part.share])
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(RISKY) else text
