"""docs/kinds.md: every kind of step and trigger, from the kinds' own words.

Rule: only the introduction is written here.
"""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.kinds import catalog
from flows.step import Step
from flows.trigger import Trigger
from tiptoe.docs_schema import CONDITION_PARTS, as_json, table, words_of

LIBRARY = Path(__file__).resolve().parent.parent / "flows" / "library"
GROUPS = {
    "messages": "Messages",
    "waiting": "Waiting",
    "logic": "Logic",
    "data": "Data",
    "flow": "Flow",
}
COMMON = frozenset(msgspec.structs.asdict(Step())) | {"type"}

KINDS_HEAD = """\
# Kinds

What a flow is made of: every kind of step, then every kind of trigger. This page is written from
the kinds themselves (`make docs`). [flow-format.md](flow-format.md) has the document around them.

Every step may also have `name` (what colleagues call it), `note` (for colleagues), `next` (exit →
the step it leads to) and `at` (its place on the canvas: x, y). An exit marked “required” must lead
somewhere; any other one that leads nowhere ends the run. A text may hold variables in Liquid, such
as `{{ contact.first_name | default: "there" }}`.
"""


def kinds_page() -> str:
    """Return the text of docs/kinds.md."""
    steps, triggers = catalog().steps, catalog().triggers
    parts = [KINDS_HEAD, _contents()]
    for group, title in GROUPS.items():
        mine = {name: kind for name, kind in steps.items() if kind.group == group}
        if mine:
            parts.append(f"## {title}\n")
            parts += [_step(name, kind) for name, kind in mine.items()]
    parts.append("## Triggers\n")
    parts += [_trigger(name, kind) for name, kind in triggers.items()]
    return "\n".join(parts).rstrip() + "\n"


def example_of(name: str, kind: type[Step | Trigger]) -> dict[str, Any]:
    """Return settings to show: the kind's own example, else its first use in the library.

    Raises LookupError for a step kind with neither: a page without an example helps nobody.
    """
    own: Mapping[str, Any] = getattr(kind, "example", {})
    if own:
        return {"type": name, **own}
    section = "steps" if issubclass(kind, Step) else "triggers"
    for path in sorted(LIBRARY.glob("*.json")):
        for entry in json.loads(path.read_text())[section].values():
            if entry["type"] == name:
                return {key: value for key, value in entry.items() if key != "at"}
    if section == "triggers":
        return {"type": name}
    raise LookupError(f"steps/{name}.py needs an `example`: no flow of the library uses it")


def _contents() -> str:
    lines = ["| kind | what it does |", "|---|---|"]
    kinds: list[tuple[str, type[Step | Trigger]]] = [
        *catalog().steps.items(),
        *catalog().triggers.items(),
    ]
    for name, kind in kinds:
        first = _prose(kind).split(". ")[0].rstrip(".")
        lines.append(f"| [`{name}`](#{anchor(name, kind)}) | {first} |")
    return "\n".join(lines) + "\n"


def _step(name: str, kind: type[Step]) -> str:
    example = example_of(name, kind)
    made = msgspec.convert(example, kind)
    exits = [
        f"| `{one.name}` | {one.label} | {'yes' if one.required else 'no'} |"
        for one in made.exits()
    ]
    table = ["Exits of this example:\n", "| exit | label | required |", "|---|---|---|", *exits]
    ways = "\n".join(table) + "\n" if exits else "It has no exits: the run ends here.\n"
    return "\n".join([_head(name, kind), _settings(kind), as_json(example), ways])


def _trigger(name: str, kind: type[Trigger]) -> str:
    return "\n".join([_head(name, kind), _settings(kind), as_json(example_of(name, kind))])


def anchor(name: str, kind: type[Step | Trigger]) -> str:
    """Return where a kind stands on the page; a step and a trigger may share a name."""
    return name if issubclass(kind, Step) else f"trigger-{name}"


def _head(name: str, kind: type[Step | Trigger]) -> str:
    return f'<a id="{anchor(name, kind)}"></a>\n### {kind.label} (`{name}`)\n\n{_prose(kind)}\n'


def _prose(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _settings(kind: type) -> str:
    parts = catalog().kind_schema(kind)["$defs"]
    own = parts[kind.__name__]
    hidden = COMMON if issubclass(kind, Step) else {"type"}
    settings = {key: value for key, value in own["properties"].items() if key not in hidden}
    if not settings:
        return "It has no settings.\n"
    said = [table(settings, own["required"], parts)]
    for name, part in parts.items():
        if name == kind.__name__ or name in CONDITION_PARTS:
            continue
        said += [
            f"**{name}**: {words_of(part, parts)}\n",
            table(part["properties"], part["required"], parts),
        ]
    return "\n".join(said)
