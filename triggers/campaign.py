"""The kind `campaign`."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from flows.contact import Contact
from flows.events import Event, Occasion
from flows.trigger import Match, Trigger


class Campaign(Trigger, frozen=True, kw_only=True, tag="campaign"):
    """Starts when a colleague sends this automation to an audience: everybody, lists or tags.
    What they pass along is found under `data`, the campaign itself under `campaign`.
    """

    label: ClassVar[str] = "Campaign"
    hears: ClassVar[tuple[type, ...]] = (Occasion,)

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Occasion) or event.kind != "campaign":
            return None
        return Match(event.why or "they are in a campaign's audience", event.data)

    def sample(self, automation_id: int, name: str) -> Event:
        data = {"campaign": {"id": "1", "name": "Spring sale"}, "data": {"discount": "20%"}}
        return Occasion("campaign", automation_id, name, data)
