"""From a kind's JSON Schema and its settings to the parts of a form. PURE.

Rule: nothing here knows a kind. What a form needs to know stands in the schema: `title` and
`description` (or `x-hint` instead of it), `x-input` (which part draws it), `x-words` (its choices
in words), `x-when` (beside which other settings it is shown), `x-more` (rarely needed).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from flows.duration import parse_duration

INPUTS = frozenset(
    (
        *("text", "message", "options", "duration", "clock", "window", "condition", "template"),
        *("tag", "list", "field", "phone", "automation", "step", "url", "headers", "json"),
        *("language", "user", "value", "date", "zone", "shop"),
        *(
            "line",
            "long",
            "number",
            "switch",
            "choice",
            "choices",
            "lines",
            "rows",
            "items",
            "group",
        ),
        *("map", "raw"),
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


class Part(Struct, kw_only=True):
    """One setting as the form shows it, or a group of them.

    `pointer` is its place below the form's root and its field name; `where` the same in the
    document (they differ for the rows of a map, which are counted). `value` is what it is set to.
    `variant` says how it is drawn just now, where that depends on the value.
    """

    pointer: str
    where: str
    input: str
    label: str = ""
    hint: str = ""
    value: Any = None
    default: Any = None
    schema: Mapping[str, Any] = {}
    required: bool = False
    nullable: bool = False
    there: bool = True
    more: bool = False
    variant: str = ""
    options: tuple[tuple[str, str], ...] = ()
    parts: list[Part] = []
    shown_with: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """The setting's own name."""
        return self.pointer.rpartition("/")[2]

    @property
    def limit(self) -> int | None:
        """How many characters or entries fit."""
        found = self.schema.get("maxLength", self.schema.get("maxItems"))
        return found if found is not None else self.schema.get("maxProperties")

    @property
    def grows(self) -> str:
        """What the button says that adds an entry."""
        many = self.label.endswith("s") and " to " not in self.label
        return f"Add {singular(self.label).lower()}" if many else "Add"

    @property
    def full(self) -> bool:
        """Whether another entry would be one too many."""
        return self.limit is not None and len(self.parts) >= self.limit

    def walk(self) -> Iterator[Part]:
        """This part and all inside it."""
        yield self
        for one in self.parts:
            yield from one.walk()

    def shape(self) -> tuple[Any, ...]:
        """What must be equal for two drawings of it to have the same fields."""
        return (
            *(self.pointer, self.input, self.variant, self.label, self.hint, self.there),
            self.options,
            tuple(one.shape() for one in self.parts),
        )


class Frame(Struct, frozen=True):
    """What every part of a form may need: the schemas that others refer to, and the places of
    problems, which are shown whatever stands beside them.
    """

    defs: Mapping[str, Any]
    wrong: frozenset[str] = frozenset()

    def is_wrong(self, where: str) -> bool:
        """Whether a problem lies there or inside."""
        return any(one == where or one.startswith(f"{where}/") for one in self.wrong)


def parts_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    leave_out: frozenset[str] = frozenset(),
    base: str = "",
    wrong: frozenset[str] = frozenset(),
) -> list[Part]:
    """The parts of a form for `values`, which may be wrong in any way; in the schema's order.
    `base` is the place of the values below the form's root, `wrong` are the places of problems.
    """
    frame = Frame(schema.get("$defs", {}), wrong)
    own = resolve(schema, frame.defs)
    return _properties(own, values, base, base, frame, leave_out)


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


def _properties(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    pointer: str,
    where: str,
    frame: Frame,
    leave_out: frozenset[str] = frozenset(),
) -> list[Part]:
    known: Mapping[str, Any] = schema.get("properties", {})
    solved = {
        name: resolve(one, frame.defs)
        for name, one in known.items()
        if name not in leave_out and not _is_tag(one)
    }
    defaults = {name: one.get("default") for name, one in solved.items()}
    required = schema.get("required", ())
    return [
        _part(
            f"{pointer}/{name}",
            f"{where}/{name}",
            one,
            values,
            frame,
            required=name in required,
        )
        for name, one in solved.items()
        if holds(one.get("x-when", {}), values, defaults) or frame.is_wrong(f"{where}/{name}")
    ]


