"""The kind `go_to`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from flows.conditions import look_up
from flows.step import Context, Exit, Group, Leave, Outcome, Step

_ENOUGH = "enough"


class GoTo(Step, frozen=True, kw_only=True, tag="go_to"):
    """Jumps to another step, without a line across the whole canvas. With a limit it jumps so
    often in one run and then goes on by “Enough”: a way to ask or try again a few times.
    """

    label: ClassVar[str] = "Go to"
    group: ClassVar[Group] = "logic"
    icon: ClassVar[str] = "corner-down-right"
    example: ClassVar[Mapping[str, Any]] = {"at_most": 3}

    at_most: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(title="At most", description="How often in one run; empty: always"),
    ] = None

    def exits(self) -> tuple[Exit, ...]:
        to = Exit("to", "Go to", required=True)
        return (to,) if self.at_most is None else (to, Exit(_ENOUGH, "Enough"))

    def enter(self, ctx: Context) -> Outcome:
        if self.at_most is None:
            return Leave("to")
        before = look_up(ctx.run.variables, f"answers.{ctx.step}")
        times = before if isinstance(before, int) else 0
        if times >= self.at_most:
            return Leave(_ENOUGH, f"went there {_times(times)} already")
        return Leave("to", f"time {times + 1} of {self.at_most}", result=times + 1)

    def summary(self) -> str:
        return "" if self.at_most is None else f"at most {_times(self.at_most)}"

    def waits(self) -> bool:
        return self.at_most is not None  # it passes no time, but a loop through it ends


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
