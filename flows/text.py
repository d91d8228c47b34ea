"""Liquid in message texts: `Ciao {{ contact.first_name | default: "there" }}`.

Rendering is bounded (loops, nesting, size) and reads nothing but the values it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError

from flows.explain import nearest
from flows.filters import set_up
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


def problem_in(text: str) -> str | None:
    """What is wrong with a text's Liquid, in words; None when it can be rendered."""
    if not has_liquid(text):
        return None
    try:
        used = _compiled(text).analyze().filters
    except (LiquidError, FlowError) as error:
        return _words(error)
    except RecursionError:
        return "it is nested too deeply"
    unknown = next((name for name in used if name not in _ENVIRONMENT.filters), None)
    if unknown is None:
        return None
    return f"there is no filter “{unknown}”. {nearest(unknown, _ENVIRONMENT.filters)}".strip()


def _words(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


@lru_cache(maxsize=4096)
def _compiled(text: str) -> BoundTemplate:
    if len(text) > TEXT_LIMIT:
        raise FlowError(f"the text is longer than {TEXT_LIMIT:,} characters")
    return _ENVIRONMENT.from_string(text)
