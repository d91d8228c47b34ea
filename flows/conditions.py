"""The condition tree shared by if_else, triggers, exit rules and segments.

A leaf compares one value, found by its dotted path (`contact.tags`, `cart.total`, `answers.size`),
with another. A verdict always comes with its reason in words, for the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from flows.patterns import search
from flows.words import normal

Operator = Literal[
    "is",
    "is_not",
    "contains",
    "contains_not",
    "starts_with",
    "matches",
    "more_than",
    "less_than",
    "at_least",
    "at_most",
    "before",
    "after",
    "is_set",
    "is_empty",
    "is_one_of",
]
_SAID: dict[Operator, str] = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "contains_not": "does not contain",
    "starts_with": "starts with",
    "matches": "matches",
    "more_than": "is more than",
    "less_than": "is less than",
    "at_least": "is at least",
    "at_most": "is at most",
    "before": "is before",
    "after": "is after",
    "is_set": "is set",
    "is_empty": "is empty",
    "is_one_of": "is one of",
}
_SHOWN = 60  # characters of a value repeated in a reason
_DEPTH = 8


class Leaf(Struct, frozen=True, forbid_unknown_fields=True, tag="is", tag_field="type"):
    """One comparison: the value at `value` (a dotted path) `op` `to`."""

    value: Annotated[str, Meta(min_length=1, max_length=200, description="What to look at")]
    op: Operator = "is"
    to: str | int | float | bool | list[str] | None = None


class All(Struct, frozen=True, forbid_unknown_fields=True, tag="all", tag_field="type"):
    """Every one of the conditions holds (none at all: holds)."""

    of: list[Condition] = []


class Any_(  # noqa: N801  `Any` is taken, and All, Any, Not belong together
    Struct, frozen=True, forbid_unknown_fields=True, tag="any", tag_field="type"
):
    """At least one of the conditions holds (none at all: does not)."""

    of: list[Condition] = []


class Not(Struct, frozen=True, forbid_unknown_fields=True, tag="not", tag_field="type"):
    """The condition does not hold."""

    of: Condition


Condition = Leaf | All | Any_ | Not


def holds(condition: Condition, values: Mapping[str, Any], depth: int = 0) -> tuple[bool, str]:
    """Whether `condition` holds for `values`, and why, in words."""
    if depth > _DEPTH:
        return False, f"conditions are nested more than {_DEPTH} deep"
    match condition:
        case Leaf():
            return _compare(condition, look_up(values, condition.value))
        case Not(of=inner):
            held, why = holds(inner, values, depth + 1)
            return not held, why
        case All(of=parts):
            said = []
            for part in parts:
                held, why = holds(part, values, depth + 1)
                if not held:
                    return False, why
                said.append(why)
            return True, " and ".join(said) or "there is no condition"
        case Any_(of=parts):
            said = []
            for part in parts:
                held, why = holds(part, values, depth + 1)
                if held:
                    return True, why
                said.append(why)
            return False, ", ".join(said) or "there is nothing to choose from"


def in_words(condition: Condition) -> str:
    """The condition as a person would say it: `tags contains “vip” and cart.total is set`."""
    match condition:
        case Leaf(value=value, op=op, to=to):
            said = f"{value.removeprefix('contact.')} {_SAID[op]}"
            return said if op in ("is_set", "is_empty") else f"{said} {_show(to)}"
        case Not(of=inner):
            return f"not ({in_words(inner)})"
        case All(of=parts):
            return " and ".join(map(_inner_words, parts)) or "always"
        case Any_(of=parts):
            return " or ".join(map(_inner_words, parts)) or "never"


def _inner_words(condition: Condition) -> str:
    several = isinstance(condition, All | Any_) and len(condition.of) > 1
    return f"({in_words(condition)})" if several else in_words(condition)


def look_up(values: Any, path: str) -> Any:
    """The value at a dotted path, or None. Numbers index lists: `cart.items.0.title`."""
    found: Any = values
    for part in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _compare(leaf: Leaf, found: Any) -> tuple[bool, str]:
    held = _test(leaf.op, found, leaf.to)
    said = "holds" if held else "does not hold"
    shown = "empty" if _empty(found) else _show(found)
    return held, f"“{in_words(leaf)}” {said}: it is {shown}"


def _test(op: Operator, found: Any, to: Any) -> bool:
    match op:
        case "is_set":
            return not _empty(found)
        case "is_empty":
            return _empty(found)
        case "is":
            return _same(found, to)
        case "is_not":
            return not _same(found, to)
        case "is_one_of":
            return any(_same(found, one) for one in (to if isinstance(to, list) else [to]))
        case "contains":
            return _contains(found, to)
        case "contains_not":
            return not _contains(found, to)
        case "starts_with":
            return normal(_text(found)).startswith(normal(_text(to)))
        case "matches":
            return search(_text(to), _text(found))
        case _:
            return _test_order(op, found, to)


def _test_order(op: Operator, found: Any, to: Any) -> bool:
    read: Callable[[Any], Any] = _moment if op in ("before", "after") else _number
    left, right = read(found), read(to)
    if left is None or right is None:
        return False
    if left == right:
        return op in ("at_least", "at_most")
    return bool(left > right) == (op in ("after", "more_than", "at_least"))


def _empty(found: Any) -> bool:
    return found is None or (isinstance(found, str | list | dict) and not found)


def _same(found: Any, to: Any) -> bool:
    if isinstance(found, list):
        return any(_same(one, to) for one in found)
    left, right = _number(found), _number(to)
    if left is not None and right is not None:
        return left == right
    return normal(_text(found)) == normal(_text(to))


def _contains(found: Any, to: Any) -> bool:
    wanted = normal(_text(to))
    if isinstance(found, list):
        return any(normal(_text(one)) == wanted for one in found)
    return wanted in normal(_text(found))


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(value: Any) -> datetime | None:
    """`value` as a moment; a day is its midnight, and a time without a zone is UTC."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        try:
            moment = datetime.fromisoformat(_text(value).strip())
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _show(value: Any) -> str:
    text = ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
    return f"“{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"
