"""Small flows for the engine's tests, decoded through the real catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.kinds import catalog
from flows.document import AnyFlow

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

SEND = {"type": "send_message", "text": "Hello {{ contact.first_name }}"}


def flow(steps: dict[str, Any], **more: Any) -> AnyFlow:
    """A flow of `steps`, beginning with the first."""
    document = {
        "name": more.pop("name", "Test"),
        "triggers": more.pop("triggers", {"api": {"type": "api"}}),
        "start": next(iter(steps), None),
        "steps": steps,
    }
    return catalog().decode(document | more)


def greeting(**more: Any) -> AnyFlow:
    """Greet, wait a day for a reply, thank or remind."""
    return flow(
        {
            "greet": SEND | {"next": {"sent": "reply"}},
            "reply": {
                "type": "wait_for_reply",
                "up_to": "24h",
                "answers": [{"exit": "yes", "label": "Yes", "match": "exact", "words": ["yes"]}],
                "next": {"yes": "thank", "no_reply": "remind"},
            },
            "thank": SEND | {"text": "Thank you", "next": {"sent": "end"}},
            "remind": SEND | {"text": "Still there?", "next": {"sent": "end"}},
            "end": {"type": "end"},
        },
        **more,
    )
