"""From a kind's JSON Schema and its settings to the parts of a form. PURE.

Rule: nothing here knows a kind. What a form needs to know stands in the schema: `title` and
`description` (or `x-hint` instead of it), `x-input` (which part draws it), `x-words` (its choices
in words), `x-when` (beside which other settings it is shown), `x-more` (rarely needed).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.duration import parse_duration

INPUTS = frozenset(
    (
        *("text", "message", "options", "duration", "clock", "window", "condition", "template"),
        *("tag", "list", "field", "phone", "automation", "step", "url", "headers", "json"),
        *("language", "user", "value", "date", "zone", "shop", "file"),
        *("line", "long", "number", "switch", "choice", "choices", "lines", "rows", "items"),
        *("group", "map", "raw"),
    )
)
"""What can be drawn: each has a file in `parts/`. Any other `x-input` is drawn by its type."""
LONG = 300  # characters from which on a plain text gets several lines
REPEATED = 50  # characters up to which a hint that holds all words of its label says no more
LABEL = 42  # characters up to which a description serves as the label
UNITS = (("m", "minutes"), ("h", "hours"), ("d", "days"), ("s", "seconds"))
_LENGTHS = {"m": 60, "h": 3600, "d": 86_400, "s": 1}
_SPELLED = {"url": "Address", "id": "Name in the flow", "sha256": "Uploaded file"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without references; “or null” becomes `nullable`, choices of choices one choice."""
    found: dict[str, Any] = dict(schema)
    if "$ref" in found:
        name = str(found.pop("$ref")).rpartition("/")[2]
        base = resolve(defs.get(name, {}), defs)
        base.pop("title", None)  # of a struct it is its class's name
        return {**base, **found}
    branches = found.get("anyOf")
    if not branches:
        return found
    if _is_condition(found):
        found.setdefault("x-input", "condition")
        return found
    real = [one for one in branches if one.get("type") != "null"]
    found["nullable"] = len(real) < len(branches)
    solved = [resolve(one, defs) for one in real]
    if len(solved) == 1:
        del found["anyOf"]
        return {**solved[0], **found}
    if solved and all("enum" in one for one in solved):
        del found["anyOf"]
        return {**found, "enum": [value for one in solved for value in one["enum"]]}
    if any(_is_condition(one) for one in solved) or _names_condition(real):
        found.setdefault("x-input", "condition")
    return found


def element_of(pointer: str) -> str:
    """The id of the element at a place of the form: `/options/0/label` -> `f-options-0-label`."""
    return "f" + "".join(char if char.isalnum() or char in "-_" else "-" for char in pointer)


def words_of(value: Any, schema: Mapping[str, Any] | None = None) -> str:
    """A choice as people read it: `cart.abandoned` -> “Cart abandoned”."""
    said = (schema or {}).get("x-words", {}).get(str(value))
    if said:
        return str(said)
    text = str(value).replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]


def unit_of(text: Any) -> tuple[str, str]:
    """`(number, unit)` of a length such as `2d`; `("", "~")` when one unit cannot say it."""
    if not isinstance(text, str) or not text:
        return "", "h"
    if text[-1] in _LENGTHS and text[:-1].isdecimal() and text[:-1].isascii():
        return text[:-1], text[-1]
    try:
        parse_duration(text)
    except ValueError:
        return "", "~"
    return "", "~"


def holds(when: Mapping[str, Any], beside: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    """Whether a setting is shown, by its `x-when`: each name is one of these values, or it has
    `some` or `none`.
    """
    for name, wanted in when.items():
        value = beside.get(name, defaults.get(name))
        if wanted == "some":
            if not value:
                return False
        elif wanted == "none":
            if value:
                return False
        elif value not in wanted:
            return False
    return True


def input_of(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Which of INPUTS draws a setting of this schema."""
    wanted = schema.get("x-input")
    kind = schema.get("type")
    if wanted in INPUTS and not (kind == "array" and wanted not in ("options", "lines", "rows")):
        return str(wanted)
    match kind:
        case "boolean":
            return "switch"
        case "integer" | "number":
            return "number"
        case "string" | None if "enum" in schema:
            return "choice"
        case "string":
            return "long" if schema.get("maxLength", 0) >= LONG else "line"
        case "array":
            return _array(resolve(schema.get("items") or {}, defs))
        case "object" if "properties" in schema:
            return "group"
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return "map"
        case _:
            return "raw"


def _array(each: Mapping[str, Any]) -> str:
    if "enum" in each:
        return "choices"
    if "properties" in each:
        return "items"
    if each.get("type") != "string":
        return "raw"
    plain = each.get("x-input", "") in ("", "line") or each.get("x-lines")
    return "lines" if plain else "rows"


def called(name: str, schema: Mapping[str, Any]) -> tuple[str, str]:
    """The label and the hint under it."""
    said = " ".join(str(schema.get("description", "")).replace("`", "").split())
    title = str(schema.get("title", ""))
    if "x-hint" in schema:
        return title or words_of(name), str(schema["x-hint"])
    if title:
        return title, "" if _says_no_more(said, title) else said
    if said and len(said) <= LABEL:
        return said, ""
    return _SPELLED.get(name, words_of(name)), said


def _says_no_more(hint: str, title: str) -> bool:
    """Whether a hint only repeats its label."""
    return len(hint) <= REPEATED and all(word in hint.lower() for word in title.lower().split())


def singular(name: str) -> str:
    """One of them: “Answers” -> “Answer”, “Buttons” -> “Button”."""
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def blank(schema: Mapping[str, Any]) -> Any:
    """The value of a setting that has none, and whose schema names none."""
    if schema.get("nullable"):
        return None
    kind = schema.get("type")
    return {"string": "", "array": [], "object": {}, "boolean": False}.get(str(kind))


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is at least of the type that the schema wants."""
    wanted = _TYPES.get(str(schema.get("type")))
    if value is None:
        return bool(schema.get("nullable"))
    return wanted is None or (isinstance(value, wanted) and not (wanted is int and value is True))


def is_tag(schema: Mapping[str, Any]) -> bool:
    """Whether it is the `type` that every entry of a union carries."""
    return len(schema.get("enum", ())) == 1 and "default" not in schema


def _is_condition(schema: Mapping[str, Any]) -> bool:
    mapping: Mapping[str, Any] = schema.get("discriminator", {}).get("mapping", {})
    return {"all", "any", "not"} <= mapping.keys()


def _names_condition(branches: list[Any]) -> bool:
    names = {str(one.get("$ref", "")).rpartition("/")[2] for one in branches}
    return {"All", "Any_", "Not"} <= names
