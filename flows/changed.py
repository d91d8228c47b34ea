"""Settings of two structs of one kind, side by side: which differ, and how to say it. PURE.

Rule: names and units come from the kind's own schema, so a new kind needs nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from flows.conditions import All, Any_, Leaf, Not, in_words
from flows.duration import duration_words, parse_duration
from flows.problems import pointer
from flows.secrets import VEIL, is_harmless, open_address

SHOWN = 80  # characters of a value in a sentence; the whole value is beside it
_NAMES = ("exit", "id", "name", "key", "label")  # what tells the items of a list apart
_CONDITIONS = (Leaf, All, Any_, Not)
_VEILED = "veiled"  # said as: that there is something, not what


class Setting(Struct, frozen=True):
    """One setting that differs. `field`: JSON pointer below the struct. `part`: an item of a list
    or map that is new or gone. Words are empty for what is not set.
    """

    field: str
    label: str
    old: Any
    new: Any
    old_words: str
    new_words: str
    part: Literal["", "added", "removed"] = ""


def settings_changed(
    old: Struct, new: Struct, leave_out: Collection[str] = ()
) -> Iterator[Setting]:
    """The settings in which two structs of the same kind differ, in the kind's own order."""
    inputs = _inputs(type(new))
    for name in new.__struct_fields__:
        if name not in leave_out:
            label, said_as = inputs.get(name, (_spoken(name), ""))
            yield from _differ(
                getattr(old, name), getattr(new, name), pointer(name), label, said_as
            )


def settings_in_words(value: Struct, leave_out: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """`(what people call it, its value)` of every setting that is set, in the kind's own order."""
    inputs = _inputs(type(value))
    for name in value.__struct_fields__:
        label, said_as = inputs.get(name, (_spoken(name), ""))
        words = "" if name in leave_out else value_words(getattr(value, name), said_as)
        if words:
            yield f"{label[:1].upper()}{label[1:]}", words


def shown(words: str) -> str:
    """`words` on one line, cut to what fits in a sentence."""
    line = " ".join(words.split())
    if len(line) <= SHOWN:
        return line
    return f"{line[: SHOWN - 1].rstrip()}…" + ("”" if line.startswith("“") else "")


def value_words(value: Any, said_as: str = "") -> str:
    """A setting's value as people say it; "" for what is empty or not set. Secrets are not said."""
    match value:
        case None | "" | [] | ():
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return _text_words(value, said_as)
        case int() | float():
            return f"{value:,}" if isinstance(value, int) else f"{value:g}"
        case Leaf() | All() | Any_() | Not():
            return in_words(value)
        case list() | tuple() | set() | frozenset():
            items = value if isinstance(value, list | tuple) else sorted(value)
            return ", ".join(filter(None, (value_words(one, said_as) for one in items)))
        case Mapping():
            return ", ".join(
                f"{name}: {value_words(one, _inside(said_as, name))}"
                for name, one in sorted(value.items())
            )
        case Struct():
            return _struct_words(value)
        case _:
            return str(value)


def _text_words(text: str, said_as: str) -> str:
    match said_as:
        case "duration":
            return _length(text)
        case "url":
            return f"“{open_address(text)}”"
        case "headers" | "veiled":
            return VEIL
        case _:
            return f"“{text}”"


def setting_words(kind: type[Struct], name: str) -> tuple[str, str]:
    """What people call a setting of `kind`, and its `x-input`, "" for none."""
    return _inputs(kind).get(name, (_spoken(name), ""))


def _differ(old: Any, new: Any, where: str, label: str, said_as: str) -> Iterator[Setting]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _maps(old, new, where, label, said_as)
    elif keys := _keys(old, new):
        yield from _items(old, new, where, label, keys)
    elif type(old) is type(new) and isinstance(new, Struct) and not isinstance(new, _CONDITIONS):
        for one in settings_changed(old, new):
            yield msgspec.structs.replace(
                one, field=where + one.field, label=f"{label}, {one.label}"
            )
    else:
        words = value_words(old, said_as), value_words(new, said_as)
        yield Setting(where, label, _plain(old), _plain(new), *words)


def _maps(
    old: Mapping[str, Any], new: Mapping[str, Any], where: str, label: str, said_as: str
) -> Iterator[Setting]:
    for name in sorted({*old, *new}):
        yield from _part(
            f"{where}{pointer(name)}",
            f"{label} “{name}”",
            old.get(name),
            new.get(name),
            said_as=_inside(said_as, name),
        )


def _inside(said_as: str, name: str) -> str:
    """How a value of a map is said."""
    return _VEILED if said_as == "headers" and not is_harmless(name) else ""


def _items(old: list[Any], new: list[Any], where: str, label: str, key: str) -> Iterator[Setting]:
    before = {getattr(one, key): one for one in old}
    after = {getattr(one, key): (place, one) for place, one in enumerate(new)}
    for name, (place, item) in after.items():
        called = getattr(item, "label", "") or name
        yield from _part(
            f"{where}/{place}", f"{label} “{called}”", before.get(name), item, apart=key
        )
    for place, item in enumerate(old):
        if getattr(item, key) not in after:
            called = getattr(item, "label", "") or getattr(item, key)
            yield from _part(f"{where}/{place}", f"{label} “{called}”", item, None)
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        words = [", ".join(f"“{name}”" for name in names) for names in (before, after)]
        said = f"order of {label}"
        yield Setting(where, said, list(before), list(after), words[0], words[1])


def _part(
    where: str, label: str, old: Any, new: Any, apart: str = "", said_as: str = ""
) -> Iterator[Setting]:
    if old is None:
        yield Setting(where, label, None, _plain(new), "", value_words(new, said_as), "added")
    elif new is None:
        yield Setting(where, label, _plain(old), None, value_words(old, said_as), "", "removed")
    else:
        for one in _differ(old, new, where, label, said_as):
            if one.field != f"{where}/{apart}":
                yield one


def _keys(old: Any, new: Any) -> str:
    """The field that tells the items of both lists apart; "" when they are no such lists."""
    if not (isinstance(old, list) and isinstance(new, list)) or not (old or new):
        return ""
    items = [*old, *new]
    if not all(isinstance(one, Struct) and not isinstance(one, _CONDITIONS) for one in items):
        return ""
    for name in _NAMES:
        if all(name in one.__struct_fields__ for one in items):
            unique = all(
                len({getattr(one, name) for one in side}) == len(side) for side in (old, new)
            )
            return name if unique else ""
    return ""


def _struct_words(value: Struct) -> str:
    said = []
    inputs = _inputs(type(value))
    for name in value.__struct_fields__:
        label, said_as = inputs.get(name, (_spoken(name), ""))
        words = value_words(getattr(value, name), said_as)
        if words:
            said.append(f"{label} {words}")
    return ", ".join(said)


def _length(text: str) -> str:
    try:
        return duration_words(parse_duration(text))
    except ValueError:
        return f"“{text}”"


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


@lru_cache(maxsize=256)
def _inputs(kind: type[Struct]) -> dict[str, tuple[str, str]]:
    """`{field: (what people call it, its x-input)}`, from the kind's schema."""
    (_,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    properties = components.get(kind.__name__, {}).get("properties", {})
    found: dict[str, tuple[str, str]] = {}
    for name, schema in properties.items():
        branches = [schema, *schema.get("anyOf", ())]
        said_as = next((one["x-input"] for one in branches if "x-input" in one), "")
        title = str(schema.get("title", ""))
        called = f"{title[:1].lower()}{title[1:]}" if title else _spoken(name)
        found[name] = (called, said_as)
    return found
