"""Steps in the order in which most contacts come by. PURE.

Rule: the same flow gives the same order, whatever order its document was kept in.
"""

from __future__ import annotations

from flows.document import AnyFlow


def in_order(flow: AnyFlow) -> list[str]:
    """Ids of all steps: from the start outwards, exits in their order; then what nothing leads to,
    by id.
    """
    seen: dict[str, None] = {}
    todo = [flow.start] if flow.start in flow.steps else []
    for step_id in todo:
        if step_id is None or step_id in seen:
            continue
        seen[step_id] = None
        step = flow.steps[step_id]
        ways = dict.fromkeys((*(one.name for one in step.exits()), *sorted(step.next)))
        todo.extend(step.next[way] for way in ways if step.next.get(way) in flow.steps)
    return [*seen, *sorted(flow.steps.keys() - seen.keys())]
