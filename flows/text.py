"""Liquid in message texts: `Ciao {{ contact.first_name | default: "there" }}`.

Rendering is bounded (loops, nesting, size) and reads nothing but the values it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError
from liquid.static_analysis import Variable
from msgspec import Struct

from flows.explain import nearest
from flows.filters import begin, set_up
from flows.quick import fill
from flows.trouble import FlowError

TEXT_LIMIT = 20_000  # characters of source: five times WhatsApp's longest message
OUTPUT_LIMIT = 60_000  # bytes written by one rendering


class _Context(RenderContext):
    def get_item(self, obj: Any, key: Any) -> Any:
        """A field is a field: an unset `contact.fields.size` is empty, not how many there are."""
        if isinstance(obj, Mapping):
            return obj[key]
        return super().get_item(obj, key)


class _Template(BoundTemplate):
    context_class = _Context


class _Bounded(Environment):
    template_class = _Template
    loop_iteration_limit = 2_000
    local_namespace_limit = 20_000
    output_stream_limit = OUTPUT_LIMIT
    context_depth_limit = 12


_ENVIRONMENT = _Bounded()
set_up(_ENVIRONMENT)
for _tag in ("include", "render"):  # there are no other files to take in
    del _ENVIRONMENT.tags[_tag]


def has_liquid(text: str) -> bool:
    """Whether anything in `text` would be filled in."""
    return "{{" in text or "{%" in text


def render(text: str, values: Mapping[str, object]) -> str:
    """`text` with its variables filled in; unknown ones become empty.

    Raises FlowError with Liquid's own complaint for a broken or a boundless text.
    """
    if not has_liquid(text):
        return text
    quick = fill(text, values)
    if quick is not None:
        return quick
    begin()
    try:
        return _compiled(text).render(values)
    except LiquidError as error:
        raise FlowError(f"the text cannot be filled in: {_words(error)}") from error
    except FlowError:
        raise
    except RecursionError as error:
        raise FlowError("the text cannot be filled in: it is nested too deeply") from error
    except Exception as error:  # whatever a filter chokes on is the text's fault, not ours
        raise FlowError(f"the text cannot be filled in: {_words(error)}") from error


class Reading(Struct, frozen=True):
    """What a text says of itself: what is wrong with its Liquid (None: nothing), and the parts of
    every variable it takes from outside, such as `("contact", "fields", "size")`.
    """

    problem: str | None = None
    variables: tuple[tuple[str, ...], ...] = ()


def problem_in(text: str) -> str | None:
    """What is wrong with a text's Liquid, in words; None when it can be rendered."""
    return read(text).problem


def read(text: str) -> Reading:
    """Look a text over without filling it in."""
    return _read(text) if has_liquid(text) else _PLAIN


_PLAIN = Reading()


@lru_cache(maxsize=4096)
def _read(text: str) -> Reading:
    try:
        found = _compiled(text).analyze()
    except (LiquidError, FlowError) as error:
        return Reading(_words(error))
    except RecursionError:
        return Reading("it is nested too deeply")
    unknown = next((name for name in found.filters if name not in _ENVIRONMENT.filters), None)
    if unknown is not None:
        hint = nearest(unknown, _ENVIRONMENT.filters)
        return Reading(f"there is no filter “{unknown}”. {hint}".strip())
    return Reading(None, tuple(_variables(found.globals.values())))


def _variables(found: Iterable[Iterable[Variable]]) -> Iterator[tuple[str, ...]]:
    """Their parts, as far as they are fixed: of `a.b[c.d].e` these are `a.b`."""
    for variables in found:
        for one in variables:
            fixed = takewhile(lambda part: not isinstance(part, list), one.segments)
            yield tuple(map(str, fixed))


def _words(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


@lru_cache(maxsize=4096)
def _compiled(text: str) -> BoundTemplate:
    if len(text) > TEXT_LIMIT:
        raise FlowError(f"the text is longer than {TEXT_LIMIT:,} characters")
    return _ENVIRONMENT.from_string(text)
