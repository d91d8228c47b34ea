"""Texts whose Liquid only names values, filled in without Liquid: most messages are no more.

Rule: what comes out is what Liquid would write; whatever is not plainly that is left to Liquid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

LENGTH_LIMIT = 10_000  # characters that come out; beyond them Liquid counts how much it may be
_OUTPUT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAMED = re.compile(
    r"\s*(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"""(?:\s*\|\s*default:\s*(?P<quote>["'])(?P<default>[^"'\\{}]*)(?P=quote))?\s*""",
    re.ASCII,
)
_LIQUIDS_OWN = frozenset(("true", "false", "nil", "null", "empty", "blank", "and", "or", "not"))
_NOT_PLAIN = ("{%", "{{-", "-}}", "{#")


class _Piece(NamedTuple):
    """Words as they are, then the value at a path (empty: none) or what stands for it."""

    words: str
    path: tuple[str, ...]
    default: str


def fill(text: str, values: Mapping[str, object]) -> str | None:
    """`text` with its values filled in; None when Liquid has to do it."""
    pieces = _pieces(text)
    if pieces is None:
        return None
    said = []
    for words, path, default in pieces:
        said.append(words)
        found: object = values
        for name in path:
            if not isinstance(found, (dict, Mapping)):
                return None
            try:
                found = found[name]
            except KeyError:
                found = None
                break
        if found is None:
            said.append(default)
        elif type(found) is str:
            said.append(found or default)
        elif path:
            return None
    filled = "".join(said)
    return filled if len(filled) <= LENGTH_LIMIT else None


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[_Piece, ...] | None:
    if any(sign in text for sign in _NOT_PLAIN) or len(text) > LENGTH_LIMIT:
        return None
    pieces = []
    end = 0
    for output in _OUTPUT.finditer(text):
        named = _NAMED.fullmatch(output[1])
        if named is None:
            return None
        path = tuple(named["path"].split("."))
        if not _LIQUIDS_OWN.isdisjoint(path):
            return None
        pieces.append(_Piece(text[end : output.start()], path, named["default"] or ""))
        end = output.end()
    rest = text[end:]
    if "{{" in rest:
        return None
    return (*pieces, _Piece(rest, (), ""))
