"""What can be done about a problem without asking anything: the changes that solve it, in words.

Rule: only what loses nothing and cannot be meant otherwise; everything here can be undone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from flows.editing.changes import Add, AddTrigger, Change, Connect, Disconnect, Edit, Way
from flows.fallbacks import FALLBACK, with_fallback
from flows.problems import Problem

START = "@start"
_MEANT = re.compile(r"^Did you mean “(.+)”\?$")
_EXIT = 5  # parts of /steps/<id>/next/<exit>
_MISSING = object()


class Fix(Struct, frozen=True):
    """`label` is what the button says, `changes` are those of the editing core."""

    label: str
    changes: list[Change]


def fix_of(document: Mapping[str, Any], problem: Problem) -> Fix | None:
    """The safe way to solve `problem`, if there is one."""
    parts = problem.field.split("/")
    if problem.field == "/start":
        return _begin(document)
    if problem.field == "/triggers":
        return Fix("Start it by hand or API", [AddTrigger("api")])
    if len(parts) == _EXIT and parts[1] == "steps" and parts[3] == "next":
        return _line(document, *(_plain(one) for one in (parts[2], parts[4])))
    return _fallback(document, problem) or _meant(document, problem)


def _begin(document: Mapping[str, Any]) -> Fix | None:
    """Begin with the step that nothing leads to, when there is just one such."""
    steps = _steps(document)
    led_to = {target for entry in steps.values() for target in _next(entry).values()}
    first = [step_id for step_id in steps if step_id not in led_to]
    if len(steps) == 1:
        first = [*steps]
    if len(first) != 1:
        return None
    return Fix(
        f"Begin with {_title(steps[first[0]], first[0])}", [Connect(START, "start", first[0])]
    )


def _line(document: Mapping[str, Any], step_id: str, exit_name: str) -> Fix | None:
    """An exit that leads nowhere goes to an End; a line that cannot be is taken away."""
    steps = _steps(document)
    if step_id not in steps:
        return None
    if exit_name in _next(steps[step_id]):
        return Fix("Take the line away", [Disconnect(step_id, exit_name)])
    for other, entry in steps.items():
        if isinstance(entry, dict) and entry.get("type") == "end" and not _says_more(entry):
            return Fix("Connect to End", [Connect(step_id, exit_name, other)])
    return Fix("Connect to End", [Add("end", after=Way(step_id, exit_name))])


def _fallback(document: Mapping[str, Any], problem: Problem) -> Fix | None:
    """A word for contacts without a name."""
    value = _at(document, problem.field)
    text = with_fallback(value) if isinstance(value, str) else None
    if text is None or problem.severity != "warning":
        return None
    return Fix(f"Use fallback “{FALLBACK}”", [Edit(problem.field, text)])


def _meant(document: Mapping[str, Any], problem: Problem) -> Fix | None:
    """Take the name that was probably meant, when the setting holds nothing but the wrong one."""
    found = _MEANT.match(problem.todo)
    if found is None:
        return None
    meant = found[1]
    value = _at(document, problem.field)
    if isinstance(value, str) and f"“{value}”" in problem.sentence:
        return Fix(f"Use “{meant}”", [Edit(problem.field, meant)])
    above, _, name = problem.field.rpartition("/")
    beside = _at(document, above)
    if problem.sentence != f"“{_plain(name)}” is not known here." or value is _MISSING:
        return None
    if not isinstance(beside, dict) or meant in beside:
        return None
    return Fix(f"Call it “{meant}”", [Edit(f"{above}/{meant}", value), Edit(problem.field)])


def _at(document: Mapping[str, Any], field: str) -> Any:
    """What stands at a JSON pointer; `_MISSING` for nothing."""
    value: Any = document
    for part in field.split("/")[1:]:
        name = _plain(part)
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, Sequence) and not isinstance(value, str) and name.isdecimal():
            if int(name) >= len(value):
                return _MISSING
            value = value[int(name)]
        else:
            return _MISSING
    return value


def _plain(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _steps(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("steps")
    return found if isinstance(found, dict) else {}


def _next(entry: object) -> dict[str, str]:
    found = entry.get("next") if isinstance(entry, dict) else None
    ways = found if isinstance(found, dict) else {}
    return {name: to for name, to in ways.items() if isinstance(to, str)}


def _says_more(end: Mapping[str, Any]) -> bool:
    return any(end.get(name) for name in ("goal", "result", "values", "value"))


def _title(entry: object, step_id: str) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"“{name}”" if isinstance(name, str) and name else f"“{step_id}”"
