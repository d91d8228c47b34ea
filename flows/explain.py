"""JSON Schema's complaints in words an author understands, with a hint of the nearest name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from jsonschema import Draft202012Validator, ValidationError, validators
from msgspec import Meta, Struct

from flows.problems import Problem, pointer

_WRITTEN = {
    "duration": "a length of time such as 30m, 24h, 2d or 1d12h",
    "clock": "a time of day such as 09:30",
}
_MOMENTS = {
    "date": "a day; write it as 2026-11-24",
    "date-time": "a time with its zone; write it as 2026-11-24T09:00:00Z",
}
NOT_BLANK = r"\S"
"""The pattern of a text that is more than spaces."""
_Aware = Annotated[datetime, Meta(tz=True)]
_CHOICE = 20  # names that are still read as a choice
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Place(Struct, frozen=True):
    """Where in the document the checked value stands."""

    step: str = ""
    path: tuple[str, ...] = ()


def validator_of(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that takes the branch of a union which the value's tag names. To try them all
    takes twice as long with each level of nesting: for ever, with conditions twenty deep.
    """
    made: Draft202012Validator = _Validator(schema)
    return made


def explain(validator: Draft202012Validator, value: object, place: Place) -> Iterator[Problem]:
    """Every complaint of `validator` about `value`, each as a Problem."""
    told: set[tuple[str, str, str]] = set()  # two rules of a schema may say the same
    try:
        for error in validator.iter_errors(value):
            for cause in _causes(error):
                for one in _problems(cause, place):
                    if (said := (one.field, one.sentence, one.todo)) not in told:
                        told.add(said)
                        yield one
    except RecursionError:
        yield Problem("error", "This is nested too deeply.", pointer(*place.path), place.step)


def _any_of(
    validator: Any, branches: list[Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    union = schema.get("discriminator")
    if union is None or not isinstance(instance, dict):
        yield from Draft202012Validator.VALIDATORS["anyOf"](validator, branches, instance, schema)
        return
    name, meant = union["propertyName"], union["mapping"]
    tag = instance.get(name)
    if isinstance(tag, str) and tag in meant:
        yield from validator.descend(instance, {"$ref": meant[tag]})
    elif name in instance:
        yield from validator.descend(instance, {"properties": {name: {"enum": [*meant]}}})
    else:
        yield from validator.descend(instance, {"required": [name]})


def _format(
    validator: Any, kind: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """No such day, a time without its zone, or one beyond the years of UTC."""
    del validator, schema
    if not isinstance(instance, str) or kind not in _MOMENTS:
        return
    try:
        if kind == "date":
            msgspec.convert(instance, date)
        else:
            msgspec.convert(instance, _Aware).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        yield ValidationError(f"“{instance}” is not {_MOMENTS[kind]}")


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"anyOf": _any_of, "format": _format}
)


def nearest(word: str, words: Iterable[str]) -> str:
    """“Did you mean …?” when something is close, else the whole choice if it is not too long."""
    known = sorted(words)
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean “{folded[close[0]]}”?"
    return f"Choose one of {', '.join(known)}." if len(known) <= _CHOICE else ""


def _causes(error: ValidationError) -> list[ValidationError]:
    """Of an `anyOf`, the complaints of the branch the author meant."""
    if error.validator != "anyOf" or not error.context:
        return [error]
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)

    def misses(complaints: list[ValidationError]) -> tuple[bool, bool, int]:
        wrong_type = any(one.validator == "type" and not one.path for one in complaints)
        wrong_tag = any(
            one.validator == "enum" and one.path and one.path[-1] == "type" for one in complaints
        )
        return wrong_type, wrong_tag, len(complaints)

    best = min(branches.values(), key=misses)
    if all(misses(one)[0] for one in branches.values()):
        return [error]
    return [cause for inner in best for cause in _causes(inner)]


def _problems(error: ValidationError, place: Place) -> Iterator[Problem]:
    path = [*place.path, *map(str, error.absolute_path)]
    instance: Any = error.instance
    limit: Any = error.validator_value
    if error.validator == "additionalProperties":
        known = _schema(error).get("properties", {})
        for name in sorted(set(instance) - set(known)):
            yield Problem(
                "error",
                f"“{name}” is not known here.",
                pointer(*path, name),
                place.step,
                nearest(name, known) if known else "",
            )
        return
    if error.validator == "required":
        for name in limit:
            if name not in instance:
                yield Problem("error", f"“{name}” is missing.", pointer(*path, name), place.step)
        return
    yield Problem("error", _sentence(error), pointer(*path), place.step)


def _sentence(error: ValidationError) -> str:
    limit: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            return f"This must be {' or '.join(_TYPES[kind] for kind in kinds)}."
        case "enum" | "const":
            choice = limit if isinstance(limit, list) else [limit]
            given = instance if isinstance(instance, str) else json.dumps(instance)
            return f"“{given}” is not possible here. {nearest(given, map(str, choice))}"
        case "pattern":
            return _miswritten(error)
        case "minLength" | "minItems" | "minProperties":
            return _too_little(error)
        case "maxLength":
            return f"This is too long: {len(instance):,} characters, at most {limit:,} fit."
        case "maxItems" | "maxProperties":
            return f"There are {len(instance)}; at most {limit} are possible."
        case "minimum" | "exclusiveMinimum":
            return f"{error.instance} is too small; the least is {limit}."
        case "maximum" | "exclusiveMaximum":
            return f"{error.instance} is too large; the most is {limit}."
        case "anyOf":
            kinds = [_TYPES[one["type"]] for one in limit if one.get("type") in _TYPES]
            return f"This must be {' or '.join(kinds)}." if kinds else "This has a wrong form."
        case _:
            return f"{error.message}."


def _miswritten(error: ValidationError) -> str:
    if error.validator_value == NOT_BLANK:
        return "This is empty."
    return f"“{error.instance}” is not written as it must be: {_meaning(error)}."


def _too_little(error: ValidationError) -> str:
    least: Any = error.validator_value
    if least == 1:
        return "This is empty."
    characters = " characters" if error.validator == "minLength" else ""
    return f"This needs at least {least}{characters}."


def _meaning(error: ValidationError) -> str:
    schema = _schema(error)
    written = _WRITTEN.get(schema.get("x-input", ""))
    return str(written or schema.get("description") or f"it must match {error.validator_value}")


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}
