"""The event with which a run hears what became of its message. Pure.

Rule: one per message, by its source id; whoever is sure first writes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from flows.events import Verdict, VerdictState
from store.in_hand import InHand
from store.queue import Queued


def verdict_row(
    message: InHand | Queued, state: VerdictState, reason: str, now: datetime
) -> list[dict[str, Any]]:
    """The event's row; none for a message that no run waits for."""
    if message.run_id is None:
        return []
    return [
        {
            "company_id": message.company_id,
            "contact_id": message.contact_id,
            "kind": "verdict",
            "data": msgspec.to_builtins(Verdict(message.seq, state, reason)),
            "source_id": f"verdict:{message.id}",
            "run_id": message.run_id,
            "at": now,
            "created_at": now,
        }
    ]


def template_of(message: InHand | Queued) -> tuple[str, str] | None:
    """Name and language of the template a message uses."""
    if not message.template or not isinstance(message.content, dict):
        return None
    return message.template, str(message.content.get("language", ""))
