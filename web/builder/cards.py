"""One card: what it says and how high it is. Heights come from `flows/arrange.py` alone.

Rule: pure; frozen values that compare, nothing of the page around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from engine.kinds import catalog
from flows.arrange import (
    COUNTER_ROW,
    EXIT_ROW,
    FOOT,
    HEADER,
    PROBLEM_ROW,
    START_HEIGHT,
    SUMMARY,
    card_height,
    shown_exits,
)
from flows.document import AnyFlow
from flows.problems import Problem, pointer
from flows.step import Step, kind_of
from web.builder.pieces import Piece, in_pieces
from web.builder.travel import targets

START_STEP = "@start"
GROUPS = {"messages": "msg", "waiting": "wait", "logic": "logic", "data": "data", "flow": "flow"}
Counters = Mapping[str, Mapping[str, Any]]
"""By step: `here`, `passed`, `left`, and `exits` (how many left by each)."""
_POLICIES = {
    "once_ever": "once ever",
    "once_at_a_time": "once at a time",
    "restart": "starts again",
    "parallel": "several at once",
}


class Line(Struct, frozen=True):
    """One exit as the card shows it; `to` is "" while it leads nowhere, `to_title` says where it
    leads in words. `problem` is the severity of what is wrong with it.
    """

    exit: str
    label: str
    to: str = ""
    to_title: str = ""
    required: bool = False
    problem: str = ""
    jump: bool = False
    taken: int = 0
    share: str = ""

    @property
    def said(self) -> str:
        """Its accessible name."""
        return (
            f"{self.label}, goes to {self.to_title}" if self.to else f"{self.label}, not connected"
        )


class Counts(Struct, frozen=True):
    """What the counter row says."""

    here: int = 0
    passed: int = 0
    left: int = 0


class Card(Struct, frozen=True):
    """A card. `step` is the step's id or `@start`, `element` the id of its element; `title` is its
    name, else its kind with a number; `problem` the worst one, of `problem_count`. `mark` says how
    it differs from another version: added, changed, removed. `fresh` is a new step that nobody
    filled in yet, or a start without any step: what it lacks is nobody's mistake.
    """

    step: str
    element: str
    kind: str
    label: str
    icon: str
    group: str
    name: str
    title: str
    summary: tuple[Piece, ...]
    x: int
    y: int
    height: int
    lines: tuple[Line, ...]
    folded: tuple[Line, ...] = ()
    problem: Problem | None = None
    problem_count: int = 0
    counts: Counts | None = None
    in_full: str = ""
    unread: bool = False
    fresh: bool = False
    mark: str = ""

    @property
    def said(self) -> str:
        """The accessible name of its header: kind and name."""
        return f"{self.label}: {self.name}" if self.name else self.title


def card_of(
    step_id: str,
    step: Step,
    *,
    place: tuple[int, int],
    title: str,
    titles: Mapping[str, str],
    problems: Sequence[Problem],
    counts: Mapping[str, Any] | None,
    fresh: bool,
) -> Card:
    """The card of a step that can be read."""
    shown = shown_exits(step)
    worst, count = _worst(problems)
    taken = (counts or {}).get("exits", {})

    def line(name: str, label: str, *, required: bool) -> Line:
        to = step.next.get(name, "")
        to = to if to in titles else ""
        return Line(
            exit=name,
            label=label,
            to=to,
            to_title=titles.get(to, ""),
            required=required,
            problem=_problem_at(problems, "steps", step_id, "next", name),
            jump=kind_of(step) == "go_to" and name == "to",
            taken=taken.get(name, 0),
            share=_share(taken, name),
        )

    return Card(
        step=step_id,
        element=f"step-{step_id}",
        kind=kind_of(step),
        label=step.label,
        icon=step.icon,
        group=GROUPS[step.group],
        name=step.name,
        title=title,
        summary=in_pieces(step.summary()),
        x=place[0],
        y=place[1],
        height=card_height(step, problem=worst is not None, counters=counts is not None),
        lines=tuple(line(one.name, one.label, required=one.required) for one in shown.rows),
        folded=tuple(line(one.name, one.label, required=one.required) for one in shown.folded),
        problem=worst,
        problem_count=count,
        counts=None if counts is None else _counts(counts),
        fresh=fresh,
    )


def unread_card(
    step_id: str,
    entry: object,
    *,
    place: tuple[int, int],
    title: str,
    titles: Mapping[str, str],
    problems: Sequence[Problem],
    counts: Mapping[str, Any] | None,
) -> Card:
    """The card of a step whose settings cannot be read: its lines stay, its problem says why."""
    worst, count = _worst(problems)
    if worst is None:
        worst, count = Problem("error", "Its settings cannot be read."), 1
    found = entry.get("next") if isinstance(entry, dict) else None
    ways = found if isinstance(found, dict) else {}
    lines = tuple(
        Line(str(name), str(name).replace("_", " ").capitalize(), to, titles.get(to, ""))
        for name, to in ways.items()
        if isinstance(to, str) and to in titles and to in targets(entry)
    )
    extra = PROBLEM_ROW + COUNTER_ROW * (counts is not None)
    return Card(
        step=step_id,
        element=f"step-{step_id}",
        kind="",
        label="This step cannot be read",
        icon="circle-alert",
        group="flow",
        name=title,
        title=title,
        summary=(),
        x=place[0],
        y=place[1],
        height=HEADER + SUMMARY + extra + len(lines) * EXIT_ROW + FOOT,
        lines=lines,
        problem=worst,
        problem_count=count,
        counts=None if counts is None else _counts(counts),
        unread=True,
    )


def start_card(
    document: Mapping[str, Any],
    flow: AnyFlow | None,
    *,
    place: tuple[int, int],
    line: Line,
    problems: Sequence[Problem],
) -> Card:
    """The card of all triggers; it cannot be deleted."""
    worst, count = _worst(problems)
    said = _starts_by(document, flow)
    policy = _POLICIES[flow.entry.policy] if flow is not None else ""
    first = said[0] + (f" + {len(said) - 1} more" if len(said) > 1 else "") if said else ""
    return Card(
        step=START_STEP,
        element="start-card",
        kind="start",
        label="Start",
        icon="zap",
        group="flow",
        name="",
        title="Start",
        summary=in_pieces(" · ".join(filter(None, (first or "Nothing starts it yet", policy)))),
        x=place[0],
        y=place[1],
        height=START_HEIGHT + PROBLEM_ROW * (worst is not None),
        lines=(Line(line.exit, line.label, line.to, line.to_title, True, _at_start(problems)),),
        problem=worst,
        problem_count=count,
        in_full=", or ".join(said),
        fresh=worst is not None and worst.field == "/steps" and not document.get("steps"),
    )


def _starts_by(document: Mapping[str, Any], flow: AnyFlow | None) -> list[str]:
    """Every trigger in words, as far as it can be read."""
    if flow is not None:
        return [one.summary() or one.label for one in flow.triggers.values()]
    found = document.get("triggers")
    return [_trigger_in_words(one) for one in (found.values() if isinstance(found, dict) else ())]


def _trigger_in_words(entry: object) -> str:
    kind = catalog().triggers.get(str(entry.get("type"))) if isinstance(entry, dict) else None
    try:
        trigger = None if kind is None else msgspec.convert(entry, kind)
    except msgspec.ValidationError:
        trigger = None
    return (
        "A trigger that cannot be read" if trigger is None else trigger.summary() or trigger.label
    )


def _at_start(problems: Sequence[Problem]) -> str:
    return _problem_at(problems, "start")


def _worst(problems: Sequence[Problem]) -> tuple[Problem | None, int]:
    """The worst error or warning and how many there are; hints stay in the panel."""
    found = [one for one in problems if one.severity != "hint"]
    found.sort(key=lambda one: one.severity != "error")
    return (found[0] if found else None), len(found)


def _problem_at(problems: Sequence[Problem], *place: str) -> str:
    if not problems:
        return ""  # nearly always: a page draws a thousand exits
    field = pointer(*place)
    return next((one.severity for one in problems if one.field == field), "")


def _share(taken: Mapping[str, int], name: str) -> str:
    total = sum(taken.values())
    return f"{100 * taken.get(name, 0) / total:.0f}%" if total else ""


def _counts(counts: Mapping[str, Any]) -> Counts:
    return Counts(counts.get("here", 0), counts.get("passed", 0), counts.get("left", 0))
