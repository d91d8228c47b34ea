"""The kind `block`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.effects import Block as Change
from flows.step import Context, Exit, Group, Leave, Outcome, Step


class Block(Step, frozen=True, kw_only=True, tag="block"):
    """Blocks the contact: nothing at all is sent to them any more. Or lets them be written to
    again.
    """

    label: ClassVar[str] = "Block"
    group: ClassVar[Group] = "data"
    icon: ClassVar[str] = "ban"
    example: ClassVar[Mapping[str, Any]] = {"blocked": True}

    blocked: Annotated[
        bool,
        Meta(title="Block", description="Block; switched off: let them be written to again"),
    ] = True

    def exits(self) -> tuple[Exit, ...]:
        return (Exit("done", "Done", required=True),)

    def enter(self, ctx: Context) -> Outcome:
        if ctx.contact.blocked == self.blocked:
            return Leave("done", f"is {'blocked' if self.blocked else 'not blocked'} already")
        why = "blocked" if self.blocked else "not blocked any more"
        return Leave("done", why, (Change(self.blocked),))

    def summary(self) -> str:
        return "Block" if self.blocked else "Unblock"
