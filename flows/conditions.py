"""The condition tree shared by if_else, branch, triggers, entry and segments.

A leaf compares one value, found by its dotted path (`contact.tags`, `cart.total`, `answers.size`),
with another. A verdict always comes with its reason in words and with what it looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from flows.comparing import (
    ALONE,
    LASTING,
    ORDERED,
    SAID,
    Operator,
    Scene,
    can_be_ordered,
    compares,
    is_empty,
    show,
)
from flows.duration import parse_duration
from flows.patterns import problem_in_pattern
from flows.values import CHOICES, Values
from flows.words import normal

_DEPTH = 8
_TOO_DEEP = f"conditions are nested more than {_DEPTH} deep"
_NEED_NOTHING = frozenset(("is", "is_not", *ALONE))  # “is nothing” is a fair question
_KEPT_TEXT, _KEPT_ITEMS, _KEPT_DEPTH = 200, 20, 4  # what the trace keeps of a long value
_FIELDS = "contact.fields."


class Leaf(Struct, frozen=True, forbid_unknown_fields=True, tag="is", tag_field="type"):
    """One comparison: the value at `value` (a dotted path) `op` `to`."""

    value: Annotated[str, Meta(min_length=1, max_length=200, description="What to look at")]
    op: Annotated[Operator, Meta(description="How it is compared")] = "is"
    to: Annotated[
        str | int | float | bool | list[str | int | float] | None,
        Meta(description="What it is compared with; a length of time for “within” and “ago”"),
    ] = None
    to_value: Annotated[
        str, Meta(max_length=200, description="Compare with this value instead: a dotted path")
    ] = ""


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


class Judged(Struct, frozen=True):
    """Whether a condition holds, why in words, and the values it looked at by path."""

    held: bool
    why: str
    saw: dict[str, Any]


def judge(condition: Condition, values: Mapping[str, Any]) -> Judged:
    """Whether `condition` holds for `values`; only what decides it is looked at."""
    saw: dict[str, Any] = {}
    held, why = _judge(condition, values, saw, 0)
    return Judged(held, why, saw)


def holds(condition: Condition, values: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether `condition` holds for `values`, and why, in words."""
    return _judge(condition, values, {}, 0)


def in_words(condition: Condition) -> str:
    """The condition as a person would say it: `tags contains “vip” and cart.total is set`."""
    match condition:
        case Leaf(value=value, op=op, to=to, to_value=other):
            said = f"{_named(value)} {SAID[op]}"
            if op in ALONE:
                return said
            if other:
                return f"{said} {_named(other)}"
            if op == "between" and isinstance(to, list) and len(to) == 2:  # noqa: PLR2004
                return f"{said} {show(to[0])} and {show(to[1])}"
            return f"{said} {show(to)}"
        case Not(of=inner):
            return f"not ({in_words(inner)})"
        case All(of=parts):
            return " and ".join(map(_inner_words, parts)) or "always"
        case Any_(of=parts):
            return " or ".join(map(_inner_words, parts)) or "never"


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


def paths_in(condition: Condition, where: str) -> Iterator[tuple[str, str]]:
    """`(field, path)` of every value that the condition looks at."""
    match condition:
        case Leaf(value=value, to_value=other):
            yield f"{where}/value", value
            if other:
                yield f"{where}/to_value", other
        case Not(of=inner):
            yield from paths_in(inner, f"{where}/of")
        case All(of=parts) | Any_(of=parts):
            for number, part in enumerate(parts):
                yield from paths_in(part, f"{where}/of/{number}")


