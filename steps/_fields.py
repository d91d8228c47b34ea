"""What the kinds that change contacts have in common: the name of a field. Not a kind itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

FieldName = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z][A-Za-z0-9_]{0,63})?$",
        description="A field of the contact: a letter, then letters, digits and _",
        extra_json_schema={"x-input": "field"},
    ),
]
_FIXED = frozenset({"id", "phone", "country", "consent", "tags", "zone", "fields"})


def field_problem(name: str) -> str | None:
    """Why an automation cannot write this field."""
    if not name:
        return "Choose a field."
    if name in _FIXED:
        return f"“{name}” cannot be written by an automation; choose another field."
    return None
