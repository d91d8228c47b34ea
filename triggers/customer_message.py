"""The kind `customer_message`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from flows.calendar import holiday, local, open_now
from flows.contact import Contact
from flows.content import Reaction, Tap, Text, parse_payload
from flows.events import Event, Replied
from flows.patterns import problem_in_pattern
from flows.trigger import Match, Trigger
from flows.words import Way, normal, says

_RANK: dict[Way, int] = {"exact": 0, "starts_with": 1, "contains": 2, "regex": 3}
_BUTTON, _HOLIDAY, _OUTSIDE_HOURS, _CATCH_ALL = -1, 5, 6, 9
_SAID: dict[Way, str] = {
    "exact": "is",
    "starts_with": "starts with",
    "contains": "contains",
    "regex": "matches",
}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words, and how the message is compared with them."""

    match: Annotated[
        Way,
        Meta(
            title="The message",
            description="How the message is compared",
            extra_json_schema={
                "x-words": {
                    "exact": "Is exactly",
                    "starts_with": "Starts with",
                    "contains": "Contains",
                    "regex": "Fits a regular expression",
                }
            },
        ),
    ] = "exact"
    words: Annotated[
        list[Annotated[str, Meta(max_length=500, extra_json_schema={"x-input": "text"})]],
        Meta(
            max_length=50,
            title="Words",
            description="Any of these words, or regular expressions",
            extra_json_schema={"x-input": "lines"},
        ),
    ] = []


class CustomerMessage(Trigger, frozen=True, kw_only=True, tag="customer_message"):
    """Starts when a customer writes one of these words, taps a button of a template, writes on a
    holiday or outside working hours, or writes anything nobody else answers. Of all automations
    only the one that fits best starts: buttons, whole message, beginning, part, expression, then
    holiday, working hours and any message; longer words before shorter ones.
    """

    label: ClassVar[str] = "Customer message"
    hears: ClassVar[tuple[type, ...]] = (Replied,)
    exclusive: ClassVar[bool] = True

    rules: Annotated[
        list[Rule], Meta(max_length=20, title="Keywords", description="The words that start it")
    ] = []
    buttons: Annotated[
        list[Annotated[str, Meta(max_length=256, extra_json_schema={"x-input": "text"})]],
        Meta(
            max_length=20,
            title="Buttons of templates",
            description="Buttons of templates, by their words or their payload",
            extra_json_schema={"x-input": "lines"},
        ),
    ] = []
    holiday: Annotated[
        bool,
        Meta(title="On holidays", description="Start on any message on the company's holidays"),
    ] = False
    outside_hours: Annotated[
        bool,
        Meta(
            title="Outside working hours",
            description="Start on any message while the company is closed",
        ),
    ] = False
    catch_all: Annotated[
        bool,
        Meta(
            title="Any other message",
            description="Start on any message that no other automation answers",
        ),
    ] = False

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Replied) or isinstance(event.content, Reaction):
            return None
        if isinstance(event.content, Tap) and parse_payload(event.content.payload):
            return None  # the answer to a question of ours, however late
        data = {"message": {"text": event.text, "id": str(event.message_id)}}
        if isinstance(event.content, Tap) and (button := self._button(event.content)):
            why = f"the button “{button}” was tapped"
            return Match(why, data, (_BUTTON, -_length("exact", button)))
        found = [
            ((_RANK[rule.match], -_length(rule.match, word)), rule.match, word)
            for rule in self.rules
            for word in rule.words
            if says(rule.match, event.text, word)
        ]
        if found:
            rank, way, word = min(found)
            return Match(f"the message {_SAID[way]} “{word}”", data, rank)
        return self._whatever_it_says(data, contact, now)

    def _button(self, tap: Tap) -> str:
        """The button among those wanted that was tapped; empty: another one."""
        said = normal(tap.label)
        for wanted in self.buttons:
            if wanted.strip() and (wanted == tap.payload or normal(wanted) == said):
                return wanted
        return ""

    def _whatever_it_says(
        self, data: dict[str, Any], contact: Contact, now: datetime
    ) -> Match | None:
        company = contact.company
        if self.holiday and (day := holiday(company, local(now, company.zone).date())):
            return Match(f"it is a holiday: {day}", data, (_HOLIDAY, 0))
        if self.outside_hours and not open_now(company, now):
            return Match("it is outside working hours", data, (_OUTSIDE_HOURS, 0))
        if self.catch_all:
            return Match("it answers any message", data, (_CATCH_ALL, 0))
        return None

    def sample(self, automation_id: int, name: str) -> Event:
        words = (word for rule in self.rules for word in rule.words if says(rule.match, word, word))
        said = next(words, "")
        if not said and self.buttons:
            return Replied(self.buttons[0], Tap(self.buttons[0], self.buttons[0], "template"))
        return Replied(said or "Hello", Text(said or "Hello"))

    def summary(self) -> str:
        words = [word for rule in self.rules for word in rule.words]
        more = f" + {len(words) - 1} more" if len(words) > 1 else ""
        said = (
            f"Keyword “{words[0]}”{more}" if words else "",
            f"Button “{'”, “'.join(self.buttons)}”" if self.buttons else "",
            "holiday" if self.holiday else "",
            "outside working hours" if self.outside_hours else "",
            "any message" if self.catch_all else "",
        )
        return " or ".join(filter(None, said))

    def _any_message(self) -> bool:
        return self.holiday or self.outside_hours or self.catch_all

    def problems(self) -> Iterator[tuple[str, str]]:
        if not (self.rules or self.buttons or self._any_message()):
            yield "/rules", "Add a word or a button, or start on any message."
        for number, button in enumerate(self.buttons):
            if not button.strip():
                yield f"/buttons/{number}", "Say which button."
        for number, rule in enumerate(self.rules):
            where = f"/rules/{number}/words"
            if not any(word.strip() for word in rule.words):
                yield where, "Add a word."
            for place, word in enumerate(rule.words):
                wrong = problem_in_pattern(word) if rule.match == "regex" else None
                if wrong:
                    yield f"{where}/{place}", f"“{word}” is no regular expression: {wrong}."


def _length(way: Way, word: str) -> int:
    return len(word) if way == "regex" else len(normal(word))
