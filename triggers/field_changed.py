"""The kind `field_changed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.conditions import Condition, Leaf, holds, paths_in, problems_in
from flows.contact import Contact
from flows.events import Event
from flows.events import FieldChanged as Changed
from flows.step import Reference
from flows.trigger import Match, Trigger

_Value = Annotated[str, Meta(max_length=500)]


class FieldChanged(Trigger, frozen=True, kw_only=True, tag="field_changed"):
    """Starts when a field of a contact gets another value. The field is found under `field`, with
    its `name`, its `old` and its `new` value.
    """

    label: ClassVar[str] = "Field changed"
    hears: ClassVar[tuple[type, ...]] = (Changed,)
    example: ClassVar[Mapping[str, Any]] = {"field": "stage", "was": "trial", "becomes": "customer"}

    field: Annotated[
        str,
        Meta(
            max_length=120,
            title="Field",
            description="Which field, by its key",
            extra_json_schema={"x-input": "field"},
        ),
    ] = ""
    was: Annotated[
        _Value | None,
        Meta(description="Only if it was this before", extra_json_schema={"x-input": "line"}),
    ] = None
    becomes: Annotated[
        _Value | None,
        Meta(description="Only if it is this now", extra_json_schema={"x-input": "line"}),
    ] = None
    condition: Annotated[
        Condition | None,
        Meta(title="Only if", description="Only if this holds: of field.new, field.old, contact"),
    ] = None

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Changed) or event.name != self.field:
            return None
        data: dict[str, Any] = {"field": {"name": event.name, "old": event.old, "new": event.new}}
        for path, wanted in (("field.old", self.was), ("field.new", self.becomes)):
            if wanted is not None and not holds(Leaf(path, "is", wanted), data)[0]:
                return None
        if self.condition is not None:
            held, _ = holds(self.condition, {**data, "contact": contact.words()})
            if not held:
                return None
        return Match(f"the field “{event.name}” changed", data)

    def sample(self, automation_id: int, name: str) -> Event:
        new = "something new" if self.becomes is None else self.becomes
        return Changed(self.field, self.was, new)

    def summary(self) -> str:
        said = f"Field “{self.field}” changes"
        if self.was is not None:
            said += f" from “{self.was}”"
        return said if self.becomes is None else f"{said} to “{self.becomes}”"

    def references(self) -> Iterator[Reference]:
        if self.field:
            yield Reference("field", self.field, "/field")

    def looks_at(self) -> Iterator[tuple[str, str]]:
        if self.condition is not None:
            yield from paths_in(self.condition, "/condition")

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.field.strip():
            yield "/field", "Say which field."
        if self.condition is not None:
            yield from problems_in(self.condition, "/condition")
