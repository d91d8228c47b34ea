"""The order in which people pass the steps: from the start along the exits, then what is left.

Rule: works on the raw document, so that steps which cannot be read keep their place in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.step import Step


def in_order_of_travel(
    start: str, entries: Mapping[str, Any], steps: Mapping[str, Step]
) -> list[str]:
    """Every step once: depth first from `start`, exits in their order; loose ones come last.
    `steps` are those that can be read: a database may keep the lines of a step in any order.
    """
    order: list[str] = []
    seen: set[str] = set()
    for root in (*([start] if start else []), *entries):
        todo = [root]
        while todo:
            step_id = todo.pop()
            if step_id in seen or step_id not in entries:
                continue
            seen.add(step_id)
            order.append(step_id)
            todo.extend(reversed(_onward(entries[step_id], steps.get(step_id))))
    return order


def targets(entry: object) -> list[str]:
    """Where the exits of a raw step lead, as far as they can be read."""
    found = entry.get("next") if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        return []
    return [one for one in found.values() if isinstance(one, str)]


def _onward(entry: object, step: Step | None) -> list[str]:
    if step is None:
        return targets(entry)
    return [step.next[one.name] for one in step.exits() if one.name in step.next]
