"""Values in plain JSON by their pointer (RFC 6901).

Rule: changes happen in place; whoever asks for one owns what it goes through.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

END_OF_LIST = "-"


class NoSuchPlaceError(LookupError):
    """The pointer leads through something that is not there, or holds nothing."""


def parts_of(place: str) -> list[str]:
    """`/steps/a~1b/0` -> `["steps", "a/b", "0"]`. Raises NoSuchPlaceError for no pointer."""
    if not place.startswith("/"):
        raise NoSuchPlaceError(place)
    return [part.replace("~1", "/").replace("~0", "~") for part in place[1:].split("/")]


def put(holder: Any, parts: Sequence[str], value: Any) -> None:
    """Set what stands at `parts` in `holder`; objects and lists on the way are made. In a list the
    number of an item replaces it; the next free one, or `-`, adds one.
    """
    for part, following in pairwise(parts):
        try:
            inner = _inside(holder, part)
        except NoSuchPlaceError:
            inner = None
        if inner is None:
            is_list = following == END_OF_LIST or _is_number(following)
            inner = [] if is_list else {}
            _set(holder, part, inner)
        holder = inner
    _set(holder, parts[-1], value)


def take(holder: Any, parts: Sequence[str]) -> bool:
    """Take away what stands at `parts`; whether anything did."""
    try:
        for part in parts[:-1]:
            holder = _inside(holder, part)
        _inside(holder, parts[-1])
    except NoSuchPlaceError:
        return False
    if isinstance(holder, list):
        del holder[int(parts[-1])]
    else:
        del holder[parts[-1]]
    return True


def deeper_than(value: object, limit: int) -> bool:
    """Whether lists and objects stand inside one another more than `limit` deep. No recursion."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _inside(holder: Any, part: str) -> Any:
    if isinstance(holder, dict) and part in holder:
        return holder[part]
    if isinstance(holder, list) and _is_number(part) and int(part) < len(holder):
        return holder[int(part)]
    raise NoSuchPlaceError(part)


def _set(holder: Any, part: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[part] = value
    elif isinstance(holder, list) and (part == END_OF_LIST or _is_number(part)):
        number = len(holder) if part == END_OF_LIST else int(part)
        if number > len(holder):
            raise NoSuchPlaceError(part)
        holder[number : number + 1] = [value]
    else:
        raise NoSuchPlaceError(part)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 7  # noqa: PLR2004  no list is longer
