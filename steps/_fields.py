"""What the kinds that change contacts have in common: a field, and what fits into it. Not a kind
itself.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from flows.contact import BUILT_IN_FIELDS
from flows.fields import Unfit, fit
from flows.step import Context, Reference

FieldName = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z][A-Za-z0-9_]{0,63})?$",
        title="Field",
        description="A field of the contact: a letter, then letters, digits and _",
        extra_json_schema={"x-input": "field", "x-hint": ""},
    ),
]
_FIXED = frozenset(
    (
        *("id", "phone", "country", "consent", "tags", "lists", "zone", "fields", "blocked"),
        *("handed_over", "last_seen", "last_written_to", "last_message", "created"),
    )
)


def field_problem(name: str) -> str | None:
    """Why an automation cannot write this field."""
    if not name:
        return "Choose a field."
    if name in _FIXED:
        return f"“{name}” cannot be written by an automation; choose another field."
    return None


def field_reference(name: str, where: str) -> tuple[Reference, ...]:
    """The company's own field that a setting names; none for those that everybody has."""
    return () if not name or name in BUILT_IN_FIELDS else (Reference("field", name, where),)


def fitted(ctx: Context, name: str, value: Any) -> Any | Unfit:
    """`value` as that field of the contact keeps it: by its kind where the company defined one."""
    kind = None if name in BUILT_IN_FIELDS else ctx.contact.company.fields.get(name)
    if kind is not None:
        return fit(kind, value, ctx.contact.zone)
    if isinstance(value, list | dict):
        return Unfit("a list or an object does not fit into a field")
    return None if value == "" else value
