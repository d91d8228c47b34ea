"""The parts of a form: a kind's settings, each with what its field needs. PURE.

Rule: it can be made of any document; what does not fit its schema is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from web.builder.forms.schema import (
    blank,
    called,
    holds,
    input_of,
    is_tag,
    resolve,
    singular,
    unit_of,
    words_of,
)


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
        if name not in leave_out and not is_tag(one)
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
    default = schema.get("default", blank(schema))
    if holder is not None:
        value = holder.get(name, default)
    label, hint = called(name, schema)
    limits: Mapping[str, Any] = schema.get("x-limit-with", {})
    narrow = [limit for other, limit in limits.items() if (holder or {}).get(other)]
    made = Part(
        pointer=pointer,
        where=where,
        input=input_of(schema, frame.defs),
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


def _entry_label(part: Part, entry: Mapping[str, Any], number: int) -> str:
    said = entry.get("label")
    called = f"{singular(words_of(part.name))} {number + 1}"
    return f"{called}: {said}" if isinstance(said, str) and said else called
