"""Regular expressions that people write: run by RE2, so no pattern can take for ever.

Rule: a broken pattern finds nothing here; `problem_in_pattern` says what is wrong with it.
"""

from __future__ import annotations

import re2

_MEMORY = 1 << 20  # bytes one compiled pattern may take; RE2 refuses larger ones


def search(pattern: str, text: str) -> bool:
    """Whether `pattern` occurs anywhere in `text`, ignoring case."""
    try:
        return re2.search(pattern, text, _options()) is not None
    except re2.error:
        return False


def find(pattern: str, text: str) -> str | None:
    """What the first group of `pattern` caught in `text`; None without a group or a match."""
    try:
        found = re2.search(pattern, text, _options())
    except re2.error:
        return None
    return found[1] if found is not None and found.groups() else None


def problem_in_pattern(pattern: str) -> str | None:
    """What is wrong with `pattern`, in RE2's words; None when it can be used."""
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0] if error.args else "it cannot be read"
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return None


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # a typing author is no reason to write to our log
    options.max_mem = _MEMORY
    return options
