"""The kind `customer_message`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from flows.contact import Contact
from flows.content import Reaction, Tap, parse_payload
from flows.events import Event, Replied
from flows.patterns import problem_in_pattern
from flows.trigger import Match, Trigger
from flows.words import Way, normal, says

_RANK: dict[Way, int] = {"exact": 0, "starts_with": 1, "contains": 2, "regex": 3}
_CATCH_ALL = 9
_SAID: dict[Way, str] = {
    "exact": "is",
    "starts_with": "starts with",
    "contains": "contains",
    "regex": "matches",
}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words, and how the message is compared with them."""

    match: Annotated[Way, Meta(description="How the message is compared")] = "exact"
    words: Annotated[
        list[Annotated[str, Meta(max_length=500, extra_json_schema={"x-input": "text"})]],
        Meta(max_length=50, description="Any of these words, or regular expressions"),
    ] = []


class CustomerMessage(Trigger, frozen=True, kw_only=True, tag="customer_message"):
    """Starts when a customer writes one of these words, or anything nobody else answers. Of all
    automations only the one that fits best starts: whole message before beginning before part,
    longer words before shorter ones.
    """

    label: ClassVar[str] = "Customer message"
    exclusive: ClassVar[bool] = True

    rules: Annotated[list[Rule], Meta(max_length=20, description="The words that start it")] = []
    catch_all: Annotated[
        bool, Meta(description="Start on any message that no other automation answers")
    ] = False

    def matches(self, event: Event, contact: Contact, now: datetime) -> Match | None:
        if not isinstance(event, Replied) or isinstance(event.content, Reaction):
            return None
        if isinstance(event.content, Tap) and parse_payload(event.content.payload):
            return None  # the answer to a question of ours, however late
        data = {"message": {"text": event.text, "id": str(event.message_id)}}
        found = [
            ((_RANK[rule.match], -_length(rule.match, word)), rule.match, word)
            for rule in self.rules
            for word in rule.words
            if says(rule.match, event.text, word)
        ]
        if found:
            rank, way, word = min(found)
            return Match(f"the message {_SAID[way]} “{word}”", data, rank)
        if self.catch_all:
            return Match("it answers any message", data, (_CATCH_ALL, 0))
        return None

    def summary(self) -> str:
        words = [word for rule in self.rules for word in rule.words]
        more = f" + {len(words) - 1} more" if len(words) > 1 else ""
        keyword = f"Keyword “{words[0]}”{more}" if words else ""
        return " or ".join(said for said in (keyword, self.catch_all and "any message") if said)

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.rules and not self.catch_all:
            yield "/rules", "Add a word, or start on any message."
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
