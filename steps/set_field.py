"""The kind `set_field`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import SetField as Change
from flows.fields import Unfit
from flows.step import Context, Exit, Group, Leave, Outcome, Reference, Step
from steps._fields import FieldName, field_problem, field_reference, fitted
from steps._sending import Liquid

_INVALID = "invalid"


class SetField(Step, frozen=True, kw_only=True, tag="set_field"):
    """Writes a value into a field of the contact, or empties it. What does not fit the field's
    kind (a word for a number) leaves it as it was and goes on by “Does not fit”, or where that
    leads nowhere by “Done”.
    """

    label: ClassVar[str] = "Set field"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "pencil"
    example: ClassVar[Mapping[str, Any]] = {
        "field": "last_order",
        "value": "{{ order.name | default: data.order }}",
    }

    field: FieldName = ""
    value: Annotated[
        Liquid | None,
        Meta(
            title="Value",
            description="What to write; may hold variables. None empties it",
            extra_json_schema={"x-hint": "Left empty, the field is emptied."},
        ),
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True), Exit(_INVALID, "Does not fit"))

    def enter(self, ctx: Context) -> Outcome:
        value = fitted(ctx, self.field, ctx.render(self.value).strip() if self.value else None)
        if isinstance(value, Unfit):
            why = f"{self.field} stays as it is: {value.why}"
            return Leave(_INVALID if _INVALID in self.next else "done", why)
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

    def references(self) -> Iterator[Reference]:
        yield from field_reference(self.field, "/field")
