"""A draft as the canvas shows it: every card with its place, height, exits and problems.

Rule: pure, and it survives any document. Two cards that are equal look the same, so that whoever
changes a draft knows from two drawings which cards to send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from engine.kinds import catalog
from flows.document import AnyFlow
from flows.editing.places import places, start_place
from flows.issues import Known
from flows.problems import Problem
from flows.step import Step
from web.builder.cards import Card, Counters, Line, card_of, start_card, unread_card
from web.builder.travel import in_order_of_travel


class Drawing(Struct, frozen=True):
    """`cards` in the order of travel, the start card first. `flow` is None when the document's
    shape is wrong; the steps that can be read are drawn all the same.
    """

    document: dict[str, Any]
    flow: AnyFlow | None
    steps: dict[str, Step]
    problems: list[Problem]
    cards: list[Card]

    def card(self, step: str) -> Card | None:
        """The card of `step` (`@start` for the start card), if it is there."""
        return next((one for one in self.cards if one.step == step), None)

    def card_of(self, problem: Problem) -> Card:
        """The card that a problem belongs to."""
        found = None if problem.field.startswith("/triggers/") else self.card(problem.step)
        return found or self.cards[0]

    def changed_since(self, before: Drawing) -> list[Card]:
        """The cards that look different from `before`, new ones included."""
        old = {one.step: one for one in before.cards}
        return [one for one in self.cards if old.get(one.step) != one]

    def gone_since(self, before: Drawing) -> list[str]:
        """The steps that `before` had and this has not."""
        here = {one.step for one in self.cards}
        return [one.step for one in before.cards if one.step not in here]

    @property
    def title(self) -> str:
        """What the canvas is called: how many steps and problems there are."""
        count = len(self.cards) - 1
        wrong = sum(one.severity != "hint" for one in self.problems)
        return f"Automation steps, {_many(count, 'step')}, {_many(wrong, 'problem')}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def draw(
    document: Mapping[str, Any], known: Known | None, *, counters: Counters | None = None
) -> Drawing:
    """The drawing of a draft. With `counters` every card has its counter row."""
    flow, problems = catalog().check(document, known)
    return drawing_of(dict(document), flow, problems, counters=counters)


def drawing_of(
    document: dict[str, Any],
    flow: AnyFlow | None,
    problems: list[Problem],
    *,
    counters: Counters | None = None,
) -> Drawing:
    """The same, for whoever has checked the document already."""
    entries = _entries(document, "steps")
    steps = dict(flow.steps) if flow is not None else _readable(entries)
    names = titles(entries, steps)
    by_step, of_start = _shared_out(problems, entries)
    stands = places(document, entries, steps)
    start = document.get("start")
    start = start if isinstance(start, str) and start in entries else ""
    cards = [
        start_card(
            document,
            flow,
            place=start_place(document),
            line=Line("start", "Start", start, names.get(start, "")),
            problems=of_start,
        )
    ]
    for step_id in in_order_of_travel(start, entries, steps):
        common: dict[str, Any] = {
            "place": stands[step_id],
            "title": names[step_id],
            "titles": names,
            "problems": by_step.get(step_id, []),
            "counts": None if counters is None else counters.get(step_id, {}),
        }
        if (step := steps.get(step_id)) is not None:
            fresh = _is_fresh(document, entries[step_id], step)
            cards.append(card_of(step_id, step, **common, fresh=fresh))
        else:
            cards.append(unread_card(step_id, entries[step_id], **common))
    return Drawing(document, flow, steps, problems, cards)


def titles(entries: Mapping[str, Any], steps: Mapping[str, Step]) -> dict[str, str]:
    """What each step is called: its name, else its kind, numbered from the second one on."""
    found: dict[str, str] = {}
    unnamed: dict[str, int] = {}
    for step_id, entry in entries.items():
        step = steps.get(step_id)
        name = step.name if step else _text(entry, "name")
        if name:
            found[step_id] = name
            continue
        label = step.label if step else _label(entry)
        unnamed[label] = unnamed.get(label, 0) + 1
        found[step_id] = label if unnamed[label] == 1 else f"{label} {unnamed[label]}"
    return found


def _is_fresh(document: Mapping[str, Any], entry: Mapping[str, Any], step: Step) -> bool:
    """Whether a step is still as it was when it was added."""
    settings = {key: value for key, value in entry.items() if key not in ("type", "at", "next")}
    if settings.get("language") == document.get("language"):
        settings.pop("language", None)
    return settings == step.fresh


def _label(entry: object) -> str:
    kind = catalog().steps.get(_text(entry, "type"))
    return kind.label if kind else "Unknown step"


def _text(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _entries(document: Mapping[str, Any], section: str) -> dict[str, Any]:
    found = document.get(section)
    return found if isinstance(found, dict) else {}


def _readable(entries: Mapping[str, Any]) -> dict[str, Step]:
    """The steps of a document that cannot be read as a whole."""
    found: dict[str, Step] = {}
    for step_id, entry in entries.items():
        kind = catalog().steps.get(_text(entry, "type"))
        if kind is None:
            continue
        try:
            found[step_id] = msgspec.convert(entry, kind)
        except msgspec.ValidationError:
            continue
    return found


def _shared_out(
    problems: Sequence[Problem], entries: Mapping[str, Any]
) -> tuple[dict[str, list[Problem]], list[Problem]]:
    """Problems by step, and those of the start card. A trigger may be called like a step."""
    by_step: dict[str, list[Problem]] = {}
    of_start: list[Problem] = []
    for one in problems:
        if one.step in entries and not one.field.startswith("/triggers/"):
            by_step.setdefault(one.step, []).append(one)
        else:
            of_start.append(one)
    return by_step, of_start
