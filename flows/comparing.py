"""The operators of conditions: one value compared with another.

Rule: a comparison that makes no sense (a word more than a number) does not hold; nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from msgspec import Struct

from flows import fields
from flows.calendar import local
from flows.contact import FieldKind
from flows.duration import parse_duration
from flows.patterns import search
from flows.words import normal

Operator = Literal[
    "is",
    "is_not",
    "contains",
    "contains_not",
    "starts_with",
    "ends_with",
    "matches",
    "more_than",
    "less_than",
    "at_least",
    "at_most",
    "between",
    "before",
    "after",
    "is_within",
    "is_longer_ago",
    "is_within_next",
    "is_anniversary",
    "is_set",
    "is_empty",
    "is_one_of",
    "is_none_of",
]
SAID: dict[Operator, str] = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "contains_not": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "matches": "matches",
    "more_than": "is more than",
    "less_than": "is less than",
    "at_least": "is at least",
    "at_most": "is at most",
    "between": "is between",
    "before": "is before",
    "after": "is after",
    "is_within": "is within the last",
    "is_longer_ago": "is longer ago than",
    "is_within_next": "is within the next",
    "is_anniversary": "has its day and month today",
    "is_set": "is set",
    "is_empty": "is empty",
    "is_one_of": "is one of",
    "is_none_of": "is none of",
}
ALONE: frozenset[Operator] = frozenset(("is_set", "is_empty", "is_anniversary"))
"""They look at one value only."""
LASTING: frozenset[Operator] = frozenset(("is_within", "is_longer_ago", "is_within_next"))
"""They compare with a length of time, counted from now."""
ORDERED: frozenset[Operator] = frozenset(
    ("more_than", "less_than", "at_least", "at_most", "before", "after", "between")
)
SHOWN = 60  # characters of a value repeated in a reason
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_NONE = timedelta(0)


class Scene(Struct, frozen=True):
    """What a comparison must know: the moment, whose clock counts, and what kind of field it is."""

    now: datetime = _ALWAYS
    zone: str = "UTC"
    kind: FieldKind | None = None


def compares(op: Operator, found: Any, to: Any, scene: Scene) -> bool:
    """Whether `found` `op` `to`."""
    return _TESTS[op](found, to, scene)


def is_empty(found: Any) -> bool:
    """Nothing at all: zero and “no” are something."""
    return found is None or (isinstance(found, str | list | dict) and not found)


def words(value: Any) -> str:
    """`value` as it is compared and shown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show(value: Any) -> str:
    """`value` in quotes, cut to a readable length."""
    text = ", ".join(map(words, value)) if isinstance(value, list) else words(value)
    return f"“{text[:SHOWN]}{'…' if len(text) > SHOWN else ''}”"


def can_be_ordered(op: Operator, to: Any) -> bool:
    """Whether something can be more, less, before or after `to`."""
    if _clock(to) is not None or fields.moment(to, "UTC") is not None:
        return True
    return op not in ("before", "after") and _number(to) is not None


def _same(found: Any, to: Any, scene: Scene) -> bool:
    if isinstance(found, list):
        return any(_same(one, to, scene) for one in found)
    if scene.kind is not None:
        return _same_of_kind(found, to, scene)
    left, right = _number(found), _number(to)
    if left is not None and right is not None:
        return left == right
    return normal(words(found)) == normal(words(to))


def _same_of_kind(found: Any, to: Any, scene: Scene) -> bool:
    """As the field's kind means it: a moment is on a day, “si” is yes, but 007 is not 7."""
    if is_empty(found) or is_empty(to):
        return is_empty(found) and is_empty(to)
    if scene.kind == "moment" and not fields.bare_day(to):
        pair: tuple[Any, Any] = fields.moment(found, scene.zone), fields.moment(to, scene.zone)
    elif scene.kind in ("date", "moment"):
        pair = fields.day(found, scene.zone), fields.day(to, scene.zone)
    elif scene.kind == "yes_no":
        pair = fields.yes_or_no(found), fields.yes_or_no(to)
    elif scene.kind == "number":
        pair = _number(found), _number(to)
    else:
        pair = None, None
    left, right = pair
    if left is None or right is None:
        return normal(words(found)) == normal(words(to))
    return bool(left == right)


def _contains(found: Any, to: Any) -> bool:
    wanted = normal(words(to))
    if isinstance(found, list):
        return any(normal(words(one)) == wanted for one in found)
    return wanted in normal(words(found))


def _is_one_of(found: Any, to: Any, scene: Scene) -> bool:
    return any(_same(found, one, scene) for one in (to if isinstance(to, list) else [to]))


