"""From what a form posted back to settings. PURE.

Rule: a value the schema cannot take is not stored: it is told, and the last good one stays. What
was not posted, or posted unchanged, stays exactly as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from msgspec import Struct

from flows.explain import Place, explain, validator_of
from flows.secrets import VEIL
from web.builder.forms.conditions import read_condition
from web.builder.forms.part import Part
from web.builder.forms.schema import fits

Posted = Mapping[str, Sequence[str]]
"""All values of each field name, in the order of the form."""
NOTHING = "~none"
"""What a choice posts for null, where empty means something else."""
TYPED = "~other"
"""What a choice posts when the value stands in the text beside it (`<name>~text`)."""
_SECRETS = ("auth", "cookie", "token", "secret", "key", "pass", "sig")
_DURATION = "Not saved: write it like 30m, 2h or 1d."
_WRONG = "Not saved: "


class Stale(Exception):  # noqa: N818  it reads as what happened
    """A list has other entries by now than those the form was drawn with."""


class Reader(Struct):
    """Reads the parts of one form; `complaints` say by pointer what was not taken."""

    posted: Posted
    defs: Mapping[str, Any]
    complaints: dict[str, str] = {}

    def settings(self, parts: Sequence[Part], raw: Mapping[str, Any]) -> dict[str, Any]:
        """`raw` with what was posted for `parts`. Raises Stale."""
        found = dict(raw)
        for part in parts:
            value = self.value(part)
            if same(value, part.value):
                continue
            if not part.required and same(value, part.default):
                found.pop(part.name, None)
            else:
                found[part.name] = value
        return found

    def value(self, part: Part) -> Any:
        """What was posted for one part; as it was where nothing was. Raises Stale."""
        match part.input:
            case "group" | "window":
                return self._group(part)
            case "items" | "options" | "rows":
                return self._entries(part)
            case "map" | "headers":
                return self._map(part)
            case "condition":
                return read_condition(part.pointer, part.value, self.posted, self.complaints)
            case "switch":
                said = self.posted.get(part.pointer)
                return part.value if said is None else "yes" in said
            case "choices":
                return self._choices(part)
            case "lines":
                return self._lines(part)
            case _:
                return self._leaf(part)

    def _group(self, part: Part) -> Any:
        if not part.variant:
            return part.value
        base = part.value if part.there and isinstance(part.value, dict) else {}
        made = self.settings(part.parts, base)
        return part.value if same(made, base) else made

    def _entries(self, part: Part) -> Any:
        count = self._count(part)
        if count is None:
            return part.value
        found = [self._entry(one) for one in part.parts]
        return part.value if same(found, part.value) else found

    def _entry(self, one: Part) -> Any:
        if one.input != "group":
            return self._leaf(one)
        return self.settings(one.parts, one.value if isinstance(one.value, dict) else {})

    def _map(self, part: Part) -> Any:
        """A map's rows by number, and one more for a new entry."""
        if self._count(part) is None:
            return part.value
        found: dict[str, Any] = {}
        for row in part.parts:
            key = self._text(f"{row.pointer}~key", row.variant).strip()
            value = self._leaf(row)
            if not key and not value:
                continue
            self._put(found, part, row.pointer, key or row.variant, value, was=row.variant)
        new = f"{part.pointer}/{len(part.parts)}"
        key, text = self._text(f"{new}~key", "").strip(), self._text(new, "")
        if key and not part.full:
            self._put(found, part, new, key, text)
        elif text:
            self.complaints[new] = f"{_WRONG}give it a name too."
        if same(found, part.value) and list(found) == list(part.value or {}):
            return part.value
        return found

    def _put(
        self, found: dict[str, Any], part: Part, row: str, key: str, value: Any, was: str = ""
    ) -> None:
        named = part.schema.get("propertyNames")
        wrong = self._wrong(key, named) if named else ""
        if key in found:
            wrong = f"{_WRONG}there is another “{key}” already."
        if not was and not wrong:
            wrong = self._wrong(value, part.schema.get("additionalProperties") or {})
        if wrong:
            self.complaints[row] = wrong
            if was and was not in found:
                found[was] = value
            return
        found[key] = value

    def _count(self, part: Part) -> int | None:
        said = self.posted.get(f"{part.pointer}/#")
        if said is None:
            return None
        if said[-1] != str(len(part.parts)):
            raise Stale
        return len(part.parts)

    def _choices(self, part: Part) -> Any:
        said = self.posted.get(part.pointer)
        if said is None:
            return part.value
        old = part.value if isinstance(part.value, list) else []
        if {one for one in said if one} == {str(one) for one in old}:
            return part.value
        return [value for value, _ in part.options if value in said]

    def _lines(self, part: Part) -> Any:
        said = self.posted.get(part.pointer)
        if said is None:
            return part.value
        old = part.value if isinstance(part.value, list) else []
        if _split(said[-1]) == _split("\n".join(map(str, old))):
            return part.value
        found = _split(said[-1])
        return self._checked(part, found)

    def _leaf(self, part: Part) -> Any:
        if part.input == "duration":
            return self._duration(part)
        said = self.posted.get(part.pointer)
        if said is None:
            return part.value
        text = said[-1].replace("\r\n", "\n")
        if text == TYPED:
            text = self._text(f"{part.pointer}~text", "").strip()
        if text == NOTHING:
            return None
        if text == VEIL:
            return part.value
        if text == shown(part.value) and not (part.value is None and not part.nullable):
            return part.value
        if part.nullable and not text.strip() and part.input != "user":
            return None
        return self._checked(part, self._typed(part, text))

    def _typed(self, part: Part, text: str) -> Any:
        match part.schema.get("type"):
            case "integer" | "number":
                return _number(text)
            case "string":
                one_line = "pattern" in part.schema or part.input in ("line", "url", "value")
                return text.strip() if one_line else text
            case _ if part.input == "choice":
                return next((one for one in part.schema["enum"] if str(one) == text), text)
            case _:
                try:
                    return json.loads(text)
                except ValueError:
                    return text

    def _duration(self, part: Part) -> Any:
        pointer = part.pointer
        said = self.posted.get(f"{pointer}~unit")
        if said is None:
            return part.value
        unit = said[-1]
        if unit == "~":
            text = "".join(self._text(f"{pointer}~text", shown(part.value)).lower().split())
        else:
            number = self._text(f"{pointer}~number", "").strip()
            text = f"{number}{unit}" if number else ""
        if text == shown(part.value):
            return part.value
        if not text and part.nullable:
            return None
        wrong = self._wrong(text, part.schema)
        if wrong:
            self.complaints[pointer] = _DURATION
            return part.value
        return text

    def _checked(self, part: Part, value: Any) -> Any:
        wrong = self._wrong(value, part.schema)
        if not wrong:
            return value
        self.complaints[part.pointer] = wrong
        return part.value if fits(part.value, part.schema) else part.default

    def _wrong(self, value: Any, schema: Mapping[str, Any]) -> str:
        validator = _validator(msgspec.json.encode({**schema, "$defs": self.defs}))
        for problem in explain(validator, value, Place()):
            said = problem.sentence
            return f"{_WRONG}{said[:1].lower()}{said[1:]} {problem.todo}".rstrip()
        return ""

    def _text(self, name: str, default: str) -> str:
        said = self.posted.get(name)
        return default if said is None else said[-1].replace("\r\n", "\n")


def shown(value: Any) -> str:
    """A value as its field shows it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False, indent=2)


def is_secret(name: str, value: Any) -> bool:
    """Whether a header's value looks like something that nobody should read again."""
    named = any(one in name.lower() for one in _SECRETS)
    return named and isinstance(value, str) and bool(value) and "{{" not in value


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; true is not one."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """`(name, value, is there)` of every setting that differs."""
    for name in [*old, *(key for key in new if key not in old)]:
        if name not in new:
            yield name, None, False
        elif name not in old or not same(old[name], new[name]):
            yield name, new[name], True


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]


def _number(text: str) -> Any:
    """The number in a text, `1,5` included; the text itself when it is none."""
    said = text.strip().replace(",", ".")
    try:
        return int(said)
    except ValueError:
        pass
    try:
        number = float(said)
    except ValueError:
        return text
    return number if number == number and abs(number) != float("inf") else text  # noqa: PLR0124


@lru_cache(maxsize=512)
def _validator(schema: bytes) -> Draft202012Validator:
    return validator_of(msgspec.json.decode(schema))