def problems_in(condition: Condition, where: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """`(field, sentence)` of what the schema cannot say is wrong with a condition."""
    if depth > _DEPTH:
        yield where, f"Conditions can be nested {_DEPTH} deep; this goes deeper."
        return
    match condition:
        case Leaf():
            wrong = _leaf_problem(condition)
            if wrong:
                yield f"{where}/to", wrong
        case Not(of=inner):
            yield from problems_in(inner, f"{where}/of", depth + 1)
        case All(of=parts) | Any_(of=parts):
            if not parts:
                yield f"{where}/of", "There is no condition here; add one."
            for number, part in enumerate(parts):
                yield from problems_in(part, f"{where}/of/{number}", depth + 1)


def _judge(
    condition: Condition, values: Mapping[str, Any], saw: dict[str, Any], depth: int
) -> tuple[bool, str]:
    if depth > _DEPTH:
        return False, _TOO_DEEP
    match condition:
        case Leaf():
            return _judge_leaf(condition, values, saw)
        case Not(of=inner):
            held, why = _judge(inner, values, saw, depth + 1)
            return not held, why
        case All(of=parts):
            said = []
            for part in parts:
                held, why = _judge(part, values, saw, depth + 1)
                if not held:
                    return False, why
                said.append(why)
            return True, " and ".join(said) or "there is no condition"
        case Any_(of=parts):
            said = []
            for part in parts:
                held, why = _judge(part, values, saw, depth + 1)
                if held:
                    return True, why
                said.append(why)
            return False, ", ".join(said) or "there is nothing to choose from"


def _judge_leaf(leaf: Leaf, values: Mapping[str, Any], saw: dict[str, Any]) -> tuple[bool, str]:
    found = look_up(values, leaf.value)
    saw[leaf.value] = kept(found)
    to: Any = leaf.to
    if leaf.to_value:
        to = look_up(values, leaf.to_value)
        saw[leaf.to_value] = kept(to)
    held = compares(leaf.op, found, to, _scene(values, leaf.value))
    said = "holds" if held else "does not hold"
    shown = "empty" if is_empty(found) else show(found)
    against = f", compared with {show(to)}" if leaf.to_value else ""
    return held, f"“{in_words(leaf)}” {said}: it is {shown}{against}"


_NOWHERE = Scene()


def _scene(values: Mapping[str, Any], path: str) -> Scene:
    if not isinstance(values, Values):
        return _NOWHERE
    kinds = values.contact.company.fields
    kind = kinds.get(path[len(_FIELDS) :]) if path.startswith(_FIELDS) else None
    return Scene(values.now, values.contact.zone, kind)


def kept(value: Any, depth: int = 0) -> Any:
    """`value` as the trace keeps it: plain, and not at any length."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | dict) and depth == _KEPT_DEPTH:
        return "…"
    if isinstance(value, list):
        return [kept(one, depth + 1) for one in value[:_KEPT_ITEMS]]
    if isinstance(value, dict):
        items = list(value.items())[:_KEPT_ITEMS]
        return {str(key): kept(one, depth + 1) for key, one in items}
    text = str(value)
    return text if len(text) <= _KEPT_TEXT else f"{text[:_KEPT_TEXT]}…"


def _inner_words(condition: Condition) -> str:
    several = isinstance(condition, All | Any_) and len(condition.of) > 1
    return f"({in_words(condition)})" if several else in_words(condition)


def _named(path: str) -> str:
    return path.removeprefix("contact.")


def _leaf_problem(leaf: Leaf) -> str | None:
    to, op = leaf.to, leaf.op
    if leaf.to_value or op in ALONE:
        return None
    wrong = _count_problem(leaf)
    if wrong:
        return wrong
    if op not in _NEED_NOTHING and (to is None or to in ("", [])):
        return "Say what it is compared with."
    if op == "matches":
        pattern = problem_in_pattern(str(to))
        return f"“{to}” is no regular expression: {pattern}." if pattern else None
    if op in LASTING:
        return _length_problem(to)
    return _order_problem(leaf) if op in ORDERED else _choice_problem(leaf)


def _count_problem(leaf: Leaf) -> str | None:
    several = isinstance(leaf.to, list)
    if leaf.op == "between" and not (isinstance(leaf.to, list) and len(leaf.to) == 2):  # noqa: PLR2004
        return "Give two values: from and to."
    if several and leaf.op not in ("between", "is_one_of", "is_none_of"):
        return "Only “is one of”, “is none of” and “between” take several values."
    return None


def _order_problem(leaf: Leaf) -> str | None:
    by_time = leaf.op in ("before", "after")
    for one in leaf.to if isinstance(leaf.to, list) else [leaf.to]:
        if not can_be_ordered(leaf.op, one):
            return f"“{one}” is not {'a day or time' if by_time else 'a number, day or time'}."
    return None


def _length_problem(to: Any) -> str | None:
    try:
        parse_duration(str(to))
    except ValueError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    return None


def _choice_problem(leaf: Leaf) -> str | None:
    """A weekday that is none would never hold, without a word."""
    choice = CHOICES.get(leaf.value)
    if choice is None or leaf.op not in ("is", "is_not", "is_one_of", "is_none_of"):
        return None
    for one in leaf.to if isinstance(leaf.to, list) else [leaf.to]:
        if isinstance(one, str) and one and normal(one) not in choice:
            return f"“{one}” is not possible here. Choose one of {', '.join(choice)}."
    return None
