"""Tables of settings for the docs, in words, from JSON Schema.

Rule: what a table says of a setting is what its schema says.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.kinds import catalog

CONDITION_PARTS = {"Leaf", "All", "Any_", "Not"}
SHOWN_PATTERNS = range(3, 40)
"""Lengths of patterns that help a reader; longer ones are told by the description."""
PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
}
INPUTS = {
    "duration": "duration",
    "clock": "time of day",
    "condition": "condition",
    "field": "name of a field",
}


def table_of(kind: type) -> str:
    """Return the table of a struct's settings."""
    parts = catalog().kind_schema(kind)["$defs"]
    own = parts[kind.__name__]
    return table(own["properties"], own["required"], parts)


def table(properties: Mapping[str, Any], required: list[str], parts: Mapping[str, Any]) -> str:
    """Return a table of `properties`; `parts` are the schemas that they may refer to."""
    lines = ["| setting | may be | default | meaning |", "|---|---|---|---|"]
    for name, schema in properties.items():
        default = "required" if name in required else f"`{_short(schema.get('default'))}`"
        cells = (f"`{name}`", _may_be(schema, parts), default, words_of(schema, parts))
        lines.append("| " + " | ".join(_safe(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def words_of(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Return what a schema says of itself: its own words, else those of what it refers to."""
    own = schema.get("description")
    if own is None and "$ref" in schema:
        own = parts[_name(schema)].get("description")
    if own is None:
        own = next(
            (one["description"] for one in schema.get("anyOf", ()) if "description" in one), ""
        )
    return " ".join(str(own).split())


def _may_be(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if schema.get("x-input") in INPUTS:
        return INPUTS[schema["x-input"]]
    if "$ref" in schema:
        name = _name(schema)
        return "condition" if name in CONDITION_PARTS else f"**{name}**"
    if "enum" in schema:
        return ", ".join(f"`{_short(one)}`" for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_may_be(one, parts) for one in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array" and "items" in schema:
        inner = _may_be(schema["items"], parts) if schema["items"] else "values"
        return f"list of {inner}{_limits(schema)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        inner = _may_be(schema["additionalProperties"], parts)
        return f"object: name → {inner or 'entry'}{_limits(schema)}"
    return f"{PLAIN.get(str(kind), '')}{_limits(schema)}"


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _safe(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")


def _limits(schema: Mapping[str, Any]) -> str:
    return ", ".join(["", *_each_limit(schema)])


def _each_limit(schema: Mapping[str, Any]) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    for key, unit in (
        ("maxLength", " characters"),
        ("maxItems", " entries"),
        ("maxProperties", " entries"),
    ):
        if key in schema:
            yield f"at most {schema[key]:,}{unit}"
    if len(schema.get("pattern", "")) in SHOWN_PATTERNS:
        yield f"`{schema['pattern']}`"


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value or '""'


def as_json(value: object) -> str:
    """Return `value` as a block of JSON."""
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```\n"
