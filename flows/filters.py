"""The filters of message texts, kept from growing without end and from looking at the clock.

Rule: a filter's result depends on its arguments and the given values alone, and stays small.
"""

from __future__ import annotations

import json as _json
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from liquid import Environment, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import liquid_filter, string_filter, with_context

SIZE_LIMIT = 60_000  # characters or items that may go into or come out of one filter
_DIRECTIVES = re.compile(r"(?:[^%]|%-?[A-Za-z%])*")  # widths such as %999999d make huge texts

Filter = Callable[..., Any]


def set_up(environment: Environment) -> None:
    """Replace the filters that read the clock or can blow up, and bound all of them."""
    own: dict[str, Filter] = {"date": date, "json": json, "replace": replace, "join": join}
    environment.filters.update(own)
    for name, one in list(environment.filters.items()):
        environment.filters[name] = _bounded(one)


@with_context
@liquid_filter
def date(value: object, form: object = "%Y-%m-%d", *, context: RenderContext) -> str:
    """A moment in the given form, `{{ order.created_at | date: "%d/%m" }}`; other texts unchanged.

    "now" is the `now` of the values, so that a text filled in twice reads the same.
    """
    if value in ("now", "today"):
        value = context.resolve("now", default="")
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(str(value))
        except ValueError:
            return str(value)
    if not _DIRECTIVES.fullmatch(str(form)):
        raise FilterArgumentError(f"“{form}” is no form of a date", token=None)
    return value.strftime(str(form))


@liquid_filter
def json(value: object) -> str:
    """The value as JSON, quotes included: `{"name": {{ contact.name | json }}}`."""
    return _json.dumps(value, ensure_ascii=False, default=str)


@string_filter
def replace(text: str, old: object, new: object = "") -> str:
    """The text with each `old` replaced by `new`, unless that makes it too long."""
    before, after = str(old), str(new)
    _check(len(text) + text.count(before) * len(after))
    return text.replace(before, after)


@liquid_filter
def join(values: object, between: object = " ") -> str:
    """The items of a list as one text."""
    if not isinstance(values, list | tuple | range):
        return str(values)
    texts = ["" if one is None else str(one) for one in values]
    _check(sum(map(len, texts)) + len(texts) * len(str(between)))
    return str(between).join(texts)


def _bounded(one: Filter) -> Filter:
    @wraps(one)
    def bounded(*values: Any, **named: Any) -> Any:
        for value in (*values, *named.values()):
            _check(_size(value))
        result = one(*values, **named)
        _check(_size(result))
        return result

    return bounded


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() // 3
    return len(value) if isinstance(value, str | list | tuple | range) else 0


def _check(size: int) -> None:
    if size > SIZE_LIMIT:
        raise FilterArgumentError(f"more than {SIZE_LIMIT:,} characters", token=None)
