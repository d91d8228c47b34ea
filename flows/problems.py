"""One problem of a document: where it is, what is wrong and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "hint"]


class Problem(Struct, frozen=True, omit_defaults=True):
    """`step` is a step's (or trigger's) id, `field` a JSON pointer into the document."""

    severity: Severity
    sentence: str
    field: str = ""
    step: str = ""
    todo: str = ""

    def __str__(self) -> str:
        where = f"step {self.step}, {self.field}" if self.step else self.field or "document"
        return f"{self.severity}: {where}: {self.sentence}" + (f" {self.todo}" if self.todo else "")


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901): `pointer("steps", "a/b", 0)` -> `/steps/a~1b/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
