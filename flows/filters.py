"""The filters of message texts, kept from growing without end and from looking at the clock.

Rule: a filter's result depends on its arguments and the given values alone, and stays small.
"""

from __future__ import annotations

import json as _json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

from liquid import Environment, RenderContext
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import FilterArgumentError
from liquid.filter import liquid_filter, string_filter, with_context

from flows.calendar import local

SIZE_LIMIT = 60_000  # characters or items that may go into or come out of one filter
WORK_LIMIT = 3_000_000  # the same, of all filters of one text: a second's work at the worst
_DIRECTIVES = re.compile(r"(?:[^%]|%-?[A-Za-z%])*")  # widths such as %999999d make huge texts

Filter = Callable[..., Any]


class _Work(threading.local):
    """What one text may still ask of its filters."""

    left = WORK_LIMIT


_work = _Work()


def begin() -> None:
    """Another text is filled in."""
    _work.left = WORK_LIMIT


def set_up(environment: Environment) -> None:
    """Replace the filters that read the clock or can blow up, and bound all of them."""
    # Liquid limits how often a loop runs, not how far it skips: (1..999999999) offset: 999999990.
    RangeLiteral._make_range = _bounded_range  # type: ignore[assignment, method-assign]  # noqa: SLF001
    own: dict[str, Filter] = {"date": date, "json": json, "replace": replace, "join": join}
    environment.filters.update(own)
    for name, one in list(environment.filters.items()):
        environment.filters[name] = _bounded(one)


@with_context
@liquid_filter
def date(value: object, form: object = "%Y-%m-%d", *, context: RenderContext) -> str:
    """A moment in the given form, on the contact's clock: `{{ order.created_at | date: "%d/%m" }}`.
    A time without a zone stays as it is, and so does what is no time.

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
    contact = context.resolve("contact", default=None)
    zone = contact.get("zone") if isinstance(contact, Mapping) else None
    if zone and value.tzinfo is not None:
        value = local(value, str(zone))
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
        sizes = [_size(value) for value in (*values, *named.values())]
        _check(max(sizes))
        _work.left -= sum(sizes)
        if _work.left < 0:
            raise FilterArgumentError("its filters have too much to do", token=None)
        result = one(*values, **named)
        _check(_size(result))
        return result

    return bounded


_make_range = RangeLiteral._make_range  # noqa: SLF001


def _bounded_range(literal: RangeLiteral, start: Any, stop: Any) -> range:
    made = _make_range(literal, start, stop)
    _check(made.stop - made.start)
    return made


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() // 3
    return len(value) if isinstance(value, str | list | tuple | range) else 0


def _check(size: int) -> None:
    if size > SIZE_LIMIT:
        raise FilterArgumentError(f"more than {SIZE_LIMIT:,} characters", token=None)
