"""The kind `set_field`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import SetField as Change
from flows.step import Context, Exit, Group, Leave, Outcome, Step
from steps._fields import FieldName, field_problem
from steps._sending import Liquid


class SetField(Step, frozen=True, kw_only=True, tag="set_field"):
    """Writes a value into a field of the contact, or empties it."""

    label: ClassVar[str] = "Set field"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "pencil"
    example: ClassVar[Mapping[str, Any]] = {
        "field": "last_order",
        "value": "{{ order.name | default: data.order }}",
    }

    field: FieldName = ""
    value: Annotated[
        Liquid | None, Meta(description="What to write; may hold variables. None empties it")
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        value = (ctx.render(self.value) if self.value else None) or None
        why = f"{self.field} is now empty" if value is None else f"{self.field} is now “{value}”"
        return Leave("done", why, (Change(self.field, value),))

    def summary(self) -> str:
        if not self.field:
            return "No field yet"
        return f"{self.field} = {self.value}" if self.value else f"Empty {self.field}"

    def texts(self) -> Iterator[tuple[str, str]]:
        if self.value:
            yield "/value", self.value

    def problems(self) -> Iterator[tuple[str, str]]:
        wrong = field_problem(self.field)
        if wrong:
            yield "/field", wrong
