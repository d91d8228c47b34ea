"""The kind `api`."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from flows.contact import Contact
from flows.events import ApiCalled, Event
from flows.trigger import Match, Trigger


class Api(Trigger, frozen=True, kw_only=True, tag="api"):
    """Starts when another program asks for it, a colleague starts it by hand, or another
    automation starts it. What they pass along is found under `data`.
    """

    label: ClassVar[str] = "API or by hand"
    hears: ClassVar[tuple[type, ...]] = (ApiCalled,)

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, ApiCalled):
            return None
        data = event.data if event.by == "automation" else {"data": event.data}
        return Match(f"started by {event.by}", data)

    def sample(self, automation_id: int, name: str) -> Event:
        return ApiCalled(automation_id, {"order": "1001"})
