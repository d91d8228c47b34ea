# mypy: disable-error-code="import-not-found"
"""Draws the month of `benchmarks/year.py`: `python -m benchmarks.year_picture FILE MONTHS`.

Runs in the environment of `side.py`, where matplotlib is. MONTHS is JSON: the days of both senders.
Its ink is read on light and on dark pages; the paper is left out.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

mpl.use("svg")

INK, GRID = "#787c82", "#787c8240"
SENT, SHARE, LIMIT = "#4c8dd6", "#d9822b", "#d0453f"
NAMES = {"gateway": "The gateway", "turns": "At once, in turn through the numbers"}
LIMITS = {1: "1 medium", 3: "3 low"}  # quality at these per cent, as in benchmarks/public.py
STYLE: dict[str, Any] = {
    "svg.hashsalt": "tiptoe",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
}


def draw(file: str, months: dict[str, Any]) -> None:
    """Messages of each day as bars, and as a line the worst number's share of blocks."""
    mpl.rcParams.update(STYLE)
    figure, panels = plt.subplots(2, 1, figsize=(9, 6.4), sharex=True)
    most = max(day["sent"] for one in months.values() for day in one["days"])
    worst = max(4.5, 100 * max(day["share"] for one in months.values() for day in one["days"]))
    for panel, (key, name) in zip(panels, NAMES.items(), strict=True):
        days = months[key]["days"]
        dates = range(1, len(days) + 1)
        panel.bar(dates, [day["sent"] for day in days], color=SENT, alpha=0.55, width=0.75)
        panel.set_ylim(0, most * 1.1)
        panel.set_ylabel("messages a day", color=SENT)
        panel.set_title(f"{name}: {told(months[key])}", loc="left", fontsize=11)
        share = panel.twinx()
        share.plot(dates, [100 * day["share"] for day in days], color=SHARE, linewidth=2)
        share.set_ylim(0, worst * 1.1)
        share.set_ylabel("blocked, worst number, %", color=SHARE)
        share.set_yticks(range(5), [LIMITS.get(percent, str(percent)) for percent in range(5)])
        for limit in LIMITS:
            share.axhline(limit, color=LIMIT, linewidth=1, linestyle=(0, (4, 3)))
    panels[-1].set_xlabel("day of the month (the 1st is a Monday)")
    panels[-1].set_xlim(0.3, len(days) + 0.7)
    figure.tight_layout()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})


def told(month: dict[str, Any]) -> str:
    """The month in a few words."""
    bans = month["bans"]
    words = f"{bans} number{'' if bans == 1 else 's'} banned" if bans else "no number banned"
    return f"{month['sent']:,} sent, {month['blocks']:,} blocks, {words}"


if __name__ == "__main__":
    draw(sys.argv[1], json.loads(sys.argv[2]))
