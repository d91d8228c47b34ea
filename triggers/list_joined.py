"""The kind `list_joined`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta

from flows.contact import Contact
from flows.events import Event, ListsChanged
from flows.step import Reference
from flows.trigger import Match, Trigger
from flows.words import normal


class ListJoined(Trigger, frozen=True, kw_only=True, tag="list_joined"):
    """Starts when a contact newly comes onto a list: by a colleague, an import, the API or another
    automation. The list's name is found under `list`.
    """

    label: ClassVar[str] = "List joined"
    hears: ClassVar[tuple[type, ...]] = (ListsChanged,)

    list: Annotated[
        str,
        Meta(
            max_length=120,
            title="List",
            description="Which list; empty for any",
            extra_json_schema={"x-input": "list"},
        ),
    ] = ""

    def references(self) -> Iterator[Reference]:
        if self.list:
            yield Reference("list", self.list, "/list")

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, ListsChanged):
            return None
        wanted = normal(self.list)
        for name in sorted(event.joined):
            if not self.list or normal(name) == wanted:
                return Match(f"they joined the list “{name}”", {"list": name})
        return None

    def sample(self, automation_id: int, name: str) -> Event:
        return ListsChanged(joined=frozenset({self.list or "Newsletter"}))

    def summary(self) -> str:
        return f"List “{self.list}” joined" if self.list else "Any list joined"
