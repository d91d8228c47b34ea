"""The order in which people pass the steps: from the start along the exits, then what is left.

Rule: works on the raw document, so that steps which cannot be read keep their place in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def in_order_of_travel(start: str, entries: Mapping[str, Any]) -> list[str]:
    """Every step once: depth first from `start`, exits in their order; loose ones come last."""
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
            todo.extend(reversed(targets(entries[step_id])))
    return order


def targets(entry: object) -> list[str]:
    """Where the exits of a raw step lead, as far as they can be read."""
    found = entry.get("next") if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        return []
    return [one for one in found.values() if isinstance(one, str)]
