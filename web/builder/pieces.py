"""Texts on cards with their variables as chips, which are shorter to read than Liquid.

Rule: pure; what is no plain variable is shown as it stands.
"""

from __future__ import annotations

import re

from msgspec import Struct

_VARIABLE = re.compile(r"\{\{(?P<path>[^|{}]*)(?:\|[^{}]*)?(?:\}\}|$)")


class Piece(Struct, frozen=True):
    """A part of a summary: words, or a variable by its short name."""

    text: str
    variable: bool = False


def in_pieces(text: str) -> tuple[Piece, ...]:
    """A text with its Liquid variables told apart: they are shown as chips."""
    pieces: list[Piece] = []
    done = 0
    for found in _VARIABLE.finditer(text):
        pieces += [Piece(text[done : found.start()])] if found.start() > done else []
        pieces.append(Piece(_called(found["path"].strip("- \t\r\n")) or "…", variable=True))
        done = found.end()
    return (*pieces, Piece(text[done:])) if done < len(text) else tuple(pieces)


def _called(path: str) -> str:
    """A variable in words: what is the contact's own by itself, anything else with its root."""
    words = [one.strip("[]'\" ").replace("_", " ") for one in path.split(".")]
    own = words[0] == "contact" and len(words) > 1
    return words[-1] if own else " ".join((words[0], words[-1])) if len(words) > 1 else words[0]
