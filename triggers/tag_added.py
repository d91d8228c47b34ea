"""The kind `tag_added`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.contact import Contact
from flows.events import Event, TagsChanged
from flows.trigger import Match, Trigger
from flows.words import normal


class TagAdded(Trigger, frozen=True, kw_only=True, tag="tag_added"):
    """Starts when a contact newly gets a tag: from a colleague, an import, the API or another
    automation. The tag is found under `tag`.
    """

    label: ClassVar[str] = "Tag added"
    hears: ClassVar[tuple[type, ...]] = (TagsChanged,)

    tag: Annotated[
        str,
        Meta(
            max_length=120,
            title="Tag",
            description="Which tag; empty for any",
            extra_json_schema={"x-input": "tag"},
        ),
    ] = ""

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, TagsChanged):
            return None
        wanted = normal(self.tag)
        for tag in sorted(event.added):
            if not self.tag or normal(tag) == wanted:
                return Match(f"the tag “{tag}” was added", {"tag": tag})
        return None

    def sample(self, automation_id: int, name: str) -> Event:
        return TagsChanged(added=frozenset({self.tag or "vip"}))

    def summary(self) -> str:
        return f"Tag “{self.tag}” added" if self.tag else "Any tag added"
