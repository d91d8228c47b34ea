"""Numbers as the canvas, the panel, the file and the live connection show them.

Rule: pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from flows.step import Step, kind_of
from store.results import MESSAGE_WORDS, Results, StepNumbers
from web.builder.drawing import Drawing

START = "@start"
ENDED = {"done": "Came to the end", "failed": "Failed", "stopped": "Were ended"}
MESSAGES = {
    "sent": "Sent",
    "delivered": "Delivered",
    "read": "Read",
    "failed": "Failed",
    "not_sent": "Not sent",
    "unconfirmed": "Unconfirmed",
}


class Part(Struct, frozen=True):
    """One number of a step: `what` and `name` as the address of its contacts says them."""

    what: str
    label: str
    n: int
    share: str = ""
    name: str = ""


class Row(Struct, frozen=True):
    """One step with its numbers; `gone` when no card stands for it any more."""

    step: str
    title: str
    label: str
    icon: str
    group: str
    here: int
    passed: int
    left: int
    exits: list[Part]
    ended: list[Part]
    messages: list[Part]
    gone: bool = False


def counters(found: Results) -> dict[str, dict[str, Any]]:
    """By step, as cards and the canvas take them."""
    return {step: counter(one) for step, one in found.steps.items()}


def counter(one: StepNumbers) -> dict[str, Any]:
    """The numbers of one card."""
    return {
        "here": one.here,
        "passed": one.passed,
        "left": one.left,
        "exits": dict(one.exits),
        "messages": dict(one.messages),
    }


def rows(found: Results, drawing: Drawing) -> list[Row]:
    """The steps in the order of travel, then those that are not drawn but have numbers."""
    shown = [
        _row(found.of(card.step), card.step, card.title, card, drawing.steps.get(card.step))
        for card in drawing.cards
        if card.step != START
    ]
    drawn = {row.step for row in shown}
    return shown + [
        _row(numbers, step, step, None, None)
        for step, numbers in sorted(found.steps.items())
        if step and step not in drawn
    ]


def share(n: int, of: int) -> str:
    """`41%`; "" when there is nothing to be a part of."""
    return f"{100 * n / of:.0f}%" if of else ""


def _row(numbers: StepNumbers, step: str, title: str, card: Any, known: Step | None) -> Row:
    return Row(
        step=step,
        title=title,
        label=card.label if card else "",
        icon=card.icon if card else "square",
        group=card.group if card else "flow",
        here=numbers.here,
        passed=numbers.passed,
        left=numbers.left,
        exits=_exits(numbers, known),
        ended=[
            Part("left", label, numbers.ended[word], share(numbers.ended[word], numbers.left), word)
            for word, label in ENDED.items()
            if numbers.ended.get(word)
        ],
        messages=_messages(numbers.messages, known),
        gone=card is None,
    )


def _exits(numbers: StepNumbers, step: Step | None) -> list[Part]:
    labels: Mapping[str, str] = {one.name: one.label for one in step.exits()} if step else {}
    names = [*labels, *(name for name in numbers.exits if name not in labels)]
    return [
        Part(
            "passed",
            labels.get(name) or name.replace("_", " ").capitalize(),
            numbers.exits.get(name, 0),
            share(numbers.exits.get(name, 0), numbers.passed),
            name,
        )
        for name in names
    ]


def _messages(counted: Mapping[str, int], step: Step | None) -> list[Part]:
    """Shares are of those sent; of what never left there is none."""
    sends = step is not None and kind_of(step) in ("send_template", "send_message", "ask")
    if not sends and not counted:
        return []
    sent = counted.get("sent", 0)
    return [
        Part(
            word,
            MESSAGES[word],
            counted.get(word, 0),
            share(counted.get(word, 0), sent) if word in ("delivered", "read") else "",
        )
        for word in MESSAGE_WORDS
    ]
