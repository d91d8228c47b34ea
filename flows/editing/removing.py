"""Steps taken away, and what becomes of the lines that led to them.

Rule: what is gone already is fine; no line is left that leads to a step which is not there.
"""

from __future__ import annotations

from flows.editing.changes import Delete
from flows.editing.lines import after
from flows.editing.working import START_STEP, EditRefused, Working


def delete(work: Working, change: Delete) -> str:
    """Take steps away; with `join` what led to them goes on to what came after them."""
    asked = dict.fromkeys(change.steps)
    if list(asked) == [START_STEP]:
        raise EditRefused("The start card cannot be deleted.", START_STEP)
    gone = {step_id: None for step_id in asked if step_id in work.steps}
    one = work.title(next(iter(gone))) if len(gone) == 1 else f"{len(gone):,} steps"
    broken = [
        (step_id, name, after(work, to, gone) if change.join else None)
        for step_id, name, to in work.lines()
        if to in gone and step_id not in gone
    ]
    for step_id, name, onward in broken:
        work.lead(step_id, name, None if onward == step_id else onward)
    for step_id in gone:
        work.remove(step_id)
    return f"Delete {one}"
