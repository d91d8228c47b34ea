"""What buttons of a form do to its lists, groups and conditions. PURE.

Rule: an act names a place in the form, is done to settings that were read from it, and does
nothing where it makes no sense any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from web.builder.forms.conditions import new_leaf
from web.builder.forms.part import Part
from web.builder.forms.schema import resolve, singular

VERBS = ("add", "remove", "up", "down", "set", "unset", "clear", "group", "negate", "compare")
_PATTERN_OF_IDS = re.compile(r"[^a-z0-9_]+")


def act(
    verb: str, pointer: str, parts: Iterable[Part], settings: Any, defs: Mapping[str, Any]
) -> str:
    """Do `verb` at `pointer` to `settings`, in place. Gives the place that should have the focus
    then, "" for none.
    """
    found = {one.pointer: one for part in parts for one in part.walk()}
    part = found.get(pointer)
    if part is not None and part.input != "condition" and verb in ("add", "set", "unset", "clear"):
        return _to_part(verb, part, settings, defs)
    if verb in ("remove", "up", "down") and _is_entry(pointer, found):
        return _to_entry(verb, pointer, found, settings)
    return _to_condition(verb, pointer, part, settings)


def _to_part(verb: str, part: Part, settings: Any, defs: Mapping[str, Any]) -> str:
    holder, name = _holder(settings, part.pointer)
    if holder is None:
        return ""
    if verb == "clear":
        holder.pop(name, None)
        return part.pointer
    if verb == "unset":
        holder[name] = None
        return part.pointer
    if verb == "set":
        holder[name] = new_entry(part.schema, part, [], defs)
        return f"{part.pointer}/"
    if part.full:
        return ""
    entries = holder.get(name) if isinstance(holder, dict) else holder[name]
    entries = [*entries] if isinstance(entries, list) else []
    entries.append(new_entry(resolve(part.schema["items"], defs), part, entries, defs))
    holder[name] = entries
    return f"{part.pointer}/{len(entries) - 1}"


def new_entry(
    schema: Mapping[str, Any], part: Part, others: list[Any], defs: Mapping[str, Any]
) -> Any:
    """What a new entry of a list, or a group that is switched on, begins with."""
    if "properties" not in schema:
        return _first(schema)
    made: dict[str, Any] = {}
    for name in schema.get("required", ()):
        one = resolve(schema["properties"][name], defs)
        made[name] = _free_id(name, part, others) if one.get("x-made") else _first(one)
    return made


def _first(schema: Mapping[str, Any]) -> Any:
    """A value that the schema takes: of choices the first that a form shows."""
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        words = schema.get("x-words", {})
        return next((one for one in words if one in schema["enum"]), schema["enum"][0])
    if schema.get("x-input") == "clock":
        return "09:00"
    return {"string": "", "integer": schema.get("minimum", 0), "number": 0, "array": []}.get(
        str(schema.get("type")), {}
    )


def _free_id(name: str, part: Part, others: list[Any]) -> str:
    taken = {str(one.get(name)) for one in others if isinstance(one, dict)}
    base = _PATTERN_OF_IDS.sub("_", singular(part.name).lower()) or "way"
    return next(
        made for number in range(1, len(taken) + 2) if (made := f"{base}_{number}") not in taken
    )


def _is_entry(pointer: str, found: Mapping[str, Part]) -> bool:
    holder, _, name = pointer.rpartition("/")
    above = found.get(holder)
    lists = ("items", "options", "rows", "map", "headers")
    return above is not None and above.input in lists and name.isdigit()


def _to_entry(verb: str, pointer: str, found: Mapping[str, Part], settings: Any) -> str:
    above = found[pointer.rpartition("/")[0]]
    number = int(pointer.rpartition("/")[2])
    holder, name = _holder(settings, above.pointer)
    if holder is None:
        return ""
    entries = holder.get(name) if isinstance(holder, dict) else holder[name]
    if isinstance(entries, dict):  # a map's rows are counted
        keys = list(entries)
        if verb == "remove" and number < len(keys):
            holder[name] = {key: entries[key] for key in keys if key != keys[number]}
        return above.pointer
    if not isinstance(entries, list) or number >= len(entries):
        return ""
    entries = [*entries]
    if verb == "remove":
        del entries[number]
        holder[name] = entries
        return f"{above.pointer}/{min(number, len(entries) - 1)}" if entries else above.pointer
    other = number - 1 if verb == "up" else number + 1
    if not 0 <= other < len(entries):
        return ""
    entries[number], entries[other] = entries[other], entries[number]
    holder[name] = entries
    return f"{above.pointer}/{other}"


def _to_condition(verb: str, pointer: str, part: Part | None, settings: Any) -> str:
    holder, name = _holder(settings, pointer)
    if holder is None:
        return ""
    here = holder.get(name) if isinstance(holder, dict) else holder[name]
    if verb in ("add", "group") and not isinstance(here, dict):
        holder[name] = {"type": "all", "of": [new_leaf()]}
        return f"{pointer}/of/0"
    if not isinstance(here, dict):
        return ""
    if verb in ("add", "group"):
        return _grow(verb, pointer, here, holder, name)
    if verb in ("up", "down"):
        return _move(verb, pointer, holder, name)
    if verb == "remove":
        return _take_out(pointer, part, holder, name)
    if verb == "compare":
        _turn(here)
    elif verb == "negate":
        holder[name] = here["of"] if here.get("type") == "not" else {"type": "not", "of": here}
    elif verb == "unset":
        holder[name] = None
    return pointer


def _take_out(pointer: str, part: Part | None, holder: Any, name: Any) -> str:
    """One condition less: out of its group, or out of the setting it is."""
    if isinstance(holder, list):
        del holder[name]
        return pointer.rpartition("/")[0]
    if part is None:
        return ""
    holder[name] = None if part.nullable else {"type": "all", "of": []}
    return pointer


def _move(verb: str, pointer: str, holder: Any, name: Any) -> str:
    other = int(name) + (1 if verb == "down" else -1) if isinstance(holder, list) else -1
    if not isinstance(holder, list) or not 0 <= other < len(holder):
        return ""
    holder[name], holder[other] = holder[other], holder[name]
    return f"{pointer.rpartition('/')[0]}/{other}"


def _grow(verb: str, pointer: str, here: dict[str, Any], holder: Any, name: Any) -> str:
    """One more comparison or group: in a group, or beside what stands alone."""
    more = new_leaf() if verb == "add" else {"type": "any", "of": [new_leaf()]}
    if here.get("type") not in ("all", "any"):
        holder[name] = {"type": "all", "of": [here, more]}
        return f"{pointer}/of/1"
    inner = here.get("of")
    here["of"] = [*(inner if isinstance(inner, list) else []), more]
    return f"{pointer}/of/{len(here['of']) - 1}"


def _turn(leaf: dict[str, Any]) -> None:
    """Compare with another value instead of a text, or the other way round."""
    if leaf.pop("to_value", ""):
        leaf.setdefault("to", "")
        return
    leaf.pop("to", None)
    leaf["to_value"] = "contact.name"


def _holder(settings: Any, pointer: str) -> tuple[Any, Any]:
    """What holds the value at `pointer`, and by which key; `(None, "")` where nothing does."""
    here = settings
    *way, last = pointer.split("/")[1:]
    for step in way:
        here = _inside(here, step)
        if here is None:
            return None, ""
    if isinstance(here, dict):
        return here, last
    if isinstance(here, list) and last.isdigit() and int(last) < len(here):
        return here, int(last)
    return None, ""


def _inside(here: Any, step: str) -> Any:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and step.isdigit() and int(step) < len(here):
        return here[int(step)]
    return None