def _ordered(found: Any, to: Any, scene: Scene, *, by_time: bool = False) -> int | None:
    """Above zero when `found` is more or later than `to`; None: they cannot be compared."""
    left, right = _pair(found, to, scene, by_time=by_time)
    if left is None or right is None:
        return None
    return int(left > right) - int(left < right)


def _between(found: Any, to: Any, scene: Scene) -> bool:
    """Both ends belong to it; times of day may go over midnight."""
    if not isinstance(to, list) or len(to) != 2:  # noqa: PLR2004  from and to
        return False
    low, first = _pair(found, to[0], scene)
    high, last = _pair(found, to[1], scene)
    if low is None or high is None or first is None or last is None:
        return False
    if isinstance(first, str) and isinstance(last, str) and first > last:
        return bool(low >= first or high <= last)
    return bool(first <= low and high <= last)


def _pair(found: Any, to: Any, scene: Scene, *, by_time: bool = False) -> tuple[Any, Any]:
    """Both as numbers, times of day, days or moments: whatever both can be."""
    if not by_time:
        numbers = _number(found), _number(to)
        if None not in numbers:
            return numbers
    clocks = _clock(found), _clock(to)
    if None not in clocks:
        return clocks
    read: Callable[[Any, str], Any] = fields.day if fields.bare_day(to) else fields.moment
    return read(found, scene.zone), read(to, scene.zone)


def _passed(found: Any, to: Any, scene: Scene) -> tuple[timedelta | None, timedelta]:
    """How long ago `found` was, and the length of time it is compared with."""
    try:
        return _since(found, scene), parse_duration(words(to))
    except ValueError:
        return None, _NONE


def _is_within(found: Any, to: Any, scene: Scene) -> bool:
    passed, length = _passed(found, to, scene)
    return passed is not None and _NONE <= passed <= length


def _is_longer_ago(found: Any, to: Any, scene: Scene) -> bool:
    passed, length = _passed(found, to, scene)
    return passed is not None and passed > length


def _is_within_next(found: Any, to: Any, scene: Scene) -> bool:
    passed, length = _passed(found, to, scene)
    return passed is not None and _NONE <= -passed <= length


def _since(found: Any, scene: Scene) -> timedelta | None:
    """How long ago `found` was; of a day without a time, in whole days of the calendar."""
    if is_empty(found):
        return None
    if fields.bare_day(found):
        day = fields.day(found, scene.zone)
        return None if day is None else local(scene.now, scene.zone).date() - day
    at = fields.moment(found, scene.zone)
    return None if at is None else scene.now - at


def _anniversary(found: Any, _to: Any, scene: Scene) -> bool:
    """29 February is kept on the 28th in other years."""
    day = None if is_empty(found) else fields.day(found, scene.zone)
    if day is None:
        return False
    today = local(scene.now, scene.zone).date()
    return (today.month, today.day) == _kept_on(day, today.year)


def _kept_on(day: date, year: int) -> tuple[int, int]:
    try:
        day.replace(year=year)
    except ValueError:
        return day.month, day.day - 1
    return day.month, day.day


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _clock(value: Any) -> str | None:
    """`9:05` as `09:05`, so that times of day compare as texts."""
    text = words(value).strip()
    return text.zfill(5) if _CLOCK.fullmatch(text) else None


_TESTS: dict[Operator, Callable[[Any, Any, Scene], bool]] = {
    "is": _same,
    "is_not": lambda found, to, scene: not _same(found, to, scene),
    "contains": lambda found, to, _: _contains(found, to),
    "contains_not": lambda found, to, _: not _contains(found, to),
    "starts_with": lambda found, to, _: normal(words(found)).startswith(normal(words(to))),
    "ends_with": lambda found, to, _: normal(words(found)).endswith(normal(words(to))),
    "matches": lambda found, to, _: search(words(to), words(found)),
    "more_than": lambda found, to, scene: _ordered(found, to, scene) == 1,
    "less_than": lambda found, to, scene: _ordered(found, to, scene) == -1,
    "at_least": lambda found, to, scene: _ordered(found, to, scene) in (0, 1),
    "at_most": lambda found, to, scene: _ordered(found, to, scene) in (0, -1),
    "between": _between,
    "before": lambda found, to, scene: _ordered(found, to, scene, by_time=True) == -1,
    "after": lambda found, to, scene: _ordered(found, to, scene, by_time=True) == 1,
    "is_within": _is_within,
    "is_longer_ago": _is_longer_ago,
    "is_within_next": _is_within_next,
    "is_anniversary": _anniversary,
    "is_set": lambda found, _to, _scene: not is_empty(found),
    "is_empty": lambda found, _to, _scene: is_empty(found),
    "is_one_of": _is_one_of,
    "is_none_of": lambda found, to, scene: not _is_one_of(found, to, scene),
}
