"""The figures the gateway kept on a message: rules asked, the chosen phone's score, other phones.
Pure.

Rule: they are read as they come; a figure that is not there, or of another shape, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from gateway.balance import FAILURE_WEIGHT

WEIGHT = f"{FAILURE_WEIGHT:g}"
FORMULA = f"score = sent today × seniority + failure rate × {WEIGHT} + cooldown; the lowest wins"
RULES = {
    "consent": "Consent",
    "block": "Block",
    "expiry": "Drop if later than",
    "template": "Template",
    "window": "24 hours after their message",
    "gap": "Gap to the last message",
    "hours": "Sending hours",
    "day": "Messages of the company today",
    "budget": "Marketing to this contact",
    "phones": "Phones",
}
ANSWERS = {"ok": "fine", "exempt": "does not apply", "wait": "wait", "no": "no"}


class Rule(Struct, frozen=True):
    """One rule the gateway asked last, its answer in a word, and the sentence to it."""

    rule: str
    answer: str
    words: str


class Term(Struct, frozen=True):
    """One part of a score: how it was made (`20 × 0.46`) and what it came to."""

    name: str
    made_of: str
    value: float


class Compared(Struct, frozen=True):
    """Another phone: its score, or what kept it from sending and until when."""

    id: int
    name: str
    score: float | None
    held: str
    until: datetime | None


def rules_of(terms: Mapping[str, Any]) -> Iterator[Rule]:
    """Each rule that was asked last, in the order of asking."""
    for one in _mappings(terms.get("rules")):
        name, answer = str(one.get("rule", "")), str(one.get("answer", ""))
        words = str(one.get("words") or "")
        yield Rule(RULES.get(name, name.capitalize()), ANSWERS.get(answer, answer), words)


def score_of(chosen: Mapping[str, Any]) -> Iterator[Term]:
    """The parts of the chosen phone's score, and their sum; nothing when it was not scored."""
    if "score" not in chosen:
        return
    today, seniority = whole(chosen.get("today")), _number(chosen.get("seniority"))
    load = _number(chosen.get("load", today * seniority))
    yield Term("Sent today × seniority", f"{today:,} × {seniority:.2f}", load)
    rate = _number(chosen.get("failure_rate"))
    failures = _number(chosen.get("failures", rate * FAILURE_WEIGHT))
    yield Term(f"Failure rate × {WEIGHT}", f"{rate:.0%} × {WEIGHT}", failures)
    yield Term("Cooldown", "its own pace, failures in a row", _number(chosen.get("cooldown")))
    yield Term("Score", "the sum", _number(chosen.get("score")))


def others_of(terms: Mapping[str, Any]) -> Iterator[Compared]:
    """The other phones, as far as they were kept."""
    for one in _mappings(terms.get("others")):
        until = one.get("until")
        yield Compared(
            id=whole(one.get("id")),
            name=str(one.get("name") or f"Phone {one.get('id', '')}"),
            score=_number(one["score"]) if "score" in one else None,
            held=str(one.get("held") or ""),
            until=_moment(until),
        )


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else None


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def whole(value: Any) -> int:
    """`value` where it is a number, without its fraction, else 0."""
    return int(value) if isinstance(value, int | float) else 0
