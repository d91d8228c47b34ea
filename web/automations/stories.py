"""What customers go through in a ready-made flow: its saved tests, played and told as a chat. Pure.

Rule: the same simulator plays them that `tiptoe flow simulate` and the builder use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from engine import scenarios
from engine.kinds import catalog
from flows import library
from flows.content import Buttons, Choices, Content, LinkButton, Template, parse_payload, plain
from flows.duration import duration_words
from flows.scenario import read_scenario
from flows.trigger import Trigger
from web.templates.view import preview

LATER = timedelta(minutes=30)  # a pause worth telling of
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VARIABLE = re.compile(r"\{\{(\w+)\}\}")


class Said(Struct, frozen=True):
    """A line of the chat: from us or from them, or `between`, which is about time and events.
    `options` are what can be tapped under it.
    """

    who: Literal["us", "them", "between"]
    text: str
    options: tuple[str, ...] = ()


class Story(Struct, frozen=True):
    """One way through the flow: what it is called, what is said, and how it ends."""

    name: str
    said: tuple[Said, ...]
    end: str


@cache
def stories(key: str) -> tuple[Story, ...]:
    """The stories of a ready-made flow."""
    flow = catalog().decode(library.document(key))
    found = []
    for raw in library.scenarios(key):
        scenario, _ = read_scenario(raw)
        if scenario is None:
            continue
        told = scenarios.run(flow, scenario, catalog().decode).transcript
        if told is None:
            continue
        chat = _Chat(_beginning(flow.triggers.values()))
        contents = iter(told.messages)
        for line in told.lines:
            if line.who == "customer":
                chat.them(line.text, line.at)
            elif line.who == "message":
                content = next(contents, None)
                fits = content is not None and plain(content) == line.text
                chat.us(content if fits else None, line.text, line.at)
        ends = {"done": told.goal or "The end", "stopped": f"Ends: {told.reason}"}
        end = ends.get(told.status, f"Does not start: {told.reason}")
        found.append(Story(scenario.name, tuple(chat.said), end))
    return tuple(found)


class _Chat:
    """Puts the lines together, with the time that passes between them."""

    def __init__(self, beginning: str) -> None:
        self.said: list[Said] = []
        self.at: datetime | None = None
        self.labels: dict[str, str] = {}
        self.beginning = beginning

    def them(self, text: str, at: datetime) -> None:
        """They wrote or tapped; a tap on a template is told by its words."""
        self._passes(at)
        self.said.append(Said("them", self.labels.get(text, text)))

    def us(self, content: Content | None, text: str, at: datetime) -> None:
        """We wrote; without a content the `text` is all that is known."""
        if not self.said and self.beginning:
            self.said.append(Said("between", self.beginning))
        self._passes(at)
        match content:
            case Template():
                text, options = _filled(content)
                payloads = [one.value for one in content.buttons]
                self.labels |= dict(zip((_option(one) for one in payloads), options, strict=False))
            case Buttons() | Choices():
                text, options = content.body, tuple(one.label for one in content.options)
            case LinkButton():
                text, options = content.body, (content.label,)
            case _:
                options = ()
        self.said.append(Said("us", text, options))

    def _passes(self, at: datetime) -> None:
        passed = at - self.at if self.at is not None else timedelta()
        if passed >= LATER:
            whole = DAY if passed >= 2 * DAY else HOUR if passed >= HOUR else timedelta(minutes=1)
            self.said.append(Said("between", f"{duration_words(passed - passed % whole)} later"))
        self.at = at


def _beginning(triggers: Iterable[Trigger]) -> str:
    first = next(iter(triggers), None)
    return (first.summary() or first.label) if first is not None else ""


def _option(payload: str) -> str:
    """The option's id in what a button carries."""
    ours = parse_payload(payload)
    return ours[2] if ours is not None else payload


def _filled(content: Template) -> tuple[str, tuple[str, ...]]:
    """A template as the phone shows it."""
    body = _shipped().get(content.name)
    if body is None:
        return plain(content), ()
    seen = preview(body["components"])
    values = {str(place): value for place, value in enumerate(content.body, 1)}
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), seen.body), seen.buttons


@cache
def _shipped() -> Mapping[str, dict[str, Any]]:
    return {one["name"]: one for one in library.templates()}
