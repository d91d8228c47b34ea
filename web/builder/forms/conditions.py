"""Conditions as forms show and post them: groups in groups, and comparisons in them. PURE.

Rule: the form has the same shape as the condition, so a field's name is the place of its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from flows.comparing import ALONE, LASTING, ORDERED, SAID, Operator
from flows.conditions import Condition, in_words
from flows.values import CHOICES
from web.builder.forms.variables import Choices, Variable

TYPED = "~other"
DEEPEST = 5  # groups in groups that the form offers; more can be imported, and are still shown
_SET: tuple[Operator, ...] = ("is_set", "is_empty")
OPERATORS: Mapping[str, tuple[Operator, ...]] = {
    "list": ("contains", "contains_not", "is_one_of", "is_none_of", *_SET),
    "number": (
        *("is", "is_not", "more_than", "less_than", "at_least", "at_most", "between"),
        *_SET,
    ),
    "date": (
        *("is", "before", "after", "between", "is_within", "is_longer_ago", "is_within_next"),
        *("is_anniversary", *_SET),
    ),
    "choice": ("is", "is_not", "is_one_of", "is_none_of"),
    "text": (
        *("is", "is_not", "contains", "contains_not", "starts_with", "ends_with", "matches"),
        *("is_one_of", "is_none_of", *_SET),
    ),
    "": tuple(SAID),
}
"""The comparisons that make sense for each kind of value; of an unknown one, all."""


class Node(Struct, kw_only=True):
    """A group (`all`, `any`), a negation (`not`) or a comparison (`is`) at `pointer`.

    Of a comparison: `path` is what is looked at, `known` whether the menu has it; `ask` is how its
    other side is asked for: `nothing, length, pair, several, value, choice, text`.
    """

    pointer: str
    kind: str
    depth: int = 0
    nodes: list[Node] = []
    path: str = ""
    known: bool = False
    op: str = "is"
    ops: tuple[tuple[str, str], ...] = ()
    ask: str = "text"
    texts: tuple[str, ...] = ("", "")
    other: str = ""
    other_known: bool = False
    choices: Choices = ()

    def shape(self) -> tuple[Any, ...]:
        """What must be equal for two drawings to have the same fields."""
        return (
            *(self.pointer, self.kind, self.known, self.other_known, self.ask, self.ops),
            self.choices,
            tuple(one.shape() for one in self.nodes),
        )


def new_leaf() -> dict[str, Any]:
    """The comparison that a form adds: the commonest question."""
    return {"type": "is", "value": "contact.tags", "op": "contains", "to": ""}


def tree(raw: Any, pointer: str, variables: Mapping[str, Variable], depth: int = 0) -> Node | None:
    """The nodes of a condition as it is written; None for none, and for what is no condition."""
    if not isinstance(raw, dict):
        return None
    kind = raw.get("type")
    if kind in ("all", "any"):
        inner = raw.get("of")
        made = [
            tree(one, f"{pointer}/of/{number}", variables, depth + 1)
            for number, one in enumerate(inner if isinstance(inner, list) else ())
        ]
        nodes = [one for one in made if one is not None]
        return Node(pointer=pointer, kind=str(kind), depth=depth, nodes=nodes)
    if kind == "not":
        held = tree(raw.get("of"), f"{pointer}/of", variables, depth)
        return Node(pointer=pointer, kind="not", depth=depth, nodes=[held] if held else [])
    return _comparison(raw, pointer, variables, depth) if kind == "is" else None


def _comparison(
    raw: Mapping[str, Any], pointer: str, variables: Mapping[str, Variable], depth: int
) -> Node:
    path, op, to = str(raw.get("value") or ""), str(raw.get("op") or "is"), raw.get("to")
    other = str(raw.get("to_value") or "")
    found = variables.get(path)
    kind = found.kind if found else ""
    choices = found.choices if found else _choices(path)
    ops = OPERATORS["choice" if kind == "choice" else kind]
    named = [*ops, *([op] if op not in ops else [])]
    return Node(
        pointer=pointer,
        kind="is",
        depth=depth,
        path=path,
        known=found is not None,
        op=op,
        ops=tuple((one, _said(one)) for one in named),
        ask=_asks(op, kind, choices, other),
        texts=_texts(op, to),
        other=other,
        other_known=other in variables,
        choices=choices,
    )


def _choices(path: str) -> Choices:
    return tuple((one, one.capitalize()) for one in CHOICES.get(path, ()))


def _said(op: str) -> str:
    return next((said for name, said in SAID.items() if name == op), op)


def _asks(op: str, kind: str, choices: Choices, other: str) -> str:
    if op in ALONE:
        return "nothing"
    if op in LASTING:
        return "length"
    if other:
        return "value"
    if op == "between":
        return "pair"
    if op in ("is_one_of", "is_none_of"):
        return "several"
    return "choice" if kind == "choice" and choices and op in ("is", "is_not") else "text"


def _texts(op: str, to: Any) -> tuple[str, ...]:
    if op == "between":
        both = [_plain(one) for one in to] if isinstance(to, list) else [_plain(to)]
        return (*both, "", "")[:2]
    if isinstance(to, list):
        return ("\n".join(map(_plain, to)), "")
    return (_plain(to), "")


def read_condition(
    pointer: str, old: Any, posted: Mapping[str, Sequence[str]], complaints: dict[str, str]
) -> Any:
    """The condition that was posted; what was not posted stays as it was."""
    if not isinstance(old, dict):
        return old
    kind = old.get("type")
    if kind in ("all", "any"):
        joined = _last(posted, f"{pointer}/type", str(kind))
        inner = old.get("of")
        read = [
            read_condition(f"{pointer}/of/{number}", one, posted, complaints)
            for number, one in enumerate(inner if isinstance(inner, list) else ())
        ]
        made = {**old, "type": joined if joined in ("all", "any") else kind}
        if read or "of" in old:
            made["of"] = read
        return made
    if kind == "not":
        inner = read_condition(f"{pointer}/of", old.get("of"), posted, complaints)
        return {**old, "of": inner}
    return _read_leaf(pointer, old, posted, complaints)


def _read_leaf(
    pointer: str,
    old: Mapping[str, Any],
    posted: Mapping[str, Sequence[str]],
    complaints: dict[str, str],
) -> dict[str, Any]:
    path = _path(posted, f"{pointer}/value", str(old.get("value") or ""))
    if not path:
        complaints[f"{pointer}/value"] = "Not saved: say what to look at."
        path = str(old.get("value") or "contact.tags")
    op = _last(posted, f"{pointer}/op", str(old.get("op") or "is"))
    if op not in SAID:
        op = "is"
    made: dict[str, Any] = {**old, "value": path}
    if "op" in old or op != "is":
        made["op"] = op
    if old.get("to_value"):
        made["to_value"] = _path(posted, f"{pointer}/to_value", str(old["to_value"]))
        return made
    to = _other_side(pointer, old.get("to"), op, posted)
    if to is None and "to" not in old:
        return made
    made["to"] = to
    return made


def _other_side(pointer: str, old: Any, op: str, posted: Mapping[str, Sequence[str]]) -> Any:
    """The value compared with, as the operator wants it: a number, a text or several of them."""
    name = f"{pointer}/to"
    if op in ALONE:
        return old
    if f"{name}~unit" in posted and op in LASTING:
        return _length(name, old, posted)
    if op in LASTING:
        return old if isinstance(old, str) and old else "30d"
    if op == "between":
        before = old if isinstance(old, list) else [old]
        pair = [*before, "", ""][:2]
        return [
            _as_was(_last(posted, f"{name}/{n}", _plain(one)), one, op)
            for n, one in enumerate(pair)
        ]
    said = posted.get(name)
    if op in ("is_one_of", "is_none_of"):
        before = old if isinstance(old, list) else [] if old in (None, "") else [old]
        if said is None:
            return before
        lines = [line.strip() for line in said[-1].replace("\r\n", "\n").split("\n")]
        return _several([line for line in lines if line], before)
    single = old[0] if isinstance(old, list) and old else None if isinstance(old, list) else old
    return single if said is None else _as_was(said[-1], single, op)


def _several(lines: list[str], before: list[Any]) -> list[Any]:
    known = {_plain(one): one for one in before}
    return [known.get(line, line) for line in lines]


def _as_was(text: str, old: Any, op: str) -> Any:
    """`text` as its old value where it says the same; a number where numbers are compared."""
    if text == _plain(old):
        return old
    said = text.strip()
    if op in ORDERED or (isinstance(old, int | float) and not isinstance(old, bool)):
        for kind in (int, float):
            try:
                number = kind(said.replace(",", "."))
            except ValueError:
                continue
            return number if abs(number) < 10**15 else text
    return text


def _length(name: str, old: Any, posted: Mapping[str, Sequence[str]]) -> Any:
    unit = _last(posted, f"{name}~unit", "d")
    if unit == "~":
        return "".join(_last(posted, f"{name}~text", _plain(old)).lower().split())
    number = _last(posted, f"{name}~number", "").strip()
    return f"{number}{unit}" if number else ""


def _path(posted: Mapping[str, Sequence[str]], name: str, old: str) -> str:
    chosen = _last(posted, name, old)
    return _last(posted, f"{name}~text", "").strip() if chosen == TYPED else chosen


def _last(posted: Mapping[str, Sequence[str]], name: str, default: str) -> str:
    said = posted.get(name)
    return default if said is None else said[-1]


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def words(raw: Any) -> str:
    """The condition as a person would say it; "" for what cannot be read."""
    try:
        return in_words(msgspec.convert(raw, Condition))
    except (msgspec.ValidationError, RecursionError):
        return ""
