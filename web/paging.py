"""Cursors: a list goes on below the last id it showed.

Rule: a cursor is an id in digits; anything else is a mistake of the caller, said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from litestar import Request

from web.shell.errors import RefusedError

LARGEST_ID = 2**63 - 1


class HasId(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> int:
        """The row's id."""


T = TypeVar("T", bound=HasId)


def parse_id(text: str) -> int | None:
    """The id that `text` spells in digits; None when it spells none."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)):
        number = int(text)
        return number if number <= LARGEST_ID else None
    return None


def before_of(request: Request[Any, Any, Any], name: str = "before") -> int | None:
    """The cursor in the address; None on the first page. Raises RefusedError (400)."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return None
    found = parse_id(text)
    if found is None:
        raise RefusedError(400, f"“{name}” must be a cursor that an earlier page gave.")
    return found


def cut(rows: Sequence[T], limit: int) -> tuple[list[T], str]:
    """The first `limit` rows, and the cursor for the next page ("" when there is none)."""
    shown = list(rows[:limit])
    return shown, str(shown[-1].id) if len(rows) > limit else ""
