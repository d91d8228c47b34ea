"""What a batch did, as numbers under the steps: for ever, and by day and revision.

Rule: pure; only adds up what the rows of the batch say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from store.runs import MovedRun, NewRun
from store.step_days import Key, day_of
from store.visits import NewLine


def for_ever(lines: Iterable[NewLine]) -> Counter[tuple[int, str, str]]:
    """How often each exit was taken, or what else happened, by automation and step."""
    return Counter(
        (line.automation_id, line.step, "started")
        if line.kind == "start"
        else (line.automation_id, line.step, line.exit or line.did)
        for line in lines
    )


def by_day(
    lines: Iterable[NewLine],
    runs: Iterable[NewRun | MovedRun],
    zones: Mapping[int, str],
    now: datetime,
) -> Counter[Key]:
    """Starts, exits taken, and where runs were over, by the day that each company has in its zone
    (`zones`) and the revision they are in after the batch.
    """
    days = {company_id: day_of(now, zone) for company_id, zone in zones.items()}
    found: Counter[Key] = Counter()
    rows = {run.id: run for run in runs}
    ended: dict[int, Key] = {}
    for line in lines:
        run = rows[line.run_id]
        place = (line.automation_id, days[line.company_id], run.revision_id)
        if line.kind == "start":
            found[*place, "", "run", "started"] += 1
        elif line.did == "left" and line.exit:
            found[*place, line.step, "exit", line.exit] += 1
        if run.ended_at is not None:
            ended[run.id] = (*place, run.step or "", "left", run.status)
    for run_id, key in ended.items():
        run = rows[run_id]
        found[key] += 1
        found[*key[:3], "", "run", run.status] += 1
        if run.state.goal:
            found[*key[:3], "", "goal", run.state.goal] += 1
    return found
