"""The kind `consent_changed`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from flows.contact import Contact
from flows.events import ConsentChanged as Changed
from flows.events import Event
from flows.trigger import Match, Trigger


class ConsentChanged(Trigger, frozen=True, kw_only=True, tag="consent_changed"):
    """Starts when a contact says yes or no to marketing: to us, in WhatsApp or in the shop. Who
    said no gets no messages, but tags, fields and webhooks still work.
    What they said is found under `consent`.
    """

    label: ClassVar[str] = "Consent changed"
    hears: ClassVar[tuple[type, ...]] = (Changed,)

    to: Annotated[
        Literal["yes", "no", "any"],
        Meta(
            description="What they say now",
            extra_json_schema={"x-words": {"any": "Yes or no", "yes": "Yes", "no": "No"}},
        ),
    ] = "any"

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Changed) or self.to not in ("any", event.consent):
            return None
        data = {"consent": {"to": event.consent, "source": event.source}}
        return Match(f"their consent is now “{event.consent}”", data)

    def sample(self, automation_id: int, name: str) -> Event:
        return Changed("no" if self.to == "no" else "yes", "shop")

    def summary(self) -> str:
        return "Consent changed" if self.to == "any" else f"Consent becomes “{self.to}”"
