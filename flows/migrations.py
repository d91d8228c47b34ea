"""Older spec numbers → the current one, one function each, with its why.

A document is migrated whenever it is read, so stored revisions never have to be rewritten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.document import SPEC

Document = dict[str, Any]

MIGRATIONS: dict[int, Callable[[Document], Document]] = {}
"""`{n: turn a document of spec n into one of spec n + 1}`; none yet, spec 1 is the first."""


class UnknownSpecError(Exception):
    """A document of a spec we do not know."""


def migrate(raw: Any) -> Any:
    """`raw` in the current spec. Raises UnknownSpecError for one from the future."""
    if not isinstance(raw, dict):
        return raw
    spec = raw.get("spec", SPEC)
    if not isinstance(spec, int) or isinstance(spec, bool) or not 1 <= spec <= SPEC:
        message = f"Spec {spec!r} is not known; this installation reads up to {SPEC}. Update it."
        raise UnknownSpecError(message)
    while spec < SPEC:
        raw = MIGRATIONS[spec](raw)
        spec += 1
    return raw