def _part(
    pointer: str,
    where: str,
    schema: Mapping[str, Any],
    holder: Mapping[str, Any] | None,
    frame: Frame,
    *,
    required: bool = False,
    value: Any = None,
) -> Part:
    """The part of one resolved schema; its value is in `holder` by its name, or `value` itself."""
    name = pointer.rpartition("/")[2]
    default = schema.get("default", _blank(schema))
    if holder is not None:
        value = holder.get(name, default)
    label, hint = _called(name, schema)
    limits: Mapping[str, Any] = schema.get("x-limit-with", {})
    narrow = [limit for other, limit in limits.items() if (holder or {}).get(other)]
    made = Part(
        pointer=pointer,
        where=where,
        input=_input(schema, frame),
        label=label,
        hint=hint,
        value=value,
        default=default,
        schema=schema,
        required=required,
        nullable=bool(schema.get("nullable")),
        there=holder is None or name in holder,
        more=bool(schema.get("x-more")),
        variant=str(min(narrow)) if narrow else "",
    )
    _fill(made, frame)
    return made


def _fill(part: Part, frame: Frame) -> None:
    """What depends on the kind of input: choices, entries, settings of a group."""
    schema, value = part.schema, part.value
    match part.input:
        case "choice":
            part.options = tuple((str(one), words_of(one, schema)) for one in schema["enum"])
        case "choices":
            each = resolve(schema["items"], frame.defs)
            part.options = tuple(
                (str(one), words_of(one, {**each, **schema})) for one in each["enum"]
            )
        case "duration":
            part.variant = "written" if unit_of(value)[1] == "~" else ""
        case "group" | "window":
            inner = value if isinstance(value, dict) else {}
            part.variant = "" if part.nullable and value is None else "open"
            if part.variant:
                part.parts = _properties(schema, inner, part.pointer, part.where, frame)
        case "rows" | "items" | "options":
            part.parts = list(_entries(part, frame))
        case "map" | "headers":
            part.parts = list(_map_rows(part, frame))


def _entries(part: Part, frame: Frame) -> Iterator[Part]:
    each = resolve(part.schema["items"], frame.defs)
    for number, one in enumerate(part.value if isinstance(part.value, list) else ()):
        pointer, where = f"{part.pointer}/{number}", f"{part.where}/{number}"
        if part.input == "rows":
            made = _part(pointer, where, each, None, frame, value=one)
            made.label, made.hint = f"{singular(part.label)} {number + 1}", ""
            yield made
            continue
        inner = one if isinstance(one, dict) else {}
        yield Part(
            pointer=pointer,
            where=where,
            input="group",
            label=_entry_label(part, inner, number),
            value=one,
            schema=each,
            variant="open",
            parts=_properties(each, inner, pointer, where, frame),
        )


def _map_rows(part: Part, frame: Frame) -> Iterator[Part]:
    each = resolve(part.schema.get("additionalProperties") or {}, frame.defs)
    entries = list(part.value.items()) if isinstance(part.value, dict) else []
    for number, (key, one) in enumerate(entries):
        made = _part(
            f"{part.pointer}/{number}", f"{part.where}/{key}", each, None, frame, value=one
        )
        made.label, made.variant = str(key), str(key)
        yield made


def _input(schema: Mapping[str, Any], frame: Frame) -> str:
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
            return _array(resolve(schema.get("items") or {}, frame.defs))
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


def _called(name: str, schema: Mapping[str, Any]) -> tuple[str, str]:
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


def _entry_label(part: Part, entry: Mapping[str, Any], number: int) -> str:
    said = entry.get("label")
    called = f"{singular(words_of(part.name))} {number + 1}"
    return f"{called}: {said}" if isinstance(said, str) and said else called


def singular(name: str) -> str:
    """One of them: “Answers” -> “Answer”, “Buttons” -> “Button”."""
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def _blank(schema: Mapping[str, Any]) -> Any:
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


def _is_tag(schema: Mapping[str, Any]) -> bool:
    """The `type` that every entry of a union carries."""
    return len(schema.get("enum", ())) == 1 and "default" not in schema


def _is_condition(schema: Mapping[str, Any]) -> bool:
    mapping: Mapping[str, Any] = schema.get("discriminator", {}).get("mapping", {})
    return {"all", "any", "not"} <= mapping.keys()


def _names_condition(branches: list[Any]) -> bool:
    names = {str(one.get("$ref", "")).rpartition("/")[2] for one in branches}
    return {"All", "Any_", "Not"} <= names
